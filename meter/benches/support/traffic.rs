//! A portal's traffic for the benches: a million browsers that were seen before, and their requests.
//!
//! Everything a request needs is the proxy's: an `http::HeaderMap`, an engine with a journal on
//! disk. Only the store is left out; its work is the committer's thread's, not the request's.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use portalmeter_meter::engine::{Engine, EngineSink, Settings};
use portalmeter_meter::gather::{Noting, Watch};
use portalmeter_meter::history::Memory;
use portalmeter_meter::intake::{Intake, Sighted, Sink};
use portalmeter_meter::journal::{Journal, Limits};
use portalmeter_meter::observation::{Key, Stamp};
use portalmeter_meter::policy::{Experience, Policy, PolicyId};
use portalmeter_meter::store::step::{Outcome, Place as Slotted, Step};
use portalmeter_meter::store::{NodeId, Resumed, Store, StoreError};
use portalmeter_rules::agent::Agents;
use portalmeter_rules::engagement::Engagement;
use portalmeter_rules::facts::{Origin, Request, Response};
use portalmeter_rules::id::{Name, NameKey};
use portalmeter_rules::identity::{Source, SourceKind};
use portalmeter_rules::judge::{Portal, Rules};
use portalmeter_rules::page::Pages;
use portalmeter_rules::pattern::Pattern;
use portalmeter_rules::portal::{Host, Place};
use portalmeter_rules::roles::Roles;
use portalmeter_rules::time::Millis;
use portalmeter_rules::visitor::ticket::TicketKeys;
use portalmeter_rules::visitor::{Mode, OwnCookie, Secure, VisitorKeys, VisitorRules};

/// A portal with its meter.
pub(crate) struct Meter {
    intake: Intake,
    engine: Engine,
    watch: Watch,
    answer: HeaderMap,
    clock: Arc<AtomicI64>,
    _dir: tempfile::TempDir,
}

/// One browser: where it is, and the ticket it was given.
#[derive(Clone, Copy)]
pub(crate) struct Browser {
    number: u32,
    id: [u8; 16],
}

/// Behind which every cookie was handed out.
const FINGERPRINT: Name = Name([7; 16]);

/// One request on its way.
pub(crate) struct Asked {
    client: IpAddr,
    headers: HeaderMap,
}

impl Meter {
    /// A meter that nobody has visited yet.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder for the journal");
        let clock = Arc::new(AtomicI64::new(NOON));
        let stamps: Vec<_> = PORTALS.iter().map(|_| Stamp::new(Policy::preset(Experience::ServicePortal))).collect();
        let intake = Intake::new(rules(), stamps);
        let engine = engine(dir.path(), &clock);
        let engagement = Engagement::default();
        let watch = Watch::new(PORTALS.iter().map(|_| Some(&engagement)));
        Self { intake, engine, watch, answer: answer(), clock, _dir: dir }
    }

    /// A meter that `count` browsers have visited twice, so that their cookies have come back.
    pub(crate) fn visited(count: u32) -> (Self, Vec<Browser>) {
        let meter = Self::new();
        let browsers = (0..count).map(|number| meter.welcome(number)).collect();
        meter.settle();
        (meter, browsers)
    }

    /// The first page of a browser, and the second one, which has the cookie.
    pub(crate) fn welcome(&self, number: u32) -> Browser {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&scatter(u64::from(number)).to_le_bytes());
        id[8..].copy_from_slice(&scatter(u64::from(number) + (1 << 40)).to_le_bytes());
        let browser = Browser { number, id };
        let mut first = self.asked(browser);
        first.headers.insert("cookie", HeaderValue::from_str(&login_cookie(number)).expect("a cookie"));
        self.take(&first, Some(id));
        self.take(&self.asked(browser), None);
        if number.is_multiple_of(10_000) {
            self.catch_up();
        }
        browser
    }

    /// Lets the time pass after which a fingerprint no longer points to a session, a cookie having come back.
    pub(crate) fn settle(&self) {
        self.clock.fetch_add(2 * 60_000, Ordering::Relaxed);
        self.catch_up();
    }

    /// A request for a page, as a browser sends it.
    pub(crate) fn asked(&self, browser: Browser) -> Asked {
        let keys = self.intake.rules().keys();
        let (ticket, _) = keys.tickets.issue(browser.id, NOON, FINGERPRINT);
        let cookie = format!("pm_visitor={ticket}; {}", login_cookie(browser.number));
        let mut headers = HeaderMap::new();
        for (name, value) in BROWSER {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers.insert("cookie", HeaderValue::from_str(&cookie).expect("a cookie"));
        Asked { client: Ipv4Addr::from(0x0b00_0000 + browser.number).into(), headers }
    }

    /// Meters a request, and hands out the cookie of `id` if one is asked for.
    #[inline(never)]
    pub(crate) fn take(&self, asked: &Asked, id: Option<[u8; 16]>) {
        let at = self.clock.load(Ordering::Relaxed);
        let (headers, answer) = (Fields(&asked.headers), Fields(&self.answer));
        let (request, response) = (asked.request(at, &headers), Response { status: 200, headers: &answer });
        let mut sink = EngineSink::new(&self.engine);
        let mut hand_out = self.hand_out(id);
        let taken = self.intake.take(&request, &response, at, &mut hand_out, &mut sink);
        assert!(taken.is_ok() && sink.precious.is_some());
    }

    /// The same, and gathers engagement, as the proxy does.
    #[inline(never)]
    pub(crate) fn take_and_gather(&self, asked: &Asked) {
        let at = self.clock.load(Ordering::Relaxed);
        let (headers, answer) = (Fields(&asked.headers), Fields(&self.answer));
        let (request, response) = (asked.request(at, &headers), Response { status: 200, headers: &answer });
        let mut sink = EngineSink::new(&self.engine);
        let mut noting = Noting::new(&mut sink);
        let mut hand_out = self.hand_out(None);
        let taken = self.intake.take(&request, &response, at, &mut hand_out, &mut noting);
        let noted = noting.noted;
        assert!(taken.is_ok_and(|verdict| {
            self.watch.observed(&verdict, noted, &request, &response, self.engine.live());
            sink.precious.is_some()
        }));
    }

    /// Judges a request alone: no session is kept, and nothing gathered.
    #[inline(never)]
    pub(crate) fn judge(&self, asked: &Asked) {
        let at = self.clock.load(Ordering::Relaxed);
        let (headers, answer) = (Fields(&asked.headers), Fields(&self.answer));
        let (request, response) = (asked.request(at, &headers), Response { status: 200, headers: &answer });
        let taken = self.intake.take(&request, &response, at, &mut |_, _| None, &mut Nobody);
        assert!(taken.is_ok());
    }

    /// The same, and gathers engagement.
    #[inline(never)]
    pub(crate) fn judge_and_gather(&self, asked: &Asked) {
        let at = self.clock.load(Ordering::Relaxed);
        let (headers, answer) = (Fields(&asked.headers), Fields(&self.answer));
        let (request, response) = (asked.request(at, &headers), Response { status: 200, headers: &answer });
        let mut nobody = Nobody;
        let mut noting = Noting::new(&mut nobody);
        let taken = self.intake.take(&request, &response, at, &mut |_, _| None, &mut noting);
        let noted = noting.noted;
        assert!(taken.is_ok_and(|verdict| {
            self.watch.observed(&verdict, noted, &request, &response, self.engine.live());
            true
        }));
    }

    /// Reads what was gathered, as a thread of its own does; nothing may have been dropped.
    pub(crate) fn read_gathered(&self) -> usize {
        let mut read = 0;
        self.watch.buffer.drain(&mut |_, target| read += usize::from(!target.is_empty()));
        assert_eq!(self.watch.buffer.dropped(), 0);
        read
    }

    /// The very value that `asked` sends back.
    fn hand_out(&self, id: Option<[u8; 16]>) -> impl FnMut(usize, Name) -> Option<Name> {
        let keys = self.intake.rules().keys();
        move |_, _| {
            let (_, ticket) = keys.tickets.issue(id?, NOON, FINGERPRINT);
            Some(ticket.name)
        }
    }

    /// Lets the committer and the journal have what waits, as they do each second.
    pub(crate) fn catch_up(&self) {
        while self.engine.backlog().0 > 0 || self.engine.journal().health().waiting > 0 {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        self.clock.fetch_add(1, Ordering::Relaxed);
    }

    /// Lets a minute pass: what is past its time is forgotten.
    pub(crate) fn pass_a_minute(&self) {
        self.clock.fetch_add(60_000, Ordering::Relaxed);
        self.catch_up();
        let now = self.clock.load(Ordering::Relaxed);
        self.engine.live().expire(now);
    }

    /// How many observations wait for the committer.
    pub(crate) fn waiting(&self) -> usize {
        self.engine.backlog().0
    }

    /// How many sessions are live.
    pub(crate) fn known(&self) -> usize {
        self.engine.live().len()
    }
}

impl Asked {
    fn request<'a>(&self, at: Millis, headers: &'a Fields<'a>) -> Request<'a> {
        Request {
            at,
            origin: Origin::Wire,
            client: self.client,
            trusted_peer: false,
            https: true,
            method: b"GET",
            host: Some("support.example.com"),
            target: b"/csp?id=kb_article&sys_id=4f1c0a2e1b7d&table=kb_knowledge",
            tells_cookies: true,
            tells_agent: true,
            remote_user: None,
            answers: &[],
            headers,
        }
    }
}

/// `splitmix64`: numbers that look random, the same in every run.
pub(crate) fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The proxy's view of Pingora's header maps.
#[path = "../../../proxy/src/headers.rs"]
mod headers;

use headers::Fields;

fn engine(dir: &Path, clock: &Arc<AtomicI64>) -> Engine {
    let clock = Arc::clone(clock);
    let settings = Settings {
        memory: Memory::keeping(KEEP),
        shared: None,
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        each_minute: Arc::new(|_| {}),
    };
    let limits = Limits { disk: 1 << 40, ..Limits::default() };
    let journal = Journal::create(dir, NodeId(*b"benchone"), limits).expect("a journal");
    Engine::start(Box::new(Nowhere), journal, &[], settings).expect("an engine")
}

/// A sink that keeps nothing.
struct Nobody;

impl Sink for Nobody {
    fn is_live(&self, _: &Key, _: Millis) -> bool {
        false
    }

    fn see(&mut self, sighted: Sighted) {
        std::hint::black_box(sighted);
    }
}

/// A store that keeps nothing.
struct Nowhere;

impl Store for Nowhere {
    fn know(&mut self, _: &[Stamp]) -> Result<(), StoreError> {
        Ok(())
    }

    fn position(&mut self, _: NodeId) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn stamp(&mut self, _: PolicyId) -> Result<Option<Stamp>, StoreError> {
        Ok(None)
    }

    fn passed(&mut self, _: NodeId, _: u64, _: Millis) -> Result<(), StoreError> {
        Ok(())
    }

    fn load(&mut self, places: &[Slotted]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        Ok(vec![None; places.len()])
    }

    fn apply(&mut self, steps: &[Step], _: Millis) -> Result<Vec<Outcome>, StoreError> {
        Ok(vec![Outcome::Done; steps.len()])
    }

    fn resume(&mut self, _: Millis) -> Result<Resumed, StoreError> {
        Ok(Resumed::default())
    }

    fn expire(&mut self, _: Millis) -> Result<(), StoreError> {
        Ok(())
    }
}

fn rules() -> Rules {
    let keys = VisitorKeys {
        names: NameKey::from_secret(b"a secret of the bench's"),
        tickets: TicketKeys::from_secrets(b"a secret of the bench's", []),
    };
    let agents = Arc::new(Agents::builtin());
    Rules::new(PORTALS.iter().map(|(name, host)| portal(name, host, &agents)).collect(), keys)
}

fn portal(name: &str, host: &str, agents: &Arc<Agents>) -> Portal {
    let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::path(text).expect("a pattern")).collect();
    Portal {
        name: name.into(),
        place: Place { hosts: vec![Host::Exact(host.to_owned())], paths: vec!["/csp".to_owned()], default: true },
        module: None,
        pages: Pages {
            login: patterns(&["/login*", "/csp?id=login*"]),
            logout: patterns(&["/logout*"]),
            pages: patterns(&["/api/view/*"]),
            background: patterns(&["/api/poll*"]),
            ignore: patterns(&["/healthz"]),
            frames: false,
        },
        identity: vec![Source {
            rule: "identity 1: cookie".into(),
            kind: SourceKind::Cookie { logged_in: vec![Pattern::name("sessionid").expect("a pattern")], user: None },
        }],
        roles: Roles::default(),
        visitor: VisitorRules {
            mode: Mode::Cookie,
            cookie: OwnCookie { name: "pm_visitor".to_owned(), domain: None, secure: Secure::Never, embedded: false },
        },
        agents: Arc::clone(agents),
    }
}

/// What the portal sees of a browser: consent, analytics, its session and its user; with our ticket 1 KiB.
fn login_cookie(number: u32) -> String {
    let hex = |salt: u64, digits: usize| {
        let drawn = scatter(u64::from(number) << 8 | salt);
        format!("{drawn:016x}").repeat(digits.div_ceil(16))[..digits].to_owned()
    };
    format!(
        "consent={}; _ga=GA1.2.{number}.1780000000; theme=dark; lang=en-GB; ab={}; glide_user_route={}; \
         sessionid={}; portal_user=user{number}; csrftoken={}; prefs={}; recent={}",
        hex(1, 180),
        hex(2, 120),
        hex(3, 38),
        hex(4, 32),
        hex(5, 64),
        hex(6, 160),
        hex(7, 150),
    )
}

fn answer() -> HeaderMap {
    let fields = [
        ("content-type", "text/html; charset=utf-8"),
        ("date", "Thu, 12 Mar 2026 12:00:00 GMT"),
        ("server", "portal"),
        ("content-length", "48213"),
        ("cache-control", "no-store, private"),
        ("vary", "Cookie, Accept-Encoding"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
    ];
    fields.into_iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value))).collect()
}

const PORTALS: &[(&str, &str)] =
    &[("support", "support.example.com"), ("partners", "partners.example.com"), ("community", "community.example.com")];

/// 2026-03-12T12:00:00Z.
const NOON: Millis = 1_773_316_800_000;
/// How long names and journal are kept.
const KEEP: Millis = 3_600_000;

const BROWSER: &[(&str, &str)] = &[
    ("host", "support.example.com"),
    ("connection", "keep-alive"),
    ("sec-ch-ua", "\"Chromium\";v=\"144\", \"Not)A;Brand\";v=\"24\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("upgrade-insecure-requests", "1"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36",
    ),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-user", "?1"),
    ("sec-fetch-dest", "document"),
    ("referer", "https://support.example.com/csp?id=home"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
];

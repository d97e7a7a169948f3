//! Requests and answers, one after the other, through the whole of it: from the wire to what is counted.
//!
//! Input: a digit that picks the portals, then a story. Each exchange begins with a line
//! `+SECONDS PEER METHOD AUTHORITY TARGET STATUS`; fields follow, `> name: value` of the request and
//! `< name: value` of its answer. In a value, `{jar}` is the cookie that was handed out last, `{first}`
//! the one handed out first, `{staff}` and `{customer}` are signed tokens.

#![no_main]

use std::net::IpAddr;
use std::path::Path;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{EncodingKey, Header};
use libfuzzer_sys::fuzz_target;
use portalmeter::fuzz::{Meter, Passed, Taken};
use portalmeter_fuzz::{field, lines};
use portalmeter_meter::history::Memory;
use portalmeter_meter::intake::{Sighted, Sink};
use portalmeter_meter::names::Who;
use portalmeter_meter::observation::Key;
use portalmeter_meter::offline::Offline;
use portalmeter_meter::usage::Counters;
use portalmeter_rules::verdict::{Evidence, Kind};
use serde_json::json;

const PORTALS: [&str; 4] = [
    include_str!("../portals/told.toml"),
    include_str!("../portals/asked.toml"),
    include_str!("../portals/signed.toml"),
    include_str!("../portals/guessed.toml"),
];
thread_local! {
    static METERS: [Meter; 4] = PORTALS.map(|text| {
        let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/portals"));
        let made = Meter::new(text, dir, b"a secret of thirty-two bytes, say");
        made.map_or_else(|told| panic!("the target's own portals: {told:?}"), |made| made.0)
    });
}

/// 2026-03-28 22:00 UTC: an hour before midnight in Berlin, in the night that has no hour from two to three.
const START: i64 = 1_774_735_200_000;
/// A story is no longer than this: more would only be slower.
const MOST: usize = 64;

fuzz_target!(|input: &[u8]| {
    let mut lines = lines(input);
    let digit = lines.next().and_then(|line| line.first()).copied().unwrap_or_default();
    let meter = METERS.with(|meters| meters[usize::from(digit) % meters.len()].fresh());
    let mut run = Run { sink: Kept::new(&meter), meter, jar: Jar::default(), at: START, newest: START, lag: 0 };
    let mut exchange = Exchange::default();
    let mut told = 0;
    for line in lines {
        match line {
            [b'>', b' ', line @ ..] => exchange.add(line, &run.jar, true),
            [b'<', b' ', line @ ..] => exchange.add(line, &run.jar, false),
            line => {
                run.pass(&exchange);
                exchange = Exchange::default();
                told += 1;
                if told > MOST {
                    break;
                }
                exchange.line = std::str::from_utf8(line).unwrap_or_default().to_owned();
            }
        }
    }
    run.pass(&exchange);
    run.sink.orders(run.lag);
    run.sink.again();
});

#[derive(Default)]
struct Exchange {
    line: String,
    request: HeaderMap,
    response: HeaderMap,
    /// It carries a token that says so.
    staff: bool,
}

impl Exchange {
    fn add(&mut self, line: &[u8], jar: &Jar, asked: bool) {
        let Some((name, value)) = field(line) else { return };
        let value = self.filled(&value, jar).unwrap_or(value);
        if asked { &mut self.request } else { &mut self.response }.append(name, value);
    }

    fn filled(&mut self, value: &HeaderValue, jar: &Jar) -> Option<HeaderValue> {
        let text = value.to_str().ok().filter(|text| text.contains('{'))?;
        self.staff |= text.contains("{staff}");
        let [staff, customer] = &*TOKENS;
        let text = text.replace("{staff}", staff).replace("{customer}", customer);
        text.replace("{jar}", &jar.last).replace("{first}", &jar.first).parse().ok()
    }
}

/// The cookies that were handed out.
#[derive(Default)]
struct Jar {
    first: String,
    last: String,
}

static TOKENS: LazyLock<[String; 2]> = LazyLock::new(|| {
    [("bob", "staff"), ("ann", "customer")].map(|(user, role)| {
        let key = EncodingKey::from_secret(include_bytes!("../portals/hs256.key").trim_ascii_end());
        jsonwebtoken::encode(&Header::default(), &json!({ "sub": user, "groups": [role] }), &key).expect("a token")
    })
});

struct Run {
    meter: Meter,
    sink: Kept,
    jar: Jar,
    at: i64,
    newest: i64,
    /// How much later than a younger one something came.
    lag: i64,
}

impl Run {
    fn pass(&mut self, exchange: &Exchange) {
        let mut words = exchange.line.split(' ');
        let [Some(later), Some(peer), Some(method), Some(authority), Some(target), Some(status)] =
            [(); 6].map(|()| words.next())
        else {
            return;
        };
        let (Ok(later), Ok(peer), Ok(status)) = (later.parse::<f64>(), peer.parse::<IpAddr>(), status.parse::<u16>())
        else {
            return;
        };
        if http::Method::from_bytes(method.as_bytes()).is_err() || !target.starts_with('/') {
            return;
        }
        // At most a day later; or a little earlier, as answers may pass in another order.
        self.at += ((later * 1000.0) as i64).clamp(-60_000, 86_400_000);
        self.newest = self.newest.max(self.at);
        self.lag = self.lag.max(self.newest - self.at);
        let passed = Passed {
            at: self.at,
            peer,
            method,
            authority,
            target: target.as_bytes(),
            request: &exchange.request,
            status,
            response: &exchange.response,
        };
        let (seen, before) = (self.sink.observed(), self.sink.counted());
        let taken = self.meter.take(&passed, &mut self.sink);
        self.check(&taken, exchange, &passed);
        let (seen, after) = (self.sink.observed() - seen, self.sink.counted());
        match taken.kind {
            Err(why) => assert_eq!((seen, after), (0, before), "counted, though {why:?}"),
            Ok(Kind::Page) => assert!(seen <= 1, "one page, observed {seen} times"),
            // What comes in order and is no page counts nothing. It may well tell whose an earlier page was:
            // of that the fold does not know.
            Ok(_) if self.at == self.newest => assert_eq!(after, before, "a page alone counts"),
            Ok(_) => {}
        }
        if let Some(cookie) = &taken.set_cookie {
            assert!(HeaderValue::from_str(cookie).is_ok());
            let pair = cookie.split(';').next().unwrap_or_default();
            self.jar.last = pair.to_owned();
            if self.jar.first.is_empty() {
                self.jar.first = pair.to_owned();
            }
        }
    }

    fn check(&self, taken: &Taken, exchange: &Exchange, passed: &Passed<'_>) {
        let (client, trusted) = taken.client;
        assert!(trusted || client == passed.peer.to_canonical(), "an untrusted peer was believed");
        let Some((Evidence::Internal, rule)) = &taken.evidence else { return };
        let says = |headers: &HeaderMap, name: &str, word: &str| {
            headers.get_all(name).iter().any(|value| String::from_utf8_lossy(value.as_bytes()).contains(word))
        };
        let may = match rule.split(": ").nth(1) {
            Some("network") => {
                let inside =
                    ["192.0.2.0/24", "2001:db8:1::/48"].map(|net| net.parse::<ipnet::IpNet>().expect("a network"));
                inside.iter().any(|net| net.contains(&client))
            }
            Some("response_header") => says(&exchange.response, "x-roles", "staff"),
            Some("header") => trusted && says(&exchange.request, "x-auth-roles", "staff"),
            Some("jwt") => exchange.staff,
            _ => false,
        };
        assert!(may, "internal by {rule}: whoever says so must be trusted");
    }
}

/// A meter in memory that keeps what it saw.
struct Kept {
    offline: Offline,
    /// The same, each taken for a visitor of his own as a node tells them apart.
    folded: Offline,
    seen: Vec<Sighted>,
    settle: i64,
}

/// Nothing is forgotten or merged.
const FOR_EVER: Memory = Memory { keep: 1 << 40, settle: 1 << 40, passed: i64::MAX };

/// All that was counted, in all scopes and on all days.
fn counted(offline: &Offline) -> [i64; 5] {
    let mut sums = Counters::default();
    for usage in offline.usage() {
        let one = usage.counters;
        sums += one;
        assert!(
            [one.guest, one.external, one.internal, one.bot, one.page_views].iter().all(|sum| *sum >= 0),
            "{one:?}"
        );
        assert_eq!(one.billable, one.guest_raw - one.bot + one.external, "the bill's own formula");
    }
    [sums.guest, sums.external, sums.internal, sums.bot, sums.converted]
}

impl Kept {
    fn new(meter: &Meter) -> Self {
        Self {
            offline: Offline::new(meter.memory()),
            folded: Offline::new(meter.memory()),
            seen: Vec::new(),
            settle: meter.memory().settle,
        }
    }

    /// What the fold counted, each taken for whom a node takes him.
    fn counted(&self) -> [i64; 5] {
        counted(&self.folded)
    }

    /// How many were observed; of others only their cookies matter.
    fn observed(&self) -> usize {
        self.seen.len()
    }

    /// Nothing that is forgotten or merged on the way changes a count, nor does the order of arrival.
    fn orders(&self, lag: i64) {
        let whole = |seen: &mut dyn Iterator<Item = &Sighted>| {
            let mut offline = Offline::new(FOR_EVER);
            seen.cloned().for_each(|sighted| offline.see(sighted));
            counted(&offline)
        };
        // Whoever they turned out to be, the sums are such as there can be.
        counted(&self.offline);
        let in_order = whole(&mut self.seen.iter());
        assert_eq!(whole(&mut self.seen.iter().rev()), in_order, "the order of arrival changed the count");
        if lag < self.settle && self.folded.late() == 0 {
            assert_eq!(counted(&self.folded), in_order, "what was forgotten changed the count");
        }
    }

    /// What was seen already changes nothing, in whichever order it comes again.
    fn again(&mut self) {
        let before = counted(&self.folded);
        let seen = std::mem::take(&mut self.seen);
        seen.iter().chain(seen.iter().rev()).cloned().for_each(|sighted| self.folded.see(sighted));
        assert_eq!(counted(&self.folded), before, "what was seen again was counted again");
    }
}

impl Sink for Kept {
    fn is_live(&self, key: &Key, at: i64) -> bool {
        self.offline.is_live(key, at)
    }

    fn see(&mut self, mut sighted: Sighted) {
        // As a journal does: the same exchange, told again, has the same.
        sighted.observation.tie = self.seen.len() as u16;
        if !sighted.overheard {
            // Whoever it turns out to be: the fold is asked about a visitor that is known.
            let known = Sighted { who: Who::Known(sighted.key.visitor), ..sighted.clone() };
            self.seen.push(known.clone());
            self.folded.see(known);
        }
        self.offline.see(sighted);
    }
}

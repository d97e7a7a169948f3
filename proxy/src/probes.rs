//! Asks portals who holds a request's cookies, beside the request and not before it.
//!
//! One question a cookie at a time, however many requests wait for its answer; an answer holds for
//! `keep`, and is forgotten when it may have changed. Whatever goes wrong, the answer is that there is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use http::HeaderMap;
use pingora::http::RequestHeader;
use portalmeter_rules::facts::Response;
use portalmeter_rules::id::{Name, NameKey, Role};
use portalmeter_rules::identity::named::Presented;
use portalmeter_rules::identity::probe::{Answer, Probe, Silent, Told};
use portalmeter_rules::identity::{self, SourceKind};
use portalmeter_rules::judge::Rules;
use portalmeter_rules::sharing;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::sync::SetOnce;

use crate::fetch::{Fetched, Fetcher, NotFetched, Question};
use crate::forwarded;
use crate::headers::Fields;
use crate::metering::{Asked, Exchange};
use crate::upstream::Upstreams;

/// What became of the need for an answer, by portal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Fate {
    portal: Arc<str>,
    /// `asked`, `answered` or `failed`; `kept` answers and `shared` questions cost nothing; `refused` at the bound.
    outcome: &'static str,
}

pub(crate) type Fates = Family<Fate, Counter>;

/// The probes of all portals.
pub(crate) struct Probes {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    portals: Vec<Vec<Prober>>,
    /// Questions by probe and cookies.
    questions: DashMap<Name, Asking>,
    key: NameKey,
    fetcher: Fetcher,
    in_flight: AtomicUsize,
    fates: Fates,
    begun: Instant,
    /// When stale answers are thrown out next, in seconds since `begun`.
    next_sweep: AtomicUsize,
}

/// A probe of a portal.
struct Prober {
    number: u64,
    probe: Arc<Probe>,
    portal: Arc<str>,
    upstreams: Arc<Upstreams>,
}

/// The questions about one portal's cookies: a few, since an answer may depend on where they come from.
type Asking = Vec<(Name, Arc<Waiting>)>;

/// A question, and its answer once there is one.
struct Waiting {
    until: Instant,
    told: SetOnce<Kept>,
}

struct Kept {
    told: Option<Arc<Told>>,
    until: Instant,
}

/// What was asked for one request.
pub(crate) struct Asks(Vec<(Arc<Probe>, Arc<Waiting>)>);

/// Most cookies whose answers are kept; more are not asked about.
const MOST_KEPT: usize = 50_000;
/// Most questions at once, so that a flood of cookies is no flood of questions.
const MOST_IN_FLIGHT: usize = 64;
/// Most senders of the same cookies whose answers are kept.
const MOST_SENDERS: usize = 4;
/// A portal that gave no answer is left alone about these cookies for so long.
const KEEP_FAILURE: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const LARGEST: usize = 64 * 1024;
const SWEEP: usize = 10;

impl Probes {
    /// The probes in these rules; `upstreams` are the portals'.
    pub(crate) fn new(rules: &Rules, upstreams: &[Arc<Upstreams>], fates: &Fates) -> Self {
        let mut number = 0;
        let portals: Vec<Vec<Prober>> = rules
            .portals()
            .iter()
            .zip(upstreams)
            .map(|(portal, upstreams)| {
                let probes = portal.identity.iter().filter_map(|source| match &source.kind {
                    SourceKind::Probe(probe) => Some(Arc::clone(probe)),
                    _ => None,
                });
                let prober = |probe| {
                    number += 1;
                    Prober { number, probe, portal: Arc::clone(&portal.name), upstreams: Arc::clone(upstreams) }
                };
                probes.map(prober).collect()
            })
            .collect();
        let inner = portals.iter().any(|probers| !probers.is_empty()).then(|| {
            Arc::new(Inner {
                portals,
                questions: DashMap::new(),
                key: rules.keys().names.clone(),
                fetcher: Fetcher::new(),
                in_flight: AtomicUsize::new(0),
                fates: fates.clone(),
                begun: Instant::now(),
                next_sweep: AtomicUsize::new(SWEEP),
            })
        });
        Self { inner }
    }

    /// Asks about a request that has just arrived, if it may become a page and nothing else says who sent it.
    pub(crate) fn begin(&self, rules: &Rules, asked: &Asked<'_>) -> Option<Asks> {
        let inner = self.inner.as_ref()?;
        let fields = Fields(asked.headers);
        let request = asked.facts(&fields, &[]);
        let reads = matches!(request.method, b"GET");
        let portal = rules.may_be_page(&request).filter(|_| reads)?;
        Some(inner.ask(rules, portal, asked))
    }

    /// What portals said of the sender of an exchange; waits for it only if the exchange is a page.
    pub(crate) async fn answers(&self, rules: &Rules, exchange: &Exchange<'_>, begun: Option<Asks>) -> Vec<Answer> {
        let Some(inner) = &self.inner else { return Vec::new() };
        let Some(portal) = page_of(rules, exchange) else { return Vec::new() };
        // What may have changed who is signed in is asked about afterwards.
        let asks = begun.unwrap_or_else(|| inner.ask(rules, portal, &exchange.asked));
        let mut answers = Vec::new();
        for (probe, waiting) in asks.0 {
            if let Some(told) = waiting.told().await {
                answers.push(Answer { probe, told });
            }
        }
        answers
    }

    /// Forgets what an exchange may have changed: `response` is what is known of the answer.
    pub(crate) fn forget(&self, rules: &Rules, asked: &Asked<'_>, response: Option<&HeaderMap>) {
        let Some(inner) = &self.inner else { return };
        let fields = Fields(asked.headers);
        let request = asked.facts(&fields, &[]);
        let changes = rules.may_change_who(&request);
        for prober in rules.on_host(&request).iter().filter_map(|&portal| inner.portals.get(portal)).flatten() {
            let given = || response.is_some_and(|response| prober.probe.cookies.is_given(&Fields(response)));
            if !changes && !given() {
                continue;
            }
            if let Presented::These(cookies) = prober.probe.cookies.presented(&fields) {
                inner.questions.remove(&inner.name(prober, &cookies));
            }
        }
    }
}

fn page_of(rules: &Rules, exchange: &Exchange<'_>) -> Option<usize> {
    let (asked, answered) = (Fields(exchange.asked.headers), Fields(exchange.response));
    let response = Response { status: exchange.status, headers: &answered };
    rules.page_of(&exchange.asked.facts(&asked, &[]), &response)
}

impl Inner {
    fn ask(self: &Arc<Self>, rules: &Rules, portal: usize, asked: &Asked<'_>) -> Asks {
        let fields = Fields(asked.headers);
        let request = asked.facts(&fields, &[]);
        let sources = rules.portals().get(portal).map_or(&[][..], |portal| &portal.identity);
        let mut asks = Asks(Vec::new());
        for prober in self.portals.get(portal).into_iter().flatten() {
            if identity::is_settled_before(&prober.probe, sources, &request) {
                continue;
            }
            let Presented::These(cookies) = prober.probe.cookies.presented(&fields) else { continue };
            if let Some(waiting) = self.waiting(portal, prober, &cookies, asked) {
                asks.0.push((Arc::clone(&prober.probe), waiting));
            }
        }
        asks
    }

    /// The question about these cookies: an answered one, one under way, or a new one.
    fn waiting(
        self: &Arc<Self>,
        portal: usize,
        prober: &Prober,
        cookies: &[u8],
        asked: &Asked<'_>,
    ) -> Option<Arc<Waiting>> {
        let now = Instant::now();
        let name = self.name(prober, cookies);
        let passed_on = forwarded::fields(asked.client, asked.headers, asked.host_as_sent, false);
        let [_, (_, proto), (_, host)] = &passed_on;
        let ip = asked.client.ip.to_string();
        let sender = self.key.name(Role::Probed, &[asked.host_as_sent.as_bytes(), proto, host, ip.as_bytes()]);
        let known = |all: &Asking| {
            all.iter().find(|(from, waiting)| *from == sender && waiting.holds(now)).map(|(_, found)| Arc::clone(found))
        };
        let shared = |waiting: Arc<Waiting>| {
            self.count(prober, if waiting.told.get().is_some() { "kept" } else { "shared" });
            Some(waiting)
        };
        if let Some(found) = self.questions.get(&name).and_then(|all| known(&all)) {
            return shared(found);
        }
        let request = question(&prober.probe, cookies, asked, passed_on);
        let peer = prober.upstreams.next(false);
        let (Some(request), Some(peer)) = (request, peer) else {
            self.count(prober, "failed");
            return None;
        };
        let Some(passing) = self.enter(&name) else {
            self.count(prober, "refused");
            return None;
        };
        let waiting = Arc::new(Waiting { until: now + prober.probe.timeout, told: SetOnce::new() });
        {
            let mut all = self.questions.entry(name).or_default();
            // Another request may have been faster.
            if let Some(found) = known(&all) {
                return shared(found);
            }
            all.retain(|(from, other)| *from != sender && other.holds(now));
            if all.len() >= MOST_SENDERS {
                all.remove(0);
            }
            all.push((sender, Arc::clone(&waiting)));
        }
        self.count(prober, "asked");
        let (inner, timeout, number) = (Arc::clone(self), prober.probe.timeout, prober.number);
        let task = Task { waiting: Arc::clone(&waiting), _passing: passing };
        tokio::spawn(async move {
            let question = Question { peer, request, largest: LARGEST, timeout };
            let fetched = inner.fetcher.fetch(&question).await;
            let prober = inner.portals.get(portal).into_iter().flatten().find(|prober| prober.number == number);
            if let Some(prober) = prober {
                task.settle(&inner, prober, fetched);
            }
            inner.sweep();
        });
        Some(waiting)
    }

    fn name(&self, prober: &Prober, cookies: &[u8]) -> Name {
        self.key.name(Role::Probed, &[&prober.number.to_le_bytes(), cookies])
    }

    fn count(&self, prober: &Prober, outcome: &'static str) {
        self.fates.get_or_create(&Fate { portal: Arc::clone(&prober.portal), outcome }).inc();
    }

    /// Leave to ask one more question; none at the bound.
    fn enter(self: &Arc<Self>, name: &Name) -> Option<Passing> {
        if self.questions.len() >= MOST_KEPT && !self.questions.contains_key(name) {
            return None;
        }
        let passing = Passing(Arc::clone(self));
        // Dropping `passing` takes it back.
        (self.in_flight.fetch_add(1, Ordering::Relaxed) < MOST_IN_FLIGHT).then_some(passing)
    }

    /// Throws out what no longer holds, now and then.
    fn sweep(&self) {
        let (now, due) = (self.begun.elapsed().as_secs() as usize, self.next_sweep.load(Ordering::Relaxed));
        let mine = self.next_sweep.compare_exchange(due, now + SWEEP, Ordering::Relaxed, Ordering::Relaxed);
        if now < due || mine.is_err() {
            return;
        }
        let now = Instant::now();
        self.questions.retain(|_, all| {
            all.retain(|(_, waiting)| waiting.holds(now));
            !all.is_empty()
        });
    }
}

/// A question in flight.
struct Passing(Arc<Inner>);

impl Drop for Passing {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A question on its way; if it is dropped, there is no answer.
struct Task {
    waiting: Arc<Waiting>,
    _passing: Passing,
}

impl Task {
    fn settle(&self, inner: &Inner, prober: &Prober, fetched: Result<Fetched, NotFetched>) {
        let now = Instant::now();
        let told = fetched.map_err(|why| why.to_string()).and_then(|fetched| read(&prober.probe, &fetched));
        let kept = match told {
            Ok(told) => {
                inner.count(prober, "answered");
                Kept { told: Some(Arc::new(told)), until: now + prober.probe.keep }
            }
            Err(why) => {
                inner.count(prober, "failed");
                tracing::debug!(portal = &*prober.portal, why, "a probe gave no answer");
                Kept { told: None, until: now + KEEP_FAILURE.min(prober.probe.keep) }
            }
        };
        let _ = self.waiting.told.set(kept);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let _ = self.waiting.told.set(Kept { told: None, until: Instant::now() });
    }
}

impl Waiting {
    fn holds(&self, now: Instant) -> bool {
        self.told.get().map_or(self.until, |kept| kept.until) > now
    }

    async fn told(&self) -> Option<Arc<Told>> {
        let at_most = tokio::time::Instant::from_std(self.until);
        tokio::time::timeout_at(at_most, self.told.wait()).await.ok()?.told.clone()
    }
}

fn read(probe: &Probe, fetched: &Fetched) -> Result<Told, String> {
    let headers = Fields(&fetched.headers);
    let shared = sharing::may_be_shared(&Response { status: fetched.status, headers: &headers });
    probe.read(fetched.status, shared, &fetched.body).map_err(|silent: Silent| format!("{} ({silent})", fetched.status))
}

fn question(
    probe: &Probe,
    cookies: &[u8],
    asked: &Asked<'_>,
    passed_on: [(&'static str, Vec<u8>); 3],
) -> Option<RequestHeader> {
    let mut request = RequestHeader::build("GET", probe.url.as_bytes(), Some(8)).ok()?;
    let plain: [(&'static str, &[u8]); 5] = [
        ("Host", asked.host_as_sent.as_bytes()),
        ("Accept", b"application/json"),
        ("Accept-Encoding", b"identity"),
        ("User-Agent", b"portalmeter-probe"),
        ("Cookie", cookies),
    ];
    for (name, value) in plain {
        request.insert_header(name, value).ok()?;
    }
    for (name, value) in passed_on {
        request.insert_header(name, value).ok()?;
    }
    Some(request)
}

//! The meter as the proxy calls it: one exchange in, a cookie and a receipt out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use portalmeter_meter::engine::{Engine, EngineSink, Receipt};
use portalmeter_meter::gather::Noting;
use portalmeter_meter::intake::Intake;
use portalmeter_meter::keeper::Keeper;
use portalmeter_rules::facts::{Origin, Request, Response};
use portalmeter_rules::id::Name;
use portalmeter_rules::identity::probe::Answer;
use portalmeter_rules::judge::{SeenIn, Unseen};
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::Kind;

use crate::beacon::Recent;
use crate::config::Beacon;
use crate::forwarded::Client;
use crate::gatherer::Gatherer;
use crate::headers::Fields;
use crate::keeping::Clock;
use crate::metrics::Counters;
use crate::watch::Pages;

/// The meter of a running proxy.
pub(crate) struct Metering {
    pub(crate) intake: Intake,
    pub(crate) engine: Arc<Engine>,
    pub(crate) keeper: Keeper,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    /// Pages of each portal, by what they proved.
    pub(crate) pages: Vec<Pages>,
    /// Response fields that clients do not get to see, by portal.
    pub(crate) hidden_headers: Vec<Vec<String>>,
    /// A stalled disk holds a page no longer.
    pub(crate) max_wait: Duration,
    /// What people look at and do.
    pub(crate) gatherer: Gatherer,
    /// What browsers may tell of, by portal.
    pub(crate) beacons: Vec<Option<Beacon>>,
    /// What they told lately.
    pub(crate) recent: Recent,
}

/// One request.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'e> {
    pub(crate) at: Millis,
    pub(crate) client: &'e Client,
    pub(crate) method: &'e str,
    /// Lower case, without port.
    pub(crate) host: &'e str,
    pub(crate) host_as_sent: &'e str,
    pub(crate) target: &'e [u8],
    pub(crate) headers: &'e HeaderMap,
}

/// One exchange, its response's headers about to leave.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'e> {
    pub(crate) asked: Asked<'e>,
    pub(crate) status: u16,
    pub(crate) response: &'e HeaderMap,
}

impl Asked<'_> {
    /// What the rules see of it, with what portals said of its sender.
    pub(crate) fn facts<'a>(&'a self, fields: &'a Fields<'a>, answers: &'a [Answer]) -> Request<'a> {
        Request {
            at: self.at,
            origin: Origin::Wire,
            client: self.client.ip,
            trusted_peer: self.client.trusted,
            https: self.client.https,
            method: self.method.as_bytes(),
            host: Some(self.host),
            target: self.target,
            tells_cookies: true,
            tells_agent: true,
            remote_user: None,
            answers,
            headers: fields,
        }
    }
}

/// What the meter asks of the response.
#[derive(Debug, Default)]
pub(crate) struct Metered {
    /// A cookie to hand out.
    pub(crate) set_cookie: Option<String>,
    /// What the journal must hold before the headers leave.
    pub(crate) written: Option<Receipt>,
    /// The portal that it is a page of.
    pub(crate) page_of: Option<usize>,
}

impl Metering {
    /// Now, by the clock that all nodes share.
    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The portal whose upstream serves a request.
    pub(crate) fn route(&self, host: &str, path: &[u8]) -> Option<usize> {
        self.intake.rules().route(Some(host), path).map(|route| route.served_by)
    }

    /// Whether browsers may tell something at a host.
    pub(crate) fn has_beacon(&self, host: &str) -> bool {
        let route = self.intake.rules().route(Some(host), b"/");
        route.is_some_and(|route| route.on_host.iter().any(|&portal| matches!(self.beacons.get(portal), Some(Some(_)))))
    }

    /// Whether pages of a portal are given the beacon's script.
    pub(crate) fn injects(&self, portal: usize) -> bool {
        matches!(self.beacons.get(portal), Some(Some(beacon)) if beacon.inject)
    }

    /// Whether a cookie of this name is the meter's own, in any portal.
    pub(crate) fn is_our_cookie(&self, name: &[u8]) -> bool {
        self.intake.rules().portals().iter().any(|portal| portal.visitor.cookie.is_ours(name))
    }

    /// Meters an exchange. Whatever goes wrong in here, the request goes on.
    pub(crate) fn meter(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Metered {
        catch_unwind(AssertUnwindSafe(|| self.take(exchange, answers))).unwrap_or_else(|_| {
            self.counters.panics.inc();
            Metered::default()
        })
    }

    /// Waits for the journal, as long as a page may.
    pub(crate) async fn written(&self, receipt: Receipt) {
        self.engine.written(receipt, tokio::time::sleep(self.max_wait)).await;
    }

    fn take(&self, exchange: &Exchange<'_>, answers: &[Answer]) -> Metered {
        let (asked, answered) = (Fields(exchange.asked.headers), Fields(exchange.response));
        let request = exchange.asked.facts(&asked, answers);
        let response = Response { status: exchange.status, headers: &answered };
        let now = self.now();
        let mut metered = Metered::default();
        let mut sink = EngineSink::new(&self.engine);
        let mut noting = Noting::new(&mut sink);
        let mut hand_out = |portal: usize, fingerprint: Name| {
            let (cookie, name) = self.hand_out(portal, fingerprint, now, request.https)?;
            metered.set_cookie = Some(cookie);
            Some(name)
        };
        let taken = self.intake.take(&request, &response, now, &mut hand_out, &mut noting);
        let (noted, watch, live) = (noting.noted, &self.gatherer.watch, self.engine.live());
        match taken {
            Ok(verdict) => {
                self.counters.observed(verdict.kind, verdict.sender.evidence);
                metered.page_of = match verdict.seen_in {
                    SeenIn::Portal(portal) | SeenIn::Module(portal, _) => Some(portal),
                    SeenIn::Host(_) => None,
                }
                .filter(|_| verdict.kind == Kind::Page);
                if let Some(pages) = metered.page_of.and_then(|portal| self.pages.get(portal)) {
                    pages.note(verdict.sender.evidence);
                }
                watch.observed(&verdict, noted, &request, &response, live);
            }
            Err(unseen) => {
                self.counters.unseen(&unseen);
                watch.unobserved(&unseen, &self.intake, &request, &response, live);
            }
        }
        metered.written = sink.precious;
        metered
    }

    fn hand_out(&self, portal: usize, fingerprint: Name, now: Millis, https: bool) -> Option<(String, Name)> {
        if !self.intake.issues_cookies(portal, now) {
            return None;
        }
        let mut id = [0; 16];
        if getrandom::fill(&mut id).is_err() {
            self.counters.no_randomness.inc();
            return None;
        }
        let rules = self.intake.rules();
        let (value, ticket) = rules.keys().tickets.issue(id, now, fingerprint);
        let cookie = rules.portals().get(portal)?.visitor.cookie.set(&value, https);
        Some((cookie, ticket.name))
    }
}

/// Now, by the machine's clock, in milliseconds since the Unix epoch.
pub(crate) fn now() -> Millis {
    micros_now().div_euclid(1000)
}

/// The same in microseconds.
pub(crate) fn micros_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

impl Counters {
    fn observed(&self, kind: Kind, evidence: portalmeter_rules::verdict::Evidence) {
        self.observations.get_or_create(&crate::metrics::Seen { kind: kind.into(), evidence: evidence.into() }).inc();
    }

    fn unseen(&self, unseen: &Unseen) {
        let why = match unseen {
            Unseen::UnknownHost => "unknown_host",
            Unseen::OutsidePaths => "outside_paths",
            Unseen::NoModule => "no_module",
            Unseen::Ignored(_) => "ignored",
            Unseen::UnmappedRoles(_) => "unmapped_roles",
        };
        self.unobserved.get_or_create(&crate::metrics::Unobserved { why }).inc();
    }
}

//! Fetches the keys of token issuers, off the request path: at start, every `refresh`, and early when tokens
//! name a key that nobody knows.
//!
//! While an issuer is away its last keys stay in use; the age is a metric, and each failure is warned of.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pingora::http::RequestHeader;
use pingora::prelude::HttpPeer;
use portalmeter_rules::identity::SourceKind;
use portalmeter_rules::identity::keys::KeyRing;
use portalmeter_rules::judge::Rules;

use crate::config;
use crate::fetch::{Fetcher, Question};

/// An issuer whose keys are fetched.
#[derive(Debug)]
pub(crate) struct Issuer {
    /// The portal that believes it.
    pub(crate) portal: Arc<str>,
    /// The identity source, such as `identity 2: jwt`.
    pub(crate) source: Arc<str>,
    ring: Arc<KeyRing>,
    failures: AtomicU64,
    /// When keys were last fetched, in milliseconds since 1970; 0: never.
    fetched: AtomicI64,
}

/// Longest key set that is read.
const LARGEST: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Unknown keys cause no more than one fetch in this time, however many tokens name them.
const EARLY: Duration = Duration::from_secs(30);
/// After a failure it is tried again this much later, then twice as much, up to `refresh`.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_millis(200);
/// Most addresses of an issuer's name that are tried.
const MOST_ADDRESSES: usize = 4;

/// The issuers in these rules.
pub(crate) fn of(rules: &Rules) -> Vec<Arc<Issuer>> {
    let mut all = Vec::new();
    for portal in rules.portals() {
        for source in &portal.identity {
            let SourceKind::Jwt(token) = &source.kind else { continue };
            let Some(ring) = token.ring() else { continue };
            all.push(Arc::new(Issuer {
                portal: Arc::clone(&portal.name),
                source: Arc::clone(&source.rule),
                ring: Arc::clone(ring),
                failures: AtomicU64::new(0),
                fetched: AtomicI64::new(0),
            }));
        }
    }
    all
}

/// Keeps fetching in a thread of its own, for as long as the process lives.
pub(crate) fn keep_fetching(issuers: Vec<Arc<Issuer>>) -> std::io::Result<()> {
    if issuers.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("issuers".to_owned()).spawn(move || {
        runtime.block_on(async {
            let each: Vec<_> = issuers.into_iter().map(|issuer| tokio::spawn(issuer.keep_fetching())).collect();
            for one in each {
                let _ended = one.await;
            }
        });
    })?;
    Ok(())
}

/// Whether the keys at a ring's address can be had and are of use; for `check`.
pub(crate) fn reach(ring: &KeyRing) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let fetched = runtime.block_on(fetch(&ring.url, Duration::from_secs(5)))?;
    ring.replace(&fetched).map(drop).map_err(|bad| bad.to_string())
}

impl Issuer {
    /// How old the keys are, in seconds; `None`: there are none yet.
    pub(crate) fn age(&self, now: i64) -> Option<i64> {
        let fetched = self.fetched.load(Ordering::Relaxed);
        (fetched > 0).then(|| (now - fetched).max(0) / 1000)
    }

    /// How many fetches have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    async fn keep_fetching(self: Arc<Self>) {
        let mut schedule = Schedule::every(self.ring.refresh);
        loop {
            if schedule.is_due(Instant::now(), self.ring.was_missed()) {
                let failed = self.fetch_once().await;
                schedule.tried(Instant::now(), failed);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Whether it failed.
    async fn fetch_once(&self) -> bool {
        let fetched = fetch(&self.ring.url, TIMEOUT).await;
        match fetched.and_then(|body| self.ring.replace(&body).map_err(|bad| bad.to_string())) {
            Ok(keys) => {
                if self.fetched.swap(crate::metering::now(), Ordering::Relaxed) == 0 {
                    tracing::info!(portal = &*self.portal, source = &*self.source, keys, "an issuer's keys are here");
                }
                false
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let (portal, source, kept) = (&*self.portal, &*self.source, self.ring.has_keys());
                tracing::warn!(portal, source, error, last_keys_kept = kept, "an issuer's keys could not be fetched");
                true
            }
        }
    }
}

async fn fetch(url: &str, timeout: Duration) -> Result<Vec<u8>, String> {
    let address = config::address(url).map_err(|(message, _)| format!("`{url}` {message}"))?;
    let server = &address.upstream;
    let resolved = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let resolved: Vec<_> = resolved.map_err(|error| error.to_string())?.take(MOST_ADDRESSES).collect();
    let mut why = "its name has no address".to_owned();
    // Connections are not kept: the next question is minutes away.
    let fetcher = Fetcher::new();
    for socket in resolved {
        let mut peer = HttpPeer::new(socket, server.tls, server.host.clone());
        peer.options.connection_timeout = Some(timeout);
        peer.options.total_connection_timeout = Some(timeout);
        let request = question(url, &address.target).map_err(|error| error.to_string())?;
        let question = Question { peer: Box::new(peer), request, largest: LARGEST, timeout };
        match fetcher.fetch(&question).await {
            Ok(fetched) if fetched.status == 200 => return Ok(fetched.body),
            // Not followed: who may say where the keys are, says whose tokens are good.
            Ok(fetched) if (300..400).contains(&fetched.status) => {
                return Err(format!("it redirects ({}); name the address it leads to", fetched.status));
            }
            Ok(fetched) => why = format!("it answers {}", fetched.status),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

fn question(url: &str, target: &str) -> pingora::Result<RequestHeader> {
    let mut request = RequestHeader::build("GET", target.as_bytes(), Some(5))?;
    let authority = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    request.insert_header("Host", authority)?;
    request.insert_header("Accept", "application/jwk-set+json, application/json")?;
    request.insert_header("Accept-Encoding", "identity")?;
    request.insert_header("User-Agent", concat!("portalmeter/", env!("CARGO_PKG_VERSION")))?;
    request.insert_header("Connection", "close")?;
    Ok(request)
}

/// When to fetch next.
#[derive(Debug)]
struct Schedule {
    refresh: Duration,
    last: Option<Instant>,
    failures_in_a_row: u32,
    missed: bool,
}

impl Schedule {
    fn every(refresh: Duration) -> Self {
        Self { refresh, last: None, failures_in_a_row: 0, missed: false }
    }

    /// `missed`: a token has named an unknown key since the last call.
    fn is_due(&mut self, now: Instant, missed: bool) -> bool {
        self.missed |= missed;
        let Some(last) = self.last else { return true };
        let pause = match self.failures_in_a_row {
            0 => self.refresh,
            failures => AGAIN.saturating_mul(1 << (failures - 1).min(20)).min(self.refresh),
        };
        let since = now.saturating_duration_since(last);
        since >= pause || (self.missed && since >= EARLY)
    }

    fn tried(&mut self, now: Instant, failed: bool) {
        self.last = Some(now);
        self.missed = false;
        self.failures_in_a_row = if failed { self.failures_in_a_row.saturating_add(1) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which keys are fetched within an hour, if tokens name unknown keys at `missed`.
    fn fetches(missed: impl Fn(u64) -> bool, fails: impl Fn(u64) -> bool) -> Vec<u64> {
        let start = Instant::now();
        let mut schedule = Schedule::every(Duration::from_mins(10));
        let mut all = Vec::new();
        for second in 0..3600 {
            let now = start + Duration::from_secs(second);
            if schedule.is_due(now, missed(second)) {
                schedule.tried(now, fails(second));
                all.push(second);
            }
        }
        all
    }

    #[test]
    fn keys_are_fetched_at_start_and_every_refresh() {
        assert_eq!(fetches(|_| false, |_| false), [0, 600, 1200, 1800, 2400, 3000]);
    }

    #[test]
    fn an_unknown_key_is_asked_for_early_and_at_most_every_half_minute() {
        assert_eq!(fetches(|second| second == 100, |_| false)[..3], [0, 100, 700]);
        assert_eq!(fetches(|second| second == 5, |_| false)[..3], [0, 30, 630], "what was missed is remembered");
        let flood = fetches(|_| true, |_| false);
        assert_eq!(flood, (0..120).map(|step| step * 30).collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_is_tried_again_soon_and_then_less_and_less() {
        assert_eq!(fetches(|_| false, |second| second < 40)[..8], [0, 1, 3, 7, 15, 31, 63, 663]);
        let away = fetches(|_| false, |_| true);
        assert_eq!(away[away.len() - 2..], [2823, 3423], "never less often than every refresh");
    }
}

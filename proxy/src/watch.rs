//! Watches a running meter: since when something is wrong, and what only shows over an hour of traffic.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::Evidence;

use crate::metering::Metering;
use crate::metrics::Unobserved;
use crate::problems::{Problem, notices, problems};

/// Pages of a portal by what they proved about their senders, since the start.
#[derive(Debug, Default)]
pub(crate) struct Pages([AtomicU64; 5]);

impl Pages {
    /// Counts a page.
    pub(crate) fn note(&self, evidence: Evidence) {
        self.0[evidence as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> [u64; 5] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

/// Watches a meter.
pub(crate) struct Watch {
    metering: Arc<Metering>,
    portals: Vec<Arc<str>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    since: BTreeMap<String, Millis>,
    samples: VecDeque<Sample>,
}

/// Counters at an instant.
struct Sample {
    at: Millis,
    unmapped: u64,
    pages: Vec<[u64; 5]>,
}

/// What is looked back on, and how often a sample is taken.
const BACK: Millis = 3_600_000;
const PACE: Duration = Duration::from_secs(15);
const SAMPLED: Millis = 60_000;
/// Fewer pages of people tell nothing about a portal's evidence.
const ENOUGH: u64 = 50;

impl Watch {
    /// Watches a meter from now on.
    pub(crate) fn start(metering: Arc<Metering>, portals: Vec<Arc<str>>) -> std::io::Result<Arc<Self>> {
        let watch = Arc::new(Self { metering, portals, state: Mutex::default() });
        let watcher = Arc::downgrade(&watch);
        std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
            while let Some(watch) = watcher.upgrade() {
                watch.problems();
                drop(watch);
                std::thread::sleep(PACE);
            }
        })?;
        Ok(watch)
    }

    /// All that is wrong, each with since when.
    pub(crate) fn problems(&self) -> Vec<(Problem, Millis)> {
        let now = self.metering.now();
        let mut found = problems(&self.metering);
        found.extend(notices(&self.metering));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sample(now, || Sample {
            at: now,
            unmapped: self.metering.counters.unobserved.get_or_create(&Unobserved { why: "unmapped_roles" }).get(),
            pages: self.metering.pages.iter().map(Pages::now).collect(),
        });
        if let Some((then, last)) = state.samples.front().zip(state.samples.back()) {
            found.extend(unmapped(then, last));
            found.extend(self.portals.iter().enumerate().filter_map(|(portal, name)| silent(portal, name, then, last)));
        }
        state.since(found, now)
    }
}

impl State {
    fn sample(&mut self, now: Millis, take: impl FnOnce() -> Sample) {
        if self.samples.back().is_none_or(|last| now - last.at >= SAMPLED || now < last.at) {
            self.samples.push_back(take());
        }
        while self.samples.len() > 2 && self.samples.front().is_some_and(|first| now - first.at > BACK) {
            self.samples.pop_front();
        }
    }

    fn since(&mut self, found: Vec<Problem>, now: Millis) -> Vec<(Problem, Millis)> {
        self.since.retain(|what, _| found.iter().any(|problem| problem.what == *what));
        let since = |problem: Problem| {
            let since = *self.since.entry(problem.what.clone()).or_insert(now);
            (problem, since)
        };
        found.into_iter().map(since).collect()
    }
}

fn unmapped(then: &Sample, last: &Sample) -> Option<Problem> {
    let many = last.unmapped.saturating_sub(then.unmapped);
    let detail = format!("{many} requests within the hour came from users none of whose roles is mapped");
    let meaning = "they are left out of the count, as `roles.unmapped = \"ignore\"` says";
    let remedy = "name these roles under [portal.roles]; `portalmeter explain` shows which they are";
    (many > 0).then(|| Problem::new("unmapped_roles", detail, meaning, remedy))
}

/// A portal whose pages never say who is there: its identity sources look at the wrong place.
fn silent(portal: usize, name: &str, then: &Sample, last: &Sample) -> Option<Problem> {
    let (then, last) = (then.pages.get(portal)?, last.pages.get(portal)?);
    let gained = |of: Evidence| last[of as usize].saturating_sub(then[of as usize]);
    let unknown = gained(Evidence::Unknown);
    let known: u64 = [Evidence::Guest, Evidence::External, Evidence::Internal].into_iter().map(gained).sum();
    let detail = format!("of {unknown} pages of `{name}` within the hour none said who was signed in");
    let meaning = "everybody there counts as a guest, employees too";
    let remedy = "give the portal an identity source that speaks: docs/identity.md, `portalmeter explain`";
    let silent = known == 0 && unknown >= ENOUGH;
    silent.then(|| Problem::new(&format!("evidence_unknown_{name}"), detail, meaning, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: Millis, unmapped: u64, pages: [u64; 5]) -> Sample {
        Sample { at, unmapped, pages: vec![pages] }
    }

    #[test]
    fn a_portal_is_silent_if_no_page_of_an_hour_says_who_is_there() {
        let told =
            |pages: [u64; 5]| silent(0, "help", &sample(0, 0, [100, 5, 5, 5, 5]), &sample(1, 0, pages)).is_some();
        assert!(told([150, 5, 5, 5, 90]), "bots are no people");
        assert!(!told([149, 5, 5, 5, 5]), "too few to tell");
        assert!(!told([900, 5, 6, 5, 5]), "one user was seen");
    }

    #[test]
    fn a_problem_keeps_its_beginning_until_it_is_gone() {
        let mut state = State::default();
        let problem = |what: &str| Problem::new(what, "", "", "");
        let mut told = |what: &[&str], now| -> Vec<Millis> {
            state.since(what.iter().map(|what| problem(what)).collect(), now).into_iter().map(|one| one.1).collect()
        };
        assert_eq!(told(&["store"], 1), [1]);
        assert_eq!(told(&["store", "ledger"], 2), [1, 2]);
        assert_eq!(told(&["ledger"], 3), [2]);
        assert_eq!(told(&["store", "ledger"], 4), [4, 2]);
    }
}

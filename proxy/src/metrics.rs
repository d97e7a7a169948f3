//! What Prometheus reads: counters of the proxy, and gauges read from the engine at each scrape.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use portalmeter_rules::verdict::{Evidence, Kind};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use crate::door::refusal::Refusal;
use crate::issuers::Issuer;
use crate::metering::{Metering, now};
use crate::probes::Fates;

/// Labels of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Seen {
    pub(crate) kind: KindLabel,
    pub(crate) evidence: EvidenceLabel,
}

/// Labels of an exchange that was not observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Unobserved {
    pub(crate) why: &'static str,
}

/// Labels of a request that was refused before any of it reached a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) why: &'static str,
}

impl Counters {
    /// Counts a refusal.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        self.refused.get_or_create(&Refused { status: refusal.status, why: refusal.why }).inc();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KindLabel(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EvidenceLabel(Evidence);

impl From<Kind> for KindLabel {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

impl From<Evidence> for EvidenceLabel {
    fn from(evidence: Evidence) -> Self {
        Self(evidence)
    }
}

impl EncodeLabelValue for KindLabel {
    fn encode(&self, encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&self.0.to_string(), encoder)
    }
}

impl EncodeLabelValue for EvidenceLabel {
    fn encode(&self, encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&self.0.to_string(), encoder)
    }
}

/// Counters that the request path moves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    pub(crate) observations: Family<Seen, Counter>,
    pub(crate) unobserved: Family<Unobserved, Counter>,
    pub(crate) unknown_host: Counter,
    pub(crate) refused: Family<Refused, Counter>,
    pub(crate) panics: Counter,
    pub(crate) no_randomness: Counter,
    pub(crate) probes: Fates,
    pub(crate) beacon: Family<crate::beacon::Outcome, Counter>,
    /// 1 or 0.
    pub(crate) config_reload_ok: Gauge,
}

/// A registry of everything a running meter tells.
pub(crate) fn registry(metering: &Arc<Metering>, issuers: &[Arc<Issuer>]) -> Registry {
    let mut registry = Registry::with_prefix("portalmeter");
    let counters = &metering.counters;
    registry.register("observations", "Exchanges that were observed", counters.observations.clone());
    registry.register("unobserved", "Exchanges that were not observed, by why", counters.unobserved.clone());
    registry.register("unknown_host", "Requests for hosts of no portal, answered 421", counters.unknown_host.clone());
    registry.register("refused", "Requests refused before any of them reached a portal", counters.refused.clone());
    registry.register("panics", "Faults of the meter that a request survived", counters.panics.clone());
    registry.register("no_randomness", "Cookies not handed out for want of randomness", counters.no_randomness.clone());
    registry.register(
        "probes",
        "Questions to portals who holds a cookie, by what became of them",
        counters.probes.clone(),
    );
    registry.register("beacon", "What browsers told, by what became of it", counters.beacon.clone());
    registry.register(
        "config_reload_ok",
        "Whether the configuration that was read last is the one that runs",
        counters.config_reload_ok.clone(),
    );
    registry.register_collector(Box::new(EngineMetrics(Arc::clone(metering))));
    if !issuers.is_empty() {
        registry.register_collector(Box::new(IssuerMetrics(issuers.to_vec())));
    }
    registry
}

struct EngineMetrics(Arc<Metering>);

impl fmt::Debug for EngineMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineMetrics")
    }
}

impl Collector for EngineMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let engine = &self.0.engine;
        let journal = engine.journal().health();
        let (backlog, failure) = engine.backlog();
        let keeper = self.0.keeper.health();
        let gauges = [
            ("live_sessions", "Sessions that are live", engine.live().len() as i64),
            ("commit_backlog", "Observations that wait for the store", backlog as i64),
            ("store_ok", "Whether the store takes commits", i64::from(failure.is_none())),
            ("journal_ok", "Whether the journal can be written", i64::from(journal.failure.is_none())),
            ("journal_stalled", "Whether pages leave before they are written", i64::from(journal.stalled)),
            ("journal_waiting_bytes", "Bytes that wait to be written", journal.waiting as i64),
            ("journal_disk_bytes", "Bytes of the journal on disk", journal.disk as i64),
            ("journal_max_bytes", "Bytes that it may take: journal.max_size", journal.bound as i64),
            ("ledger_ok", "Whether the ledger is kept up to date", i64::from(keeper.ledger.is_none())),
            ("stream_ok", "Whether what commits tell is read from the store", i64::from(keeper.store.is_none())),
            ("store_warnings", "What an operator should know of the store; see /readyz", keeper.warnings.len() as i64),
            ("clock_offset_ms", "What this machine's clock lacks to the store's", keeper.clock_offset),
        ];
        for (name, help, value) in gauges {
            let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(gauge)?;
        }
        let tally = engine.tally();
        let counters = [
            (
                "observations_postponed",
                "Observations that only the journal has, until the next start",
                tally.postponed.load(Ordering::Relaxed),
            ),
            ("journal_lost", "Observations that were not journaled", journal.lost),
            ("records_added", "Usage records added", tally.added.load(Ordering::Relaxed)),
            ("records_withdrawn", "Usage records withdrawn", tally.withdrawn.load(Ordering::Relaxed)),
            ("observations_late", "Observations too old to count", tally.late.load(Ordering::Relaxed)),
            ("states_damaged", "States that could not be read", tally.damaged.load(Ordering::Relaxed)),
            (
                "commits_failed",
                "Commits that failed and were tried again",
                tally.failed_commits.load(Ordering::Relaxed),
            ),
            (
                "commits_raced",
                "Visitors planned again because another node was faster",
                tally.races.load(Ordering::Relaxed),
            ),
            (
                "store_resets",
                "Times the store had forgotten, and the recent past was sent again",
                tally.resets.load(Ordering::Relaxed),
            ),
            ("ledger_entries", "Entries brought to the ledger", keeper.entries),
            ("ledger_entries_strange", "Entries that could not be read, or cannot be", keeper.strange),
            ("ledger_corrections", "Corrections of sealed days, for what came late", keeper.corrected),
            ("counters_repaired", "Counters that differed from the ledger and were set right", keeper.repaired),
            ("days_sealed_incomplete", "Days sealed though a node's journal was missing", keeper.sealed_without),
            (
                "engagement_dropped",
                "Page views and actions that engagement lacks, because too much waited",
                self.0.gatherer.watch.buffer.dropped() + tally.unsaid.load(Ordering::Relaxed),
            ),
        ];
        for (name, help, value) in counters {
            let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(counter)?;
        }
        let help = "How often a name was `other`, because the portal's day has no more of them";
        let mut others = encoder.encode_descriptor("engagement_other", help, None, MetricType::Counter)?;
        for (portal, other) in self.0.gatherer.other() {
            for (what, count) in [("rooms", other.rooms), ("resources", other.resources), ("actions", other.actions)] {
                let labels = [("portal", &*portal), ("what", what)];
                ConstCounter::new(count).encode(others.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct IssuerMetrics(Vec<Arc<Issuer>>);

impl Collector for IssuerMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Seconds since an issuer's keys were fetched";
        let mut ages = encoder.encode_descriptor("jwks_age_seconds", help, None, MetricType::Gauge)?;
        for issuer in &self.0 {
            let Some(age) = issuer.age(now()) else { continue };
            let labels = [("portal", &*issuer.portal), ("source", &*issuer.source)];
            ConstGauge::new(age).encode(ages.encode_family(&labels)?)?;
        }
        let help = "Fetches of an issuer's keys that failed";
        let mut failures = encoder.encode_descriptor("jwks_failures", help, None, MetricType::Counter)?;
        for issuer in &self.0 {
            let labels = [("portal", &*issuer.portal), ("source", &*issuer.source)];
            ConstCounter::new(issuer.failures()).encode(failures.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

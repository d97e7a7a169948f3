//! The hashes of days: read, set right by the ledger, and sealed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use portalmeter_rules::time::Millis;
use redis::{Cmd, cmd};

use super::error::RedisError;
use super::fleet::Pipeline;
use super::keys::{label, of_label};
use super::stream::Position;
use super::{RedisStore, commit, script};
use crate::day::Day;
use crate::usage::Sums;

/// A day of a portal, modules included, or of one of its modules, as the counters have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCounters {
    /// The module; nothing is the portal as a whole.
    pub module: Option<Arc<str>>,
    /// The day.
    pub day: Day,
    /// The sums.
    pub sums: Sums,
    /// When it was sealed.
    pub sealed: Option<Millis>,
}

/// A module, or the portal as a whole, and a day.
pub type DayOf = (Option<Arc<str>>, Day);

/// What setting counters right came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Too much is on its way to the ledger: ask again when it has read on.
    Behind,
    /// These were wrong, and are right now.
    Repaired(Vec<Repair>),
}

/// A counter that was set right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The module; nothing is the portal as a whole.
    pub module: Option<Arc<str>>,
    /// The day.
    pub day: Day,
    /// The field of its hash.
    pub field: String,
    /// What it said.
    pub was: String,
    /// What it says now.
    pub is: i64,
}

/// So many entries on their way to the ledger are added up by the script: Redis does nothing else meanwhile, some ten
/// milliseconds.
const TAIL: usize = 1_500;
/// How long the hash of a sealed day is kept.
pub const KEEP_SEALED: Millis = 35 * 86_400_000;
/// A day that is listed without a hash is past its time when one is listed that is so many days later: a day is sealed
/// after its end.
const PAST: i32 = 36;

/// The fields of a hash, as they are.
pub type Fields = HashMap<String, Vec<u8>>;

impl RedisStore {
    /// Sets the counters of open days to what the ledger has as of `position`, and what is on its way to it. `days`
    /// are the ledger's: of each module, or of the portal where sessions are not counted per module.
    pub fn settle_counters(
        &mut self,
        portal: &Arc<str>,
        position: &Position,
        days: &[(Option<Arc<str>>, Day, Sums)],
    ) -> Result<Settled, RedisError> {
        let keys = self.portal(portal).keys.clone();
        let days = with_portal(days);
        let script = &*script::SETTLE;
        let mut call = Cmd::new();
        call.arg("EVALSHA").arg(&script.sha).arg(4 + days.len());
        call.arg(&keys.epoch).arg(&keys.live).arg(&keys.records).arg(&keys.days);
        for (day, module) in days.keys() {
            call.arg(keys.usage(&label(*day, module.as_deref())));
        }
        call.arg(&position.epoch).arg(position.id.to_string()).arg(TAIL);
        for ((day, module), sums) in &days {
            let name = module.as_ref().map_or_else(|| day.0.to_string(), |module| format!("{}:{module}", day.0));
            call.arg(label(*day, module.as_deref())).arg(name);
            call.arg(&sums.records[..])
                .arg(sums.converted)
                .arg(sums.page_views)
                .arg(sums.actions)
                .arg(sums.duration_ms);
        }
        let (code, values, aside) = commit::parts(self.fleet.ask_script(keys.slot, &call, script)?)?;
        self.report_all_aside(portal, aside);
        let strange = || RedisError::strange("a settlement");
        match (code, values) {
            (2, _) => Ok(Settled::Behind),
            (1, Some(values)) => {
                let values: Vec<String> = redis::from_redis_value(values).map_err(|_| strange())?;
                let repaired = values.chunks_exact(4).map(|parts| repair(parts).ok_or_else(strange));
                Ok(Settled::Repaired(repaired.collect::<Result<_, _>>()?))
            }
            _ => Err(strange()),
        }
    }

    /// What the hashes of a portal's days say.
    pub fn statistics(&mut self, portal: &Arc<str>) -> Result<Vec<DayCounters>, RedisError> {
        let keys = self.portal(portal).keys.clone();
        let hashes = self.labelled(portal)?;
        let newest = hashes.iter().filter_map(|(label, _)| of_label(label)).map(|of| of.1).max();
        let is_past = |day: Day| newest.is_some_and(|newest| day.plus(PAST) < newest);
        let mut all = Vec::with_capacity(hashes.len());
        for (label, fields) in hashes {
            match of_label(&label) {
                Some((module, day)) if !fields.is_empty() => all.push(counters(module, day, &fields)),
                Some((_, day)) if !is_past(day) => {}
                _ => drop(self.fleet.ask(keys.slot, cmd("SREM").arg(&keys.days).arg(label))?),
            }
        }
        all.sort_by(|a, b| (a.day, &a.module).cmp(&(b.day, &b.module)));
        Ok(all)
    }

    /// The hashes of a portal's days as they are; of one that is listed and gone, no fields.
    pub fn hashes(&mut self, portal: &Arc<str>) -> Result<Vec<(DayOf, Fields)>, RedisError> {
        let all = self.labelled(portal)?.into_iter();
        Ok(all.filter_map(|(label, fields)| Some((of_label(&label)?, fields))).collect())
    }

    fn labelled(&mut self, portal: &Arc<str>) -> Result<Vec<(String, Fields)>, RedisError> {
        let keys = self.portal(portal).keys.clone();
        let labels = self.labels(portal)?;
        let mut pipeline = Pipeline::default();
        for label in &labels {
            pipeline.add(keys.slot, cmd("HGETALL").arg(keys.usage(label)));
        }
        let mut all = Vec::with_capacity(labels.len());
        let answers = self.fleet.run(&pipeline);
        for (label, answer) in labels.into_iter().zip(answers) {
            let fields = match answer {
                Err(error) if error.is_foreign() => {
                    self.put_aside(portal, &keys.usage(&label), "hash")?;
                    Fields::new()
                }
                answer => redis::from_redis_value(answer?).map_err(|_| RedisError::strange("HGETALL"))?,
            };
            all.push((label, fields));
        }
        Ok(all)
    }

    /// Which days and modules of a portal are listed.
    pub fn usage_days(&mut self, portal: &Arc<str>) -> Result<Vec<DayOf>, RedisError> {
        let mut days: Vec<_> = self.labels(portal)?.iter().filter_map(|label| of_label(label)).collect();
        days.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        Ok(days)
    }

    /// From now on commits add no records to this hash; it is kept for 35 days. The portal's own, without a module, is
    /// marked with those of all its modules.
    pub fn mark_sealed(
        &mut self,
        portal: &Arc<str>,
        module: Option<&str>,
        day: Day,
        at: Millis,
    ) -> Result<(), RedisError> {
        let keys = self.portal(portal).keys.clone();
        let mut labels = vec![label(day, module)];
        if module.is_none() {
            let modules = self.labels(portal)?;
            labels.extend(
                modules.into_iter().filter(|label| of_label(label).is_some_and(|of| of.1 == day && of.0.is_some())),
            );
        }
        let mut pipeline = Pipeline::default();
        for label in labels {
            let usage = keys.usage(&label);
            self.put_aside(portal, &usage, "hash")?;
            pipeline.add(keys.slot, cmd("HSET").arg(&usage).arg("sealed").arg(at));
            pipeline.add(keys.slot, cmd("PEXPIRE").arg(&usage).arg(KEEP_SEALED));
            pipeline.add(keys.slot, cmd("SADD").arg(&keys.days).arg(&label));
        }
        self.fleet.run(&pipeline).into_iter().try_for_each(|answer| answer.map(drop))
    }

    fn labels(&mut self, portal: &Arc<str>) -> Result<Vec<String>, RedisError> {
        let keys = self.portal(portal).keys.clone();
        let answer = match self.fleet.ask(keys.slot, cmd("SMEMBERS").arg(&keys.days)) {
            Err(error) if error.is_foreign() => {
                self.put_aside(portal, &keys.days, "set")?;
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        let labels: Vec<Vec<u8>> = redis::from_redis_value(answer).map_err(|_| RedisError::strange("SMEMBERS"))?;
        Ok(labels.into_iter().filter_map(|label| String::from_utf8(label).ok()).collect())
    }
}

/// The ledger's sums by hash: a portal's day is the sum of its modules.
fn with_portal(days: &[(Option<Arc<str>>, Day, Sums)]) -> BTreeMap<(Day, Option<Arc<str>>), Sums> {
    let mut all = BTreeMap::new();
    for (module, day, sums) in days {
        commit::plus(all.entry((*day, None)).or_default(), sums);
        if module.is_some() {
            commit::plus(all.entry((*day, module.clone())).or_default(), sums);
        }
    }
    all
}

fn repair(parts: &[String]) -> Option<Repair> {
    let [label, field, was, is] = parts else { return None };
    let (module, day) = of_label(label)?;
    Some(Repair { module, day, field: field.clone(), was: was.clone(), is: is.parse().ok()? })
}

fn counters(module: Option<Arc<str>>, day: Day, fields: &Fields) -> DayCounters {
    let number = |field: &str| -> Option<i64> { std::str::from_utf8(fields.get(field)?).ok()?.parse().ok() };
    let sum = |field| number(field).unwrap_or(0);
    let sums = Sums {
        records: [sum("guest"), sum("external"), sum("internal"), sum("bot")],
        converted: sum("converted"),
        page_views: sum("page_views"),
        actions: sum("actions"),
        duration_ms: sum("duration_ms"),
    };
    DayCounters { module, day, sums, sealed: number("sealed") }
}

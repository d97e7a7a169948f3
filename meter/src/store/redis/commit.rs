//! A step as one call of `commit.lua`, and what the call answers.

use std::sync::Arc;

use portalmeter_rules::time::Millis;
use redis::{Cmd, Value};

use super::super::step::{Gain, Lively, Outcome, Step, Write};
use super::error::RedisError;
use super::keys::{PortalKeys, label, member};
use crate::day::Day;
use crate::usage::{Counters, Sums};

/// The longest life that is asked for, in milliseconds: ten years. Redis refuses what its clock cannot hold.
const LONGEST: Millis = 3_650 * 86_400_000;

/// What became of a step, and which keys of ours held something else and were renamed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) aside: Vec<String>,
}

/// The call. KEYS: epoch, live, records, days, a key a write, a hash a day and module. ARGV: the epoch; how many
/// writes, lives and entries; four a write (how, before, after, for how long); two a life (member, last seen or
/// nothing); one an entry; and for each hash its label, how many fields of records, how many fields, and their pairs.
pub(super) fn call(sha: &str, keys: &PortalKeys, epoch: &str, step: &Step, now: Millis) -> Cmd {
    let hashes = hashes(&step.gains);
    let count = 4 + step.writes.len() + hashes.len();
    let mut call = Cmd::with_capacity(
        7 + 5 * step.writes.len() + 2 * step.live.len() + step.entries.len() + 24 * hashes.len(),
        512 + 1024 * step.entries.len(),
    );
    call.arg("EVALSHA").arg(sha).arg(count).arg(&keys.epoch).arg(&keys.live).arg(&keys.records).arg(&keys.days);
    for write in &step.writes {
        call.arg(keys.of_slot(&write.slot));
    }
    for hash in &hashes {
        call.arg(keys.usage(&hash.label()));
    }
    call.arg(epoch).arg(step.writes.len()).arg(step.live.len()).arg(step.entries.len());
    step.writes.iter().for_each(|write| add_write(&mut call, write, now));
    step.live.iter().for_each(|lively| add_lively(&mut call, lively));
    for entry in &step.entries {
        call.arg(entry.to_json());
    }
    hashes.iter().for_each(|hash| hash.add(&mut call));
    call
}

fn add_write(call: &mut Cmd, write: &Write, now: Millis) {
    let how = match (&write.before, &write.after) {
        (None, None) => "none",
        (None, Some(_)) => "new",
        (Some(_), None) => "gone",
        (Some(before), Some(after)) if before == after => "same",
        (Some(_), Some(_)) => "change",
    };
    let after = if how == "same" { None } else { write.after.as_deref() };
    // Relative: the clock of Redis need not be ours. What is past its time lives a moment still.
    let lives = write.expires.saturating_sub(now).clamp(1, LONGEST);
    call.arg(how).arg(write.before.as_deref().unwrap_or_default()).arg(after.unwrap_or_default()).arg(lives);
}

fn add_lively(call: &mut Cmd, lively: &Lively) {
    call.arg(member(lively.visitor, lively.module.as_deref()));
    match lively.last_seen {
        Some(at) => call.arg(at),
        None => call.arg(""),
    };
}

/// What one hash gains.
struct HashGain {
    day: Day,
    module: Option<Arc<str>>,
    sums: Sums,
}

/// The gains by hash: a portal's day has its modules' too, and comes before theirs.
fn hashes(gains: &[Gain]) -> Vec<HashGain> {
    let mut hashes: Vec<HashGain> = Vec::with_capacity(2 * gains.len());
    for gain in gains {
        add_to(&mut hashes, gain.day, None, &gain.sums);
    }
    for gain in gains.iter().filter(|gain| gain.module.is_some()) {
        add_to(&mut hashes, gain.day, gain.module.as_ref(), &gain.sums);
    }
    hashes.retain(|hash| hash.sums != Sums::default());
    hashes.sort_by(|a, b| (a.day, &a.module).cmp(&(b.day, &b.module)));
    hashes
}

fn add_to(hashes: &mut Vec<HashGain>, day: Day, module: Option<&Arc<str>>, sums: &Sums) {
    let known = hashes.iter().position(|hash| hash.day == day && hash.module.as_ref() == module);
    let at = known.unwrap_or_else(|| {
        hashes.push(HashGain { day, module: module.cloned(), sums: Sums::default() });
        hashes.len() - 1
    });
    plus(&mut hashes[at].sums, sums);
}

/// Adds sums up.
pub(super) fn plus(all: &mut Sums, sums: &Sums) {
    all.records.iter_mut().zip(sums.records).for_each(|(all, one)| *all += one);
    all.converted += sums.converted;
    all.page_views += sums.page_views;
    all.actions += sums.actions;
    all.duration_ms += sums.duration_ms;
}

impl HashGain {
    fn label(&self) -> String {
        label(self.day, self.module.as_deref())
    }

    fn add(&self, call: &mut Cmd) {
        let counters = Counters::of(&self.sums);
        let records = record_fields(&counters);
        let statistics = [
            ("page_views", self.sums.page_views),
            ("actions", self.sums.actions),
            // Whole seconds cannot be added up exactly; the script writes `duration_seconds` from this.
            ("duration_ms", self.sums.duration_ms),
        ];
        let changed = |fields: &[(&str, i64)]| fields.iter().filter(|field| field.1 != 0).count();
        let records_changed = changed(&records);
        call.arg(self.label()).arg(records_changed).arg(records_changed + changed(&statistics));
        for (field, gain) in records.into_iter().chain(statistics).filter(|field| field.1 != 0) {
            call.arg(field).arg(gain);
        }
    }
}

/// The fields of a day's hash that are sums of records: final once the day is sealed.
pub(super) fn record_fields(counters: &Counters) -> [(&'static str, i64); 7] {
    [
        ("guest", counters.guest),
        ("external", counters.external),
        ("internal", counters.internal),
        ("bot", counters.bot),
        ("guest_raw", counters.guest_raw),
        ("billable", counters.billable),
        ("converted", counters.converted),
    ]
}

/// What the call answered.
pub(super) fn answer(value: Value) -> Result<Answer, RedisError> {
    let strange = || RedisError::strange("a commit");
    let (code, values, aside) = parts(value)?;
    let outcome = match (code, values) {
        (0, _) => Outcome::Reset,
        (1, _) => Outcome::Done,
        (2, Some(values)) => Outcome::Lost(redis::from_redis_value(values).map_err(|_| strange())?),
        _ => return Err(strange()),
    };
    Ok(Answer { outcome, aside })
}

/// What a script of ours answers: a code, or a code with values and the keys that were set aside.
pub(super) fn parts(value: Value) -> Result<(i64, Option<Value>, Vec<String>), RedisError> {
    let mut parts = match value {
        Value::Int(code) => return Ok((code, None, Vec::new())),
        Value::Array(parts) => parts.into_iter(),
        _ => return Err(RedisError::strange("a script")),
    };
    let Some(Value::Int(code)) = parts.next() else { return Err(RedisError::strange("a script")) };
    let values = parts.next();
    Ok((code, values, parts.filter_map(|part| redis::from_redis_value(part).ok()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(day: i32, module: Option<&str>, guests: i64) -> Gain {
        let sums = Sums { records: [guests, 0, 0, 0], ..Sums::default() };
        Gain { module: module.map(Arc::from), day: Day(day), zone: "UTC".into(), sums }
    }

    #[test]
    fn a_portals_day_has_its_modules_too_and_comes_first() {
        let gains = [gain(2, Some("chat"), 1), gain(2, Some("ask"), 2), gain(1, None, 4), gain(2, Some("chat"), 8)];
        let hashes: Vec<_> = hashes(&gains).iter().map(|hash| (hash.label(), hash.sums.records[0])).collect();
        let expected = [("1970-01-02", 4), ("1970-01-03", 11), ("1970-01-03:ask", 2), ("1970-01-03:chat", 9)];
        assert_eq!(hashes, expected.map(|(label, guests)| (label.to_owned(), guests)));
    }

    #[test]
    fn what_gains_nothing_is_not_touched() {
        assert!(hashes(&[gain(1, None, 1), gain(1, None, -1)]).is_empty());
    }

    #[test]
    fn answers_that_no_script_of_ours_gives_are_told() {
        for value in [Value::Nil, Value::Int(7), Value::Array(vec![]), Value::Array(vec![Value::Int(2)])] {
            assert!(answer(value).is_err());
        }
    }
}

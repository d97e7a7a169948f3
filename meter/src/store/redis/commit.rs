//! Steps as one call of `commit.lua`, and what the call answers.

use std::collections::HashSet;
use std::sync::Arc;

use portalmeter_rules::time::Millis;
use redis::cluster_routing::Slot as HashSlot;
use redis::{Cmd, Value};

use super::super::step::{Gain, Lively, Outcome, Slot, Step, Write};
use super::error::RedisError;
use super::fleet::Calls;
use super::keys::{PortalKeys, label, member};
use super::script::{COMMIT, Script};
use crate::day::Day;
use crate::usage::{Counters, Sums};

/// The longest life that is asked for, in milliseconds: ten years. Redis refuses what its clock cannot hold.
const LONGEST: Millis = 3_650 * 86_400_000;

/// What became of the steps of a call, and which keys of ours held something else and were renamed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) aside: Vec<String>,
}

/// Calls, each made when its turn comes.
pub(super) struct Steps<'s> {
    now: Millis,
    calls: Vec<(&'s PortalKeys, &'s str, Vec<&'s Step>)>,
}

impl<'s> Steps<'s> {
    pub(super) fn new(now: Millis) -> Self {
        Self { now, calls: Vec::new() }
    }

    /// Steps of the portal of these keys, as long as they are of this epoch, done as one.
    pub(super) fn add(&mut self, keys: &'s PortalKeys, epoch: &'s str, steps: Vec<&'s Step>) {
        self.calls.push((keys, epoch, steps));
    }
}

impl Calls for Steps<'_> {
    fn count(&self) -> usize {
        self.calls.len()
    }

    fn slot(&self, call: usize) -> HashSlot {
        self.calls[call].0.slot
    }

    fn script(&self, _: usize) -> Option<&'static Script> {
        Some(&COMMIT)
    }

    fn write(&self, call: usize, bytes: &mut Vec<u8>) {
        let (keys, epoch, steps) = &self.calls[call];
        self::call(&COMMIT.sha, keys, epoch, steps, self.now).write_packed_command(bytes);
    }

    fn is_guarded(&self) -> bool {
        true
    }
}

/// The call. KEYS: epoch, live, records, days, a key a write, a hash a day and module. ARGV: the epoch; the head: how
/// many writes, lives and entries in four bytes each, then for each hash in a byte each how many of its fields are of
/// records, and how many it has; four a write (how, before, after, for how long); three a life (member, last seen or
/// nothing, and for how long the visitor's value is kept, if it is new); two an entry (`entry` and the entry); and for
/// each hash its label and its fields, each with its gain.
fn call(sha: &str, keys: &PortalKeys, epoch: &str, steps: &[&Step], now: Millis) -> Cmd {
    let all = |count: fn(&Step) -> usize| steps.iter().map(|step| count(step)).sum::<usize>();
    let (writes, lives, entries) =
        (all(|step| step.writes.len()), all(|step| step.live.len()), all(|step| step.entries.len()));
    let hashes = hashes(steps.iter().flat_map(|step| &step.gains));
    let hashes: Vec<HashCall> = hashes.iter().map(HashCall::of).collect();
    let mut call =
        Cmd::with_capacity(9 + 5 * writes + 3 * lives + 2 * entries + 22 * hashes.len(), 512 + 512 * entries);
    call.arg("EVALSHA").arg(sha).arg(4 + writes + hashes.len());
    call.arg(&keys.epoch).arg(&keys.live).arg(&keys.records).arg(&keys.days);
    for write in steps.iter().flat_map(|step| &step.writes) {
        call.arg(keys.of_slot(&write.slot));
    }
    for hash in &hashes {
        call.arg(keys.usage(&hash.label));
    }
    let mut head = Vec::with_capacity(16);
    for count in [writes, lives, entries] {
        head.extend_from_slice(&(count as u32).to_be_bytes());
    }
    head.extend(hashes.iter().flat_map(|hash| [hash.records, hash.fields.len() as u8]));
    call.arg(epoch).arg(head);
    for write in steps.iter().flat_map(|step| &step.writes) {
        add_write(&mut call, write, now);
    }
    for step in steps {
        step.live.iter().for_each(|lively| add_lively(&mut call, lively, &step.writes, now));
    }
    for entry in steps.iter().flat_map(|step| &step.entries) {
        call.arg("entry").arg(entry.to_json());
    }
    for hash in &hashes {
        call.arg(&hash.label);
        for (field, gain) in &hash.fields {
            call.arg(field).arg(gain);
        }
    }
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
    call.arg(how).arg(write.before.as_deref().unwrap_or_default()).arg(after.unwrap_or_default());
    call.arg(lives(write, now));
}

/// For how long a value is kept. Relative: the clock of Redis need not be ours. What is past its time lives a moment
/// still.
fn lives(write: &Write, now: Millis) -> Millis {
    write.expires.saturating_sub(now).clamp(1, LONGEST)
}

fn add_lively(call: &mut Cmd, lively: &Lively, writes: &[Write], now: Millis) {
    let is_new = |write: &&Write| {
        matches!(&write.slot, Slot::Visitor(visitor, module) if (*visitor, module) == (lively.visitor, &lively.module))
            && write.before.is_none()
            && write.after.is_some()
    };
    call.arg(member(lively.visitor, lively.module.as_deref()));
    for millis in [lively.last_seen, writes.iter().find(is_new).map(|write| lives(write, now))] {
        call.arg(millis.map_or_else(String::new, |millis| millis.to_string()));
    }
}

/// What one hash gains.
struct HashGain {
    day: Day,
    module: Option<Arc<str>>,
    sums: Sums,
}

/// The gains by hash: a portal's day has its modules' too, and comes before theirs.
fn hashes<'g>(gains: impl IntoIterator<Item = &'g Gain>) -> Vec<HashGain> {
    let mut hashes = Vec::new();
    for gain in gains {
        add_to(&mut hashes, gain.day, None, &gain.sums);
        if gain.module.is_some() {
            add_to(&mut hashes, gain.day, gain.module.as_ref(), &gain.sums);
        }
    }
    let gains: HashSet<Day> = hashes.iter().filter(|hash| hash.sums != Sums::default()).map(|hash| hash.day).collect();
    // The portal's says of its modules' whether the day is sealed.
    hashes.retain(|hash| hash.sums != Sums::default() || hash.module.is_none() && gains.contains(&hash.day));
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

/// What one hash gains, as the script takes it.
struct HashCall {
    label: String,
    /// How many of the fields are of records.
    records: u8,
    /// Fields that change, those of records first.
    fields: Vec<(&'static str, i64)>,
}

impl HashCall {
    fn of(hash: &HashGain) -> Self {
        let sums = &hash.sums;
        let records = Counters::of(sums).of_records().into_iter().filter(|field| field.1 != 0);
        let mut fields: Vec<_> = records.collect();
        let records = fields.len() as u8;
        // Whole seconds cannot be added up exactly; the script writes `duration_seconds` from `duration_ms`.
        let statistics =
            [("page_views", sums.page_views), ("actions", sums.actions), ("duration_ms", sums.duration_ms)];
        fields.extend(statistics.into_iter().filter(|field| field.1 != 0));
        Self { label: label(hash.day, hash.module.as_deref()), records, fields }
    }
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
        let hashes: Vec<_> =
            hashes(&gains).iter().map(|hash| (label(hash.day, hash.module.as_deref()), hash.sums.records[0])).collect();
        let expected = [("1970-01-02", 4), ("1970-01-03", 11), ("1970-01-03:ask", 2), ("1970-01-03:chat", 9)];
        assert_eq!(hashes, expected.map(|(label, guests)| (label.to_owned(), guests)));
    }

    #[test]
    fn what_gains_nothing_is_not_touched() {
        assert!(hashes(&[gain(1, None, 1), gain(1, None, -1)]).is_empty());
        let moved = [gain(1, Some("ask"), 1), gain(1, Some("chat"), -1), gain(2, None, 1), gain(2, None, -1)];
        let modules: Vec<_> = hashes(&moved).into_iter().map(|hash| hash.module).collect();
        assert_eq!(modules, [None, Some("ask".into()), Some("chat".into())], "the portal's says whether it is sealed");
    }

    #[test]
    fn answers_that_no_script_of_ours_gives_are_told() {
        for value in [Value::Nil, Value::Int(7), Value::Array(vec![]), Value::Array(vec![Value::Int(2)])] {
            assert!(answer(value).is_err());
        }
    }
}

//! Who is live: now, and over the last 24 hours.

use std::collections::BTreeMap;

use portalmeter_rules::time::Millis;

use crate::ledger::{LedgerError, Look};

/// Live sessions of a portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Now, by class in the order of [`crate::session::Class::ALL`].
    pub now: [u64; 4],
    /// The same, by module, where sessions are counted per module.
    pub modules: BTreeMap<String, [u64; 4]>,
    /// How many were live at instants of the last 24 hours, the last of which is now.
    pub over_time: Vec<(Millis, [u64; 4])>,
}

const DAY: Millis = 86_400_000;
/// How far apart these instants are.
const STEP: Millis = 600_000;

/// Who is live in a portal whose sessions end after being idle for so long, as far as the ledger has heard: it hears of a
/// session at once, and of one that goes on once a minute.
pub fn live(look: &mut dyn Look, portal: &str, idle: Millis, now: Millis) -> Result<Live, LedgerError> {
    let sessions = look.seen_since(portal, now - DAY - idle)?;
    let mut live = Live { now: [0; 4], modules: BTreeMap::new(), over_time: Vec::new() };
    let steps = (DAY / STEP) as usize;
    let mut change = vec![[0_i64; 4]; steps + 2];
    let begin = now - DAY;
    for one in sessions {
        let (class, end) = (one.class as usize, one.last_seen + idle);
        if end > now && one.started <= now {
            live.now[class] += 1;
            if let Some(module) = one.module {
                live.modules.entry(module).or_default()[class] += 1;
            }
        }
        // It is live at the instants from the first that is not before its start on, up to the last before its end.
        let place = |at: Millis| ((at - begin).max(0) + STEP - 1).div_euclid(STEP).min(steps as Millis + 1) as usize;
        change[place(one.started)][class] += 1;
        change[place(end)][class] -= 1;
    }
    let mut sum = [0_i64; 4];
    for (step, change) in change.iter().take(steps + 1).enumerate() {
        sum.iter_mut().zip(change).for_each(|(sum, change)| *sum += change);
        live.over_time.push((begin + step as Millis * STEP, sum.map(|count| count.max(0) as u64)));
    }
    Ok(live)
}

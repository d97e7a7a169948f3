//! What visitors told lately: so that nothing counts twice, and nobody tells without end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use portalmeter_meter::observation::Key;
use portalmeter_rules::time::Millis;

/// What visitors told in the last minutes.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    visitors: HashMap<Key, Vec<(Millis, u64)>>,
    /// When those that told nothing lately are forgotten next.
    sweep: Millis,
}

/// Why something does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Not {
    /// It was told before.
    Again,
    /// The visitor told too much within a minute, or too many visitors told something.
    SoMany,
}

/// As many things a minute no visitor does.
const A_MINUTE: usize = 60;
const MINUTE: Millis = 60_000;
/// What is told again within this time is known again.
const REMEMBERED: Millis = 5 * MINUTE;
/// With all they may tell in that time, 50 MB.
const MOST_VISITORS: usize = 10_000;

impl Recent {
    /// Whether something that a visitor tells counts; `once` is what it is known by.
    pub(super) fn admit(&self, visitor: Key, at: Millis, once: u64) -> Result<(), Not> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if at >= kept.sweep || at < kept.sweep - MINUTE {
            kept.sweep = at + MINUTE;
            kept.visitors.retain(|_, told| told.last().is_some_and(|(last, _)| at - last < REMEMBERED));
        }
        if kept.visitors.len() >= MOST_VISITORS && !kept.visitors.contains_key(&visitor) {
            return Err(Not::SoMany);
        }
        let told = kept.visitors.entry(visitor).or_default();
        told.retain(|(then, _)| at - then < REMEMBERED);
        if told.iter().any(|(_, known)| *known == once) {
            return Err(Not::Again);
        }
        if told.iter().filter(|(then, _)| at - then < MINUTE).count() >= A_MINUTE {
            return Err(Not::SoMany);
        }
        told.push((at, once));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use portalmeter_meter::observation::ScopeId;
    use portalmeter_rules::id::Name;

    use super::*;

    fn key(visitor: u32) -> Key {
        let mut name = [0; 16];
        name[..4].copy_from_slice(&visitor.to_le_bytes());
        Key { scope: ScopeId(1), visitor: Name(name) }
    }

    #[test]
    fn what_is_told_again_counts_once() {
        let recent = Recent::default();
        assert_eq!(recent.admit(key(1), 0, 7), Ok(()));
        assert_eq!(recent.admit(key(1), REMEMBERED - 1, 7), Err(Not::Again));
        assert_eq!(recent.admit(key(2), 0, 7), Ok(()), "another visitor's");
        assert_eq!(recent.admit(key(1), REMEMBERED, 7), Ok(()));
    }

    #[test]
    fn a_visitor_tells_so_much_a_minute() {
        let recent = Recent::default();
        for once in 0..A_MINUTE as u64 {
            assert_eq!(recent.admit(key(1), 0, once), Ok(()));
        }
        assert_eq!(recent.admit(key(1), MINUTE - 1, 99), Err(Not::SoMany));
        assert_eq!(recent.admit(key(1), MINUTE, 99), Ok(()));
    }

    #[test]
    fn so_many_visitors_are_remembered_and_no_more() {
        let recent = Recent::default();
        for visitor in 0..MOST_VISITORS as u32 {
            recent.admit(key(visitor), 0, 1).unwrap();
        }
        assert_eq!(recent.admit(key(MOST_VISITORS as u32), 1, 1), Err(Not::SoMany));
        assert_eq!(recent.admit(key(MOST_VISITORS as u32), REMEMBERED, 1), Ok(()), "the others are forgotten by then");
    }
}

//! Which steps go in one call: what a call costs besides its steps is half of what a step costs, if each has its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::super::step::{Slot, Step};

/// So many steps go in one call at most: another eight would save a tenth.
const MOST: usize = 8;
/// What a call writes at most, in values, counters and entries: Redis does nothing else meanwhile, a millisecond or so.
const HEAVY: usize = 256;

/// Steps, by their numbers, that are done as one: all of them, or nothing.
pub(super) type Group = Vec<usize>;

/// Steps of the same portal, in their order. What concerns the same value is compared with what the step before left, and
/// goes in a call after it.
pub(super) fn together(steps: &[Step]) -> Vec<Group> {
    let (mut groups, mut open) = (Vec::new(), HashMap::new());
    for (number, step) in steps.iter().enumerate() {
        match open.get_mut(&step.portal) {
            Some(group) if Open::takes(group, step) => group.add(number, step, &mut groups),
            _ => {
                open.insert(Arc::clone(&step.portal), Open::begin(number, step, &mut groups));
            }
        }
    }
    groups
}

/// A portal's last group.
struct Open<'s> {
    group: usize,
    steps: usize,
    weight: usize,
    slots: HashSet<&'s Slot>,
}

impl<'s> Open<'s> {
    fn begin(number: usize, step: &'s Step, groups: &mut Vec<Group>) -> Self {
        groups.push(Vec::new());
        let mut open = Self { group: groups.len() - 1, steps: 0, weight: 0, slots: HashSet::new() };
        open.add(number, step, groups);
        open
    }

    fn takes(&self, step: &Step) -> bool {
        self.steps < MOST
            && self.weight + weight(step) <= HEAVY
            && step.writes.iter().all(|write| !self.slots.contains(&write.slot))
    }

    fn add(&mut self, number: usize, step: &'s Step, groups: &mut [Group]) {
        groups[self.group].push(number);
        self.steps += 1;
        self.weight += weight(step);
        self.slots.extend(step.writes.iter().map(|write| &write.slot));
    }
}

fn weight(step: &Step) -> usize {
    step.writes.len() + step.gains.len() + step.live.len() + step.entries.len()
}

#[cfg(test)]
mod tests {
    use portalmeter_rules::id::Name;

    use super::*;
    use crate::store::step::{Lively, Write};

    fn step(portal: &str, visitor: u8) -> Step {
        let slot = Slot::Visitor(Name([visitor; 16]), None);
        Step {
            portal: portal.into(),
            writes: vec![Write { slot, before: None, after: None, expires: 0 }],
            ..Step::default()
        }
    }

    #[test]
    fn a_portals_steps_go_together_up_to_a_number() {
        let steps: Vec<_> = (0..20).map(|n| step(if n % 2 == 0 { "a" } else { "b" }, n)).collect();
        let groups = [vec![0, 2, 4, 6, 8, 10, 12, 14], vec![1, 3, 5, 7, 9, 11, 13, 15], vec![16, 18], vec![17, 19]];
        assert_eq!(together(&steps), groups);
        assert_eq!(together(&[]), Vec::<Group>::new());
    }

    #[test]
    fn what_concerns_the_same_value_goes_one_after_the_other() {
        let steps = [1, 2, 1, 2, 3].map(|visitor| step("a", visitor));
        assert_eq!(together(&steps), [vec![0, 1], vec![2, 3, 4]]);
    }

    #[test]
    fn what_is_heavy_goes_alone() {
        let lively = Lively { visitor: Name([2; 16]), module: None, last_seen: None };
        let heavy = Step { live: vec![lively; HEAVY], ..step("a", 2) };
        assert_eq!(together(&[step("a", 1), heavy, step("a", 3), step("a", 4)]), [vec![0], vec![1], vec![2, 3]]);
    }
}

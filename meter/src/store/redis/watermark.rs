//! Up to when all nodes have told what they saw.

use portalmeter_rules::time::Millis;

use super::shared::KnownNode;
use crate::history::Memory;

/// What this node knows of how far all have come.
#[derive(Debug)]
pub(super) struct Watermark {
    /// Since when all who are there could tell it.
    whole: Option<Millis>,
    passed: Millis,
}

/// After Redis was away, or has forgotten, every node that is there tells of itself within this time, in milliseconds.
const ALL_TELL: Millis = 60_000;

impl Watermark {
    pub(super) fn unknown() -> Self {
        Self { whole: None, passed: Millis::MIN }
    }

    /// What was seen before this instant all nodes have committed.
    pub(super) fn passed(&self) -> Millis {
        self.passed
    }

    /// These nodes told of themselves.
    pub(super) fn note(&mut self, nodes: &[KnownNode], now: Millis, memory: Memory) {
        let whole = *self.whole.get_or_insert(now);
        if now - whole < ALL_TELL {
            return;
        }
        // Whoever was not heard of for longer than anything is remembered comes too late with all it has.
        let remembered = now - memory.keep;
        let passed = nodes.iter().filter_map(|node| match &node.state {
            Some(state) if state.seen < remembered && whole < remembered => None,
            Some(state) => Some(state.passed),
            None => Some(Millis::MIN),
        });
        self.passed = passed.min().unwrap_or(Millis::MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::NodeState;

    const MINUTE: Millis = 60_000;
    const MEMORY: Memory = Memory { keep: 45 * MINUTE, settle: 2 * MINUTE, passed: Millis::MAX };

    fn node(id: &str, seen: Millis, passed: Millis) -> KnownNode {
        let state = NodeState { seen, passed, ..NodeState::default() };
        KnownNode { id: id.to_owned(), state: Some(state) }
    }

    fn told(marks: &mut Watermark, minute: Millis, nodes: &[KnownNode]) -> Millis {
        marks.note(nodes, minute * MINUTE, MEMORY);
        marks.passed()
    }

    #[test]
    fn the_one_furthest_behind_says_what_all_have_passed() {
        let (mut marks, nodes) = (Watermark::unknown(), [node("a", 0, 30), node("b", 0, 20)]);
        assert_eq!(told(&mut marks, 0, &nodes), Millis::MIN, "others may not have told yet");
        assert_eq!(told(&mut marks, 1, &nodes), 20);
        assert_eq!(told(&mut marks, 1, &[]), Millis::MIN);
    }

    #[test]
    fn nobody_waits_for_a_node_that_was_not_heard_of_for_longer_than_anything_is_remembered() {
        let mut marks = Watermark::unknown();
        for (minute, passed) in [(1, Millis::MIN), (2, 20), (46, 20), (47, 30 * MINUTE)] {
            let nodes = [node("a", minute * MINUTE, 30 * MINUTE), node("dead", 0, 20)];
            assert_eq!(told(&mut marks, minute, &nodes), passed, "{minute}");
        }
    }

    #[test]
    fn while_redis_was_away_nobody_could_be_heard_of() {
        let mut marks = Watermark::unknown();
        let nodes = |minute| [node("a", minute * MINUTE, 30), node("back soon", 0, 20)];
        told(&mut marks, 0, &nodes(0));
        marks = Watermark::unknown();
        assert_eq!(told(&mut marks, 100, &nodes(100)), Millis::MIN);
        assert_eq!(told(&mut marks, 101, &nodes(101)), 20);
    }

    #[test]
    fn a_node_that_cannot_be_read_may_have_passed_nothing() {
        let mut marks = Watermark::unknown();
        let nodes = [node("a", 0, 20), KnownNode { id: "b".to_owned(), state: None }];
        told(&mut marks, 0, &nodes);
        assert_eq!(told(&mut marks, 1, &nodes), Millis::MIN);
    }
}

//! Whose sessions go on, as far as this process has seen: the ledger hears of each once a minute while it does, and of
//! its end from here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::store::step::{Lively, Step};

/// Who was seen, and when last.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    seen: HashMap<Who, Millis>,
    /// When each is looked at next, in order.
    due: VecDeque<(Millis, Who)>,
}

type Who = (Arc<str>, Option<Arc<str>>, Name);

/// Whoever was not seen for so long is told to the ledger as he was seen last; if he comes back, he is told again.
const LONG: Millis = 300_000;
/// No more are remembered: of further ones the last minute may remain untold.
const MOST: usize = 1_000_000;

impl Quiet {
    /// Takes down who is live.
    pub(super) fn note(&mut self, steps: &[Step]) {
        for (step, lively) in steps.iter().flat_map(|step| step.live.iter().map(move |lively| (step, lively))) {
            let who = (Arc::clone(&step.portal), lively.module.clone(), lively.visitor);
            let Some(at) = lively.last_seen else {
                self.seen.remove(&who);
                continue;
            };
            if let Some(last) = self.seen.get_mut(&who) {
                *last = at;
            } else if self.seen.len() < MOST {
                self.due.push_back((at + LONG, who.clone()));
                self.seen.insert(who, at);
            }
        }
    }

    /// Some of those who have been quiet for long, and are forgotten now.
    pub(super) fn take(&mut self, now: Millis, most: usize) -> Vec<(Arc<str>, Lively)> {
        let mut quiet = Vec::new();
        while quiet.len() < most && self.due.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, who)) = self.due.pop_front() else { break };
            let Some(last) = self.seen.get(&who).copied() else { continue };
            if last + LONG > now {
                self.due.push_back((last + LONG, who));
                continue;
            }
            self.seen.remove(&who);
            let (portal, module, visitor) = who;
            quiet.push((portal, Lively { visitor, module, last_seen: Some(last) }));
        }
        quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_quiet_for_long_is_taken_once() {
        let step = |visitor: u8, at: Option<Millis>| Step {
            portal: "help".into(),
            live: vec![Lively { visitor: Name([visitor; 16]), module: None, last_seen: at }],
            ..Step::default()
        };
        let mut quiet = Quiet::default();
        quiet.note(&[step(1, Some(0)), step(2, Some(0)), step(3, Some(0)), step(2, Some(10)), step(3, None)]);
        let taken =
            |quiet: &mut Quiet, now| quiet.take(now, 9).iter().map(|one| one.1.visitor.0[0]).collect::<Vec<_>>();
        assert_eq!(taken(&mut quiet, LONG - 1), [0; 0]);
        assert_eq!(taken(&mut quiet, LONG), [1]);
        assert_eq!(taken(&mut quiet, LONG + 10), [2]);
        assert!(quiet.seen.is_empty() && quiet.due.is_empty());
    }
}

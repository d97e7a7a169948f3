//! When each question was answered last: what an answer that fails can still say.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use portalmeter_rules::time::Millis;

/// Questions that were answered, with when.
#[derive(Debug, Default)]
pub(super) struct Answered(Mutex<HashMap<String, Millis>>);

/// So many questions are remembered.
const MOST: usize = 256;

impl Answered {
    /// Remembers that a question was answered; if there are too many, the one that was answered longest ago is forgotten.
    pub(super) fn note(&self, question: String, at: Millis) {
        let mut answered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answered.insert(question, at);
        if answered.len() > MOST
            && let Some(oldest) = answered.iter().min_by_key(|(_, at)| **at).map(|(question, _)| question.clone())
        {
            answered.remove(&oldest);
        }
    }

    /// When it was answered last.
    pub(super) fn last(&self, question: &str) -> Option<Millis> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(question).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_questions_are_remembered() {
        let answered = Answered::default();
        for number in 0..300 {
            answered.note(number.to_string(), number);
        }
        assert_eq!((answered.last("43"), answered.last("44"), answered.last("299")), (None, Some(44), Some(299)));
    }
}

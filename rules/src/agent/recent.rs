//! What was found of User-Agents that came lately: most requests repeat one of a few hundred.
//!
//! Bounded, and never waited for: whoever finds a place taken, or in use by another thread, judges
//! anew. A verdict depends on the text alone, so nobody can tell the difference.

use std::hash::BuildHasher;
use std::sync::Mutex;

use foldhash::fast::FixedState;

/// Found things by text; each text has one place, which the last comer takes.
pub(super) struct Recent<T> {
    places: Box<[Place<T>]>,
}

/// A text, and what was found of it.
type Place<T> = Mutex<Option<(Vec<u8>, T)>>;

const PLACES: usize = 2048;

impl<T: Clone> Recent<T> {
    pub(super) fn new() -> Self {
        Self { places: (0..PLACES).map(|_| Mutex::new(None)).collect() }
    }

    /// What was found of `text`, now or before.
    pub(super) fn find(&self, text: &[u8], judge: impl FnOnce() -> T) -> T {
        let hash = FixedState::default().hash_one(text);
        let Some(place) = self.places.get(hash as usize % PLACES) else { return judge() };
        let Ok(mut place) = place.try_lock() else { return judge() };
        match &mut *place {
            Some((there, found)) if there == text => found.clone(),
            Some((there, found)) => {
                *found = judge();
                there.clear();
                there.extend_from_slice(text);
                found.clone()
            }
            free => free.insert((text.to_vec(), judge())).1.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_tell_what_is_remembered() {
        let recent = Recent::new();
        for round in 0..3 {
            for number in 0..3 * PLACES {
                let text = format!("agent {number}");
                assert_eq!(recent.find(text.as_bytes(), || number), number, "round {round}");
            }
        }
    }

    #[test]
    fn what_came_lately_is_not_judged_again() {
        let recent = Recent::new();
        assert_eq!(recent.find(b"agent", || 1), 1);
        assert_eq!(recent.find(b"agent", || unreachable!("it was judged before")), 1);
    }
}

//! Tokens that were verified lately: a signature costs some 20 µs, and a browser sends its token with every request.
//!
//! Bounded, and never waited for: whoever finds a place taken, or in use by another thread, verifies
//! anew. Only tokens that did verify are remembered, and never for how long they are valid.

use std::fmt;
use std::sync::{Arc, Mutex};

/// What verified tokens said; each token has one place, which the last comer takes.
#[derive(Clone)]
pub(super) struct Lately<T>(Arc<[Place<T>]>);

/// The hash of a token, the keys it was verified with, and what it said.
type Place<T> = Mutex<Option<(blake3::Hash, u64, Arc<T>)>>;

const PLACES: usize = 4096;

impl<T> Lately<T> {
    pub(super) fn new() -> Self {
        Self((0..PLACES).map(|_| Mutex::new(None)).collect())
    }

    /// What a token says, now or before; `keys` is the generation of the keys in use.
    pub(super) fn find(&self, token: &[u8], keys: u64, verify: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        let hash = blake3::hash(token);
        let [low, high, ..] = *hash.as_bytes();
        let place = self.0.get(usize::from(u16::from_le_bytes([low, high])) % PLACES)?;
        if let Ok(place) = place.try_lock()
            && let Some((known, generation, said)) = &*place
            && (*known, *generation) == (hash, keys)
        {
            return Some(Arc::clone(said));
        }
        let said = Arc::new(verify()?);
        if let Ok(mut place) = place.try_lock() {
            *place = Some((hash, keys, Arc::clone(&said)));
        }
        Some(said)
    }
}

impl<T> fmt::Debug for Lately<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lately")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_verified_once_for_the_same_keys() {
        let lately = Lately::new();
        assert_eq!(lately.find(b"token", 1, || Some("ann")).as_deref(), Some(&"ann"));
        assert_eq!(lately.find(b"token", 1, || unreachable!("it was verified")).as_deref(), Some(&"ann"));
        assert_eq!(lately.find(b"token", 2, || None), None, "other keys may not know it");
        assert_eq!(lately.find(b"other", 1, || None), None);
        assert_eq!(lately.find(b"other", 1, || Some("bob")).as_deref(), Some(&"bob"), "a refusal is not remembered");
    }

    #[test]
    fn nobody_can_tell_what_is_remembered() {
        let lately = Lately::new();
        for _ in 0..3 {
            for number in 0..2 * PLACES {
                let token = number.to_string();
                assert_eq!(lately.find(token.as_bytes(), 0, || Some(number)).as_deref(), Some(&number));
            }
        }
    }
}

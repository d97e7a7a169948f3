//! How often a login may be tried: some times at once, then slowly, for each address and for each name.
//!
//! Each key has one number, the time at which it will have paid for all its tries (GCRA). Somebody may keep a user from
//! signing in by trying that name; their sessions and tokens go on, and a minute later so does the login.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use portalmeter_rules::time::Millis;

/// All logins that were tried of late.
pub(super) struct LoginAttempts {
    by_address: Attempts,
    by_name: Attempts,
    keys: RandomState,
}

/// How long somebody has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait(pub(super) Millis);

impl Default for LoginAttempts {
    fn default() -> Self {
        Self {
            // An office behind one address may come in at eight.
            by_address: Attempts::new(20, 15_000),
            // Ten slips of the pen; then 2,880 guesses a day.
            by_name: Attempts::new(10, 30_000),
            keys: RandomState::new(),
        }
    }
}

impl LoginAttempts {
    /// Counts a try, unless there were too many.
    pub(super) fn take(&self, address: Option<IpAddr>, name: &str, now: Millis) -> Result<(), Wait> {
        self.by_address.take(self.keys.hash_one(network(address)), now)?;
        self.by_name.take(self.keys.hash_one(name), now)
    }

    /// A user has come in: what was tried in that name before is forgotten. What an address tried is not, or one could guess
    /// for ever by coming in oneself now and then.
    pub(super) fn forgive(&self, name: &str) {
        self.by_name.forget(self.keys.hash_one(name));
    }
}

/// Whoever has an IPv6 address has the 64 bits behind it too.
fn network(address: Option<IpAddr>) -> Option<IpAddr> {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V6(address)) => Some(IpAddr::V6((address.to_bits() >> 64 << 64).into())),
        other => other,
    }
}

/// Tries by key.
struct Attempts {
    at_once: Millis,
    every: Millis,
    paid: Mutex<HashMap<u64, Millis>>,
}

/// So many keys are known; beyond, the one that has to wait least is forgotten.
const MOST_KEYS: usize = 10_000;

impl Attempts {
    fn new(at_once: Millis, every: Millis) -> Self {
        Self { at_once, every, paid: Mutex::default() }
    }

    fn take(&self, key: u64, now: Millis) -> Result<(), Wait> {
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        if paid.len() >= MOST_KEYS && !paid.contains_key(&key) {
            paid.retain(|_, at| *at > now);
            if paid.len() >= MOST_KEYS
                && let Some(least) = paid.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key)
            {
                paid.remove(&least);
            }
        }
        let full = now.saturating_add(self.at_once * self.every);
        // The upper bound is for a clock that was set back.
        let at = paid.get(&key).copied().unwrap_or(now).clamp(now, full);
        let after = at.saturating_add(self.every);
        if after > full {
            paid.insert(key, at);
            return Err(Wait(after - full));
        }
        paid.insert(key, after);
        Ok(())
    }

    fn forget(&self, key: u64) {
        self.paid.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_tries_at_once_then_one_at_a_time() {
        let attempts = Attempts::new(3, 1_000);
        assert_eq!([0, 0, 0, 0].map(|now| attempts.take(1, now)), [Ok(()), Ok(()), Ok(()), Err(Wait(1_000))]);
        assert_eq!(attempts.take(1, 999), Err(Wait(1)));
        assert_eq!(attempts.take(1, 1_000), Ok(()));
        assert_eq!(attempts.take(1, 1_000), Err(Wait(1_000)));
        assert_eq!(attempts.take(2, 1_000), Ok(()), "another key has its own");
        assert_eq!([9_000, 9_000, 9_000].map(|now| attempts.take(1, now)), [Ok(()); 3], "all is paid for");
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let attempts = Attempts::new(3, 1_000);
        attempts.take(1, 1_000_000).unwrap();
        assert_eq!(attempts.take(1, 0), Err(Wait(1_000)));
        assert_eq!(attempts.take(1, 1_000), Ok(()));
    }

    #[test]
    fn what_is_known_of_keys_has_an_end() {
        let attempts = Attempts::new(3, 1_000);
        for _ in 0..3 {
            attempts.take(0, 0).unwrap();
        }
        for key in 1..2 * MOST_KEYS as u64 {
            attempts.take(key, 0).unwrap();
        }
        assert!(attempts.paid.lock().unwrap().len() <= MOST_KEYS);
        assert_eq!(attempts.take(0, 0), Err(Wait(1_000)), "who tried most is not forgotten first");
    }

    #[test]
    fn an_address_stays_counted_when_one_of_its_users_comes_in() {
        let attempts = LoginAttempts::default();
        let address = |text: &str| Some(text.parse().unwrap());
        for turn in 0..20 {
            assert_eq!(attempts.take(address("2001:db8::1"), &turn.to_string(), 0), Ok(()));
            attempts.forgive(&turn.to_string());
        }
        assert!(attempts.take(address("2001:db8::2"), "ann", 0).is_err(), "it is the same network");
        assert!(attempts.take(address("2001:db8:0:1::1"), "ann", 0).is_ok());
    }

    #[test]
    fn a_name_is_slowed_down_from_wherever_it_is_tried() {
        let attempts = LoginAttempts::default();
        let tried = |turn: u8| attempts.take(Some(IpAddr::from([192, 0, 2, turn])), "ann", 0);
        assert!((0..10).all(|turn| tried(turn).is_ok()));
        assert_eq!(tried(10), Err(Wait(30_000)));
        attempts.forgive("ann");
        assert_eq!(tried(11), Ok(()));
    }
}

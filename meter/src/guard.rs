//! How many new visitors one address may bring: a flood that returns no cookies is a bot's, and not billed.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use dashmap::DashMap;
use portalmeter_rules::time::Millis;

/// Counts the sessions that begin at each address without a cookie.
#[derive(Debug)]
pub struct Guard {
    /// One start takes so long of the minute that an address has.
    each: Millis,
    /// Until when an address has spent its minute.
    spent: DashMap<IpAddr, Millis, foldhash::fast::RandomState>,
}

const MINUTE: Millis = 60_000;
/// No more addresses than these are told apart; a start from any other is one too many, and not billed.
const MOST: usize = 1_000_000;

impl Guard {
    /// One that lets so many begin at an address in a minute, and as many at once.
    pub fn new(starts_per_minute: NonZeroU32) -> Self {
        Self { each: (MINUTE / Millis::from(starts_per_minute.get())).max(1), spent: DashMap::default() }
    }

    /// Whether one more may begin at this address now. Behind IPv6 a network of 64 bits is one address.
    pub fn admits(&self, address: IpAddr, at: Millis) -> bool {
        if self.spent.len() >= MOST {
            self.spent.retain(|_, spent| *spent > at);
            if self.spent.len() >= MOST {
                return false;
            }
        }
        let mut spent = self.spent.entry(network(address)).or_insert(at);
        let after = at.max(*spent) + self.each;
        let admitted = after <= at + MINUTE;
        if admitted {
            *spent = after;
        }
        admitted
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(starts: u32) -> Guard {
        Guard::new(NonZeroU32::new(starts).unwrap())
    }

    fn admitted(guard: &Guard, address: &str, times: impl Iterator<Item = Millis>) -> usize {
        times.filter(|&at| guard.admits(address.parse().unwrap(), at)).count()
    }

    #[test]
    fn so_many_at_once_and_no_more() {
        let guard = guard(5);
        assert_eq!(admitted(&guard, "192.0.2.1", std::iter::repeat_n(0, 100)), 5);
        assert_eq!(admitted(&guard, "192.0.2.2", std::iter::repeat_n(0, 100)), 5, "each address has its own");
    }

    #[test]
    fn so_many_a_minute_and_for_ever() {
        let guard = guard(6);
        let hour = (0..3_600).map(|second| second * 1_000);
        assert_eq!(admitted(&guard, "192.0.2.1", hour), 6 + 6 * 60 - 1);
        assert_eq!(admitted(&guard, "192.0.2.1", std::iter::once(2 * 3_600_000)), 1, "and a pause makes good");
    }

    #[test]
    fn one_network_of_64_bits_is_one_address() {
        let guard = guard(1);
        assert!(guard.admits("2001:db8::1".parse().unwrap(), 0));
        assert!(!guard.admits("2001:db8::2".parse().unwrap(), 0));
        assert!(guard.admits("2001:db8:0:1::2".parse().unwrap(), 0));
        assert!(guard.admits("::ffff:192.0.2.1".parse().unwrap(), 0));
        assert!(!guard.admits("192.0.2.1".parse().unwrap(), 0));
    }
}

//! Who comes: names of users and of what they sit before, out of the seed.

use portalmeter_rules::id::{Name, NameKey, Role};

/// Makes names; those of one seed are the same each time.
pub(super) struct People(NameKey);

impl People {
    pub(super) fn new(seed: u64) -> Self {
        Self(NameKey::from_secret(&[&b"history of the demo"[..], &seed.to_le_bytes()].concat()))
    }

    /// Somebody who signs in, of an account or, where there is none, of the staff.
    pub(super) fn user(&self, account: Option<u16>, number: u64) -> Name {
        let account = account.map_or(u64::MAX, u64::from);
        self.0.name(Role::User, &[&account.to_le_bytes(), &number.to_le_bytes()])
    }

    /// One of somebody's browsers. Cookies that end with the browser do so once a week.
    pub(super) fn browser(&self, of: Name, number: u64, week: i32) -> Name {
        self.0.name(Role::Cookie, &[&of.0, &number.to_le_bytes(), &week.to_le_bytes()])
    }

    /// A browser of somebody unknown.
    pub(super) fn stranger(&self, number: u64, week: i32) -> Name {
        self.0.name(Role::Cookie, &[&number.to_le_bytes(), &week.to_le_bytes()])
    }

    /// A bot, at one of its addresses.
    pub(super) fn bot(&self, agent: &str, number: u64) -> Name {
        self.0.name(Role::Bot, &[agent.as_bytes(), &number.to_le_bytes()])
    }
}

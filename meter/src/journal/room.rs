//! How much of its bound a journal takes: an operator hears of it well before the end.

use std::sync::atomic::{AtomicU8, Ordering};

/// What is left of a journal's bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Room {
    /// More than half.
    #[default]
    Ample,
    /// Half or less.
    Scarce,
    /// Nothing: entries are not journaled.
    None,
}

impl Room {
    /// What so many bytes leave of the bound.
    pub fn of(bytes: u64, bound: u64) -> Self {
        match bytes {
            _ if bytes >= bound => Self::None,
            _ if bytes >= bound / 2 => Self::Scarce,
            _ => Self::Ample,
        }
    }
}

/// What was said of it last, to be said once.
#[derive(Debug, Default)]
pub(super) struct Said(AtomicU8);

impl Said {
    /// Says what has changed.
    pub(super) fn note(&self, bytes: u64, bound: u64) {
        let room = Room::of(bytes, bound);
        let before = self.0.swap(room as u8, Ordering::Relaxed);
        if room as u8 == before {
            return;
        }
        match room {
            Room::Ample => tracing::info!(bytes, bound, "the journal has room again"),
            Room::Scarce if before > room as u8 => tracing::info!(bytes, bound, "pages are journaled again"),
            Room::Scarce => tracing::warn!(bytes, bound, "the journal takes half of journal.max_size: {REMEDY}"),
            Room::None => tracing::error!(
                bytes,
                bound,
                "the journal takes all of journal.max_size, and pages are no longer journaled: {REMEDY}"
            ),
        }
    }
}

/// What to do about it.
pub const REMEDY: &str = "mend what keeps the store from taking commits, or raise journal.max_size; what is committed goes after journal.keep";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_bound_is_an_alarm_and_all_of_it_the_end() {
        let room = [0, 49, 50, 99, 100, 101].map(|bytes| Room::of(bytes, 100));
        assert_eq!(room, [Room::Ample, Room::Ample, Room::Scarce, Room::Scarce, Room::None, Room::None]);
    }
}

//! The clock of this machine that nobody sets.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds since the machine was started, those asleep too. It goes on evenly whatever becomes of the time of day.
pub fn uptime() -> i64 {
    let since = clock_gettime(ClockId::Boottime);
    since.tv_sec.saturating_mul(1_000_000).saturating_add(since.tv_nsec / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_grows() {
        let before = uptime();
        assert!(before > 0 && uptime() >= before);
    }
}

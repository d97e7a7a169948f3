//! The run's time: milliseconds since it began, and the civil days that it meets.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// When something happened, at the earliest and at the latest, in milliseconds of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// Milliseconds of a run, and the zone that its portals live in.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    began: Instant,
    /// The same instant, in milliseconds since 1970.
    epoch: i64,
    pub(crate) zone: String,
    /// When midnight comes, if it does.
    midnight: Option<u64>,
}

/// Around midnight nobody asks for anything: nodes may read their clocks a little apart.
const HUSH: u64 = 500;
/// No run lasts longer without a midnight that was asked for.
const HOUR: i64 = 3_600_000;

impl Calendar {
    /// In a zone where it is about noon.
    pub(crate) fn at_noon() -> Self {
        let (began, epoch) = now();
        let ahead = 12 - epoch.rem_euclid(24 * HOUR) / HOUR;
        Self { began, epoch, zone: zone(ahead), midnight: None }
    }

    /// Waits until the next full hour is so far away, and lives where that is midnight.
    pub(crate) fn before_midnight(by: Duration) -> Self {
        let left = || HOUR - now().1.rem_euclid(HOUR);
        let by = by.as_millis() as i64;
        while left() > by {
            println!("midnight in {} s; the run begins {} s before it", left() / 1_000, by / 1_000);
            std::thread::sleep(Duration::from_millis((left() - by).clamp(1, 60_000).unsigned_abs()));
        }
        let (began, epoch) = now();
        let hour = (epoch + left()).rem_euclid(24 * HOUR) / HOUR;
        // From noon on that is the coming midnight, before it the one that began the day.
        let ahead = if hour >= 12 { 24 - hour } else { -hour };
        Self { began, epoch, zone: zone(ahead), midnight: Some(left().unsigned_abs()) }
    }

    /// Milliseconds of the run.
    pub(crate) fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// A time of the run in milliseconds since 1970.
    pub(crate) fn epoch(&self, at: u64) -> i64 {
        self.epoch + at as i64
    }

    /// How long to hold one's breath, if midnight is near.
    pub(crate) fn hush(&self) -> Option<Duration> {
        let (now, midnight) = (self.now(), self.midnight?);
        let near = midnight.saturating_sub(HUSH)..midnight + HUSH;
        near.contains(&now).then(|| Duration::from_millis(near.end - now))
    }

    /// The day of an instant: 0 is the run's first.
    pub(crate) fn day(&self, at: u64) -> u8 {
        u8::from(self.midnight.is_some_and(|midnight| at >= midnight))
    }

    /// The days that a span may lie in.
    pub(crate) fn days(&self, span: Span) -> Vec<u8> {
        let (first, last) = (self.day(span.first.saturating_sub(HUSH / 2)), self.day(span.last + HUSH / 2));
        (first..=last).collect()
    }

    /// A day's date, `2026-03-12`.
    pub(crate) fn date(&self, day: u8) -> String {
        let zone = TimeZone::get(&self.zone).unwrap();
        let first = Timestamp::from_millisecond(self.epoch).unwrap().to_zoned(zone).date();
        first.checked_add(jiff::Span::new().days(i64::from(day))).unwrap().to_string()
    }
}

fn now() -> (Instant, i64) {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    (Instant::now(), since.as_millis() as i64)
}

/// POSIX counts hours to the west.
fn zone(ahead: i64) -> String {
    format!("Etc/GMT{:+}", -ahead)
}

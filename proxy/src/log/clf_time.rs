//! The time of Apache and nginx, `12/Mar/2026:23:40:00 +0100`, read at the cost of a comparison.
//!
//! Neighbouring lines share their day and zone, often their second; what was read last is kept.

use jiff::{civil, tz};
use portalmeter_rules::time::Millis;

/// The length of such a time.
pub(super) const LENGTH: usize = 26;

/// Reads times, remembering the last one.
#[derive(Debug, Default)]
pub(super) struct ClfTime {
    last: Option<([u8; LENGTH], Millis)>,
    day: Option<([u8; 11], i64)>,
    zone: Option<([u8; 5], i64)>,
}

impl ClfTime {
    /// The instant that `text` names; `None` where it is no time or a day that does not exist.
    pub(super) fn read(&mut self, text: &[u8; LENGTH]) -> Option<Millis> {
        if let Some((last, at)) = &self.last
            && last == text
        {
            return Some(*at);
        }
        let [day @ .., b':', h1, h0, b':', m1, m0, b':', s1, s0, b' ', z0, z1, z2, z3, z4] = text else { return None };
        let (hour, minute, second) = (two(*h1, *h0)?, two(*m1, *m0)?, two(*s1, *s0)?);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let zone = self.zone([*z0, *z1, *z2, *z3, *z4])?;
        let at = (self.midnight(day)? + hour * 3600 + minute * 60 + second - zone) * 1000;
        self.last = Some((*text, at));
        Some(at)
    }

    fn midnight(&mut self, text: &[u8; 11]) -> Option<i64> {
        if let Some((last, midnight)) = &self.day
            && last == text
        {
            return Some(*midnight);
        }
        let midnight = midnight_utc(text)?;
        self.day = Some((*text, midnight));
        Some(midnight)
    }

    fn zone(&mut self, text: [u8; 5]) -> Option<i64> {
        if let Some((last, seconds)) = self.zone
            && last == text
        {
            return Some(seconds);
        }
        let seconds = east_of_utc(text)?;
        self.zone = Some((text, seconds));
        Some(seconds)
    }
}

/// `12/Mar/2026` as seconds since the epoch.
fn midnight_utc(text: &[u8; 11]) -> Option<i64> {
    let [d1, d0, b'/', month @ .., b'/', y3, y2, y1, y0] = text else { return None };
    let month: &[u8; 3] = month;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let year = two(*y3, *y2)? * 100 + two(*y1, *y0)?;
    // The same years as in JSON lines.
    if !(1970..9999).contains(&year) {
        return None;
    }
    let date = civil::Date::new(year as i16, month as i8, two(*d1, *d0)? as i8).ok()?;
    Some(date.to_zoned(tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// `+0100` as seconds.
fn east_of_utc(text: [u8; 5]) -> Option<i64> {
    let [sign, h1, h0, m1, m0] = text;
    let (hours, minutes) = (two(h1, h0)?, two(m1, m0)?);
    // No zone has ever been a whole day from UTC.
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Millis> {
        ClfTime::default().read(text.as_bytes().try_into().unwrap())
    }

    fn rfc(text: &str) -> Millis {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_zone_is_taken_off() {
        assert_eq!(read("12/Mar/2026:23:40:00 +0100"), Some(rfc("2026-03-12T22:40:00Z")));
        assert_eq!(read("31/Dec/2025:23:40:00 -0330"), Some(rfc("2026-01-01T03:10:00Z")));
        assert_eq!(read("29/Feb/2024:00:00:00 +0000"), Some(rfc("2024-02-29T00:00:00Z")));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "30/Feb/2026:23:40:00 +0100",
            "12/Mar/1969:23:40:00 +0100",
            "12/mar/2026:23:40:00 +0100",
            "12/Mar/2026:24:40:00 +0100",
            "12/Mar/2026:23:40:0x +0100",
            "12/Mar/2026:23:40:00 00100",
            "12/Mar/2026 23:40:00 +0100",
            "12/Mar/2026:23:40:00 +2400",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_remembered_never_leaks_into_another_time() {
        let mut clock = ClfTime::default();
        let texts = [
            "12/Mar/2026:23:40:00 +0100",
            "13/Mar/2026:23:40:00 +0100",
            "13/Mar/2026:23:40:00 +0200",
            "13/Mar/2026:23:40:01 +0200",
            "99/Mar/2026:23:40:01 +0200",
            "12/Mar/2026:23:40:00 +0100",
        ];
        for text in texts.iter().chain(&texts) {
            assert_eq!(clock.read(text.as_bytes().try_into().unwrap()), read(text), "{text}");
        }
    }
}

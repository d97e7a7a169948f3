//! The times of a table: local times of the portal's zone, each on the date of the row before.
//!
//! `09:00`, `23:59:59.999`, `2026-03-13 00:10`, `02:30 CET`, `08:00 to 12:10 every 10m`.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A clock that reads one row after another.
#[derive(Debug)]
pub(crate) struct Clock {
    date: Date,
    zone: TimeZone,
}

/// Names that tell the two half past two apart when summer time ends.
const NAMED: [(&str, i8); 3] = [(" CEST", 2), (" CET", 1), (" UTC", 0)];

impl Clock {
    /// A clock in a zone, on a date.
    pub(crate) fn new(date: &str, zone: &str) -> Result<Self, String> {
        let wrong = |error: jiff::Error| error.to_string();
        Ok(Self { date: date.parse().map_err(wrong)?, zone: TimeZone::get(zone).map_err(wrong)? })
    }

    /// The instants a cell means, in milliseconds.
    pub(crate) fn times(&mut self, cell: &str) -> Result<Vec<i64>, String> {
        let Some((first, rest)) = cell.split_once(" to ") else { return Ok(vec![self.at(cell)?.as_millisecond()]) };
        let (last, every) = rest.split_once(" every ").ok_or("a repeated step says `to … every …`")?;
        let every: SignedDuration = every.parse().map_err(|error: jiff::Error| error.to_string())?;
        let (first, last) = (self.at(first)?, self.at(last)?);
        let times: Vec<i64> = std::iter::successors(Some(first), |at| at.checked_add(every).ok())
            .take_while(|at| *at <= last)
            .map(Timestamp::as_millisecond)
            .collect();
        if times.last() != Some(&last.as_millisecond()) {
            return Err(format!("`{cell}` does not end on a step of it"));
        }
        Ok(times)
    }

    fn at(&mut self, text: &str) -> Result<Timestamp, String> {
        let named = NAMED.iter().find_map(|(name, hours)| Some((text.strip_suffix(name)?, *hours)));
        let (text, zone) = match named {
            Some((text, hours)) => (text, TimeZone::fixed(Offset::constant(hours))),
            None => (text, self.zone.clone()),
        };
        let (date, time) = text.split_once(' ').map_or((None, text), |(date, time)| (Some(date), time));
        let wrong = |error: jiff::Error| format!("`{text}` is not a time: {error}");
        if let Some(date) = date {
            self.date = date.parse().map_err(wrong)?;
        }
        let time: Time = time.parse().map_err(wrong)?;
        Ok(self.date.to_datetime(time).to_zoned(zone).map_err(wrong)?.timestamp())
    }
}

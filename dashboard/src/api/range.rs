//! Which days are asked for: from one to another, exclusive at the end, as each portal's own zone has them.

use std::str::FromStr;

use portalmeter_meter::day::Day;
use portalmeter_meter::ledger::Days;
use utoipa::IntoParams;

use super::asked::Asked;
use super::problem::Problem;

/// Days as they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    from: Option<Said>,
    to: Option<Said>,
}

/// Which days.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
pub(crate) struct RangeParams {
    /// The first day: `2026-03-12`, `today`, `yesterday`. Without it, 30 days before `to`.
    #[param(example = "2026-03-01")]
    from: Option<String>,
    /// The day after the last. Without it, tomorrow.
    #[param(example = "2026-04-01")]
    to: Option<String>,
}

/// A day as it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    On(Day),
    /// So many days after today.
    Later(i32),
}

/// More days are no question: ten years, and leap days.
const MOST: usize = 3_660;
/// So many days where nothing is said.
const USUAL: i32 = 30;
/// Sessions were not counted before, nor will they be after.
const FIRST_YEAR: i16 = 1970;
const LAST_YEAR: i16 = 9000;

impl FromStr for Said {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "yesterday" => Ok(Self::Later(-1)),
            "today" => Ok(Self::Later(0)),
            "tomorrow" => Ok(Self::Later(1)),
            text => {
                let day: Day = text.parse().map_err(drop)?;
                (FIRST_YEAR..=LAST_YEAR).contains(&day.date().year()).then_some(Self::On(day)).ok_or(())
            }
        }
    }
}

impl Said {
    fn on(self, today: Day) -> Day {
        match self {
            Self::On(day) => day,
            Self::Later(days) => today.plus(days),
        }
    }
}

impl Range {
    /// The days that a question is about.
    pub(crate) fn of(asked: &mut Asked) -> Result<Self, Problem> {
        let expected = "a day: write 2026-03-12, today or yesterday";
        let range = Self { from: asked.parsed("from", expected)?, to: asked.parsed("to", expected)? };
        // Where both are told by the calendar, they make sense everywhere or nowhere.
        range.days(Day(0)).map(drop).or_else(|problem| if range.is_absolute() { Err(problem) } else { Ok(()) })?;
        Ok(range)
    }

    /// The last 30 days, today among them.
    pub(crate) fn month() -> Self {
        Self { from: None, to: Some(Said::Later(1)) }
    }

    /// The last 70 days: yesterday, and last month, are among them.
    pub(crate) fn lately() -> Self {
        Self { from: Some(Said::Later(-70)), to: Some(Said::Later(1)) }
    }

    /// Whether anything was said.
    pub(crate) fn is_said(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    fn is_absolute(&self) -> bool {
        matches!((self.from, self.to), (Some(Said::On(_)), Some(Said::On(_))))
    }

    /// The days, where it is `today`.
    pub(crate) fn days(&self, today: Day) -> Result<Days, Problem> {
        let from = self.from.map(|said| said.on(today));
        let to = self.to.map_or_else(|| from.map_or(today, |from| from.max(today)).plus(1), |said| said.on(today));
        let days = Days { from: from.unwrap_or(to.plus(-USUAL)), to };
        if days.is_empty() {
            let wrong = format!("from {} is not before to {}, which is exclusive", days.from, days.to);
            return Err(Problem::bad(wrong).hint(format!(
                "one day alone is from={0}&to={1}",
                days.from,
                days.from.plus(1)
            )));
        }
        within(days, MOST, "ten years")
    }
}

/// These days, if they are not too many.
pub(crate) fn within(days: Days, most: usize, called: &str) -> Result<Days, Problem> {
    if days.len() <= most {
        return Ok(days);
    }
    let many = format!(
        "from {} to {} are {} days: at most {called}, {most} days, in one answer",
        days.from,
        days.to,
        days.len()
    );
    Err(Problem::bad(many).hint("ask for fewer days at a time"))
}

/// The days before these, as many.
pub(crate) fn before(days: Days) -> Days {
    Days { from: days.from.plus(-(days.len() as i32)), to: days.from }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(query: &str) -> Result<(String, String), Problem> {
        let range = Range::of(&mut Asked::new("/", query)?)?;
        range.days("2024-03-01".parse().unwrap()).map(|days| (days.from.to_string(), days.to.to_string()))
    }

    fn told(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn days_are_said_by_the_calendar_or_by_today() {
        assert_eq!(days("from=2023-12-31&to=2024-01-01"), Ok(told("2023-12-31", "2024-01-01")));
        assert_eq!(days("from=yesterday&to=today"), Ok(told("2024-02-29", "2024-03-01")));
        assert_eq!(days("from=2024-02-29"), Ok(told("2024-02-29", "2024-03-02")));
        assert_eq!(days("from=2030-01-01"), Ok(told("2030-01-01", "2030-01-02")));
        assert_eq!(days("to=2024-03-01"), Ok(told("2024-01-31", "2024-03-01")));
        assert_eq!(days(""), Ok(told("2024-02-01", "2024-03-02")));
        assert_eq!(days("from=2014-02-24&to=2024-03-03"), Ok(told("2014-02-24", "2024-03-03")));
    }

    #[test]
    fn what_are_no_days_is_refused() {
        for query in [
            "from=2024-03-02&to=2024-03-02",
            "from=2024-03-02&to=2024-03-01",
            "from=today&to=yesterday",
            "from=2023-02-29&to=2023-03-02",
            "from=2014-02-24&to=2024-03-04",
            "from=soon",
            "from=9999-12-31",
            "from=1969-12-31",
            "from=%E2%80%AE2024-03-01",
            "from=2024-03-01&from=2024-03-02",
        ] {
            assert!(days(query).is_err(), "{query}");
        }
    }
}

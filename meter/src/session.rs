//! A period of activity of one visitor in one scope.

use std::fmt;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::record::Reason;
use crate::terse::{choices, terse};

/// What a record is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Billable: nobody signed in.
    Guest,
    /// Billable: a signed-in customer.
    External,
    /// Shown, never billed.
    Internal,
    /// Shown, never billed.
    Bot,
}

choices!(Class, 2 { 0 => Guest, 1 => External, 2 => Internal, 3 => Bot });

impl Class {
    /// Every class, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Guest, Self::External, Self::Internal, Self::Bot];

    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::External => "external",
            Self::Internal => "internal",
            Self::Bot => "bot",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A session as the fold knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its first page.
    pub started: Millis,
    /// Why it is one of its own.
    pub began: Reason,
    /// Its last observation of any kind.
    pub last_seen: Millis,
    /// The last day it counted on.
    pub counted_day: Day,
    /// What it counts as now.
    pub class: Class,
    /// A page proved that nobody was signed in.
    pub proven_guest: bool,
    /// Somebody was signed in and is no longer.
    pub logged_out: bool,
    /// Who is signed in, once known.
    pub user: Option<Name>,
    /// Pages so far, as far as `min_pages` needs to know.
    pub pages: u32,
    /// The day on which it became external without counting again.
    pub converted: Option<Day>,
    /// It has counted: it has had the pages that `min_pages` asks for.
    pub counted: bool,
}

terse!(Session {
    started,
    began,
    last_seen,
    counted_day,
    class,
    proven_guest,
    logged_out,
    user,
    pages,
    converted,
    counted,
});

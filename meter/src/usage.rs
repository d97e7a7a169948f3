//! Usage: what reports, files and the API show of a scope in a day or month.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::session::Class;

pub mod compare;
pub mod rows;

/// Sums of records and statistics. Integers all; none of it is ever an estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Records of class guest.
    pub guest: i64,
    /// Records of class external.
    pub external: i64,
    /// Records of class internal: shown, never billed.
    pub internal: i64,
    /// Records of class bot: shown, never billed.
    pub bot: i64,
    /// Guests before bots are taken off: guest + bot.
    pub guest_raw: i64,
    /// `guest_raw` − bot + external.
    pub billable: i64,
    /// Guest sessions that became external without counting again.
    pub converted: i64,
    /// Pages of people, counted or not.
    pub page_views: i64,
    /// Downloads, searches and other actions.
    pub actions: i64,
    /// How long people's sessions lasted, in whole seconds.
    pub duration_seconds: i64,
}

impl Counters {
    /// Counters of these sums; what follows from them is computed here and nowhere else.
    pub fn of(sums: &Sums) -> Self {
        let [guest, external, internal, bot] = sums.records;
        let guest_raw = guest + bot;
        Self {
            guest,
            external,
            internal,
            bot,
            guest_raw,
            billable: guest_raw - bot + external,
            converted: sums.converted,
            page_views: sums.page_views,
            actions: sums.actions,
            duration_seconds: sums.duration_ms.div_euclid(1000),
        }
    }

    /// Those that are sums of records, by name: final once the day is sealed.
    pub fn of_records(&self) -> [(&'static str, i64); 7] {
        [
            ("guest", self.guest),
            ("external", self.external),
            ("internal", self.internal),
            ("bot", self.bot),
            ("guest_raw", self.guest_raw),
            ("billable", self.billable),
            ("converted", self.converted),
        ]
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.guest += other.guest;
        self.external += other.external;
        self.internal += other.internal;
        self.bot += other.bot;
        self.guest_raw += other.guest_raw;
        self.billable += other.billable;
        self.converted += other.converted;
        self.page_views += other.page_views;
        self.actions += other.actions;
        self.duration_seconds += other.duration_seconds;
    }
}

/// What is summed up as it happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Records by class, in the order of [`Class::ALL`].
    pub records: [i64; 4],
    /// Conversions.
    pub converted: i64,
    /// Page views.
    pub page_views: i64,
    /// Actions.
    pub actions: i64,
    /// Duration in milliseconds.
    pub duration_ms: i64,
}

impl Sums {
    /// Adds `count` records of a class.
    pub fn add(&mut self, class: Class, count: i64) {
        let [guest, external, internal, bot] = &mut self.records;
        let sum = match class {
            Class::Guest => guest,
            Class::External => external,
            Class::Internal => internal,
            Class::Bot => bot,
        };
        *sum += count;
    }
}

/// Whether a figure may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It may.
    Open,
    /// Final: valid for billing.
    Sealed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
        })
    }
}

/// Usage of a scope in a day or month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// The day, if by day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// The month, if by month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// Whose midnight it is; several of a month in which the portal moved to another zone.
    pub timezone: String,
    /// The sums.
    #[serde(flatten)]
    pub counters: Counters,
    /// Browsers and devices of people, over the whole range.
    pub unique_visitors: i64,
    /// Signed-in users, over the whole range.
    pub unique_users: i64,
    /// Whether it may still change.
    pub state: State,
}

/// Usage rows and their totals, as `report` and `replay` print them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageReport {
    /// When it was read.
    pub as_of: String,
    /// The rows, sorted by portal, module and day.
    pub usage: Vec<Usage>,
    /// The sums over all rows. Uniques are not summed.
    pub totals: Counters,
}

impl UsageReport {
    /// A report of these rows.
    pub fn new(as_of: String, mut usage: Vec<Usage>) -> Self {
        usage.sort_by(|a, b| (&a.portal, &a.module, &a.day, &a.month).cmp(&(&b.portal, &b.module, &b.day, &b.month)));
        let mut totals = Counters::default();
        for row in &usage {
            totals += row.counters;
        }
        Self { as_of, usage, totals }
    }

    /// The zones of its rows, each once.
    pub fn zones(&self) -> String {
        let zones: BTreeSet<&str> = self.usage.iter().flat_map(|row| row.timezone.split(BETWEEN_ZONES)).collect();
        zones.into_iter().collect::<Vec<_>>().join(BETWEEN_ZONES)
    }

    /// The rows as CSV, with the columns of the JSON in their order. `period` is `day` or `month`.
    pub fn to_csv(&self, period: &str) -> Result<Vec<u8>, csv::Error> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(COLUMNS.map(|column| if column == "day" { period } else { column }))?;
        for row in &self.usage {
            let sums = row.counters;
            let numbers = [
                sums.guest,
                sums.external,
                sums.internal,
                sums.bot,
                sums.guest_raw,
                sums.billable,
                sums.converted,
                sums.page_views,
                sums.actions,
                sums.duration_seconds,
                row.unique_visitors,
                row.unique_users,
            ];
            let period = row.day.as_deref().or(row.month.as_deref()).unwrap_or_default();
            let words = [&row.portal, row.module.as_deref().unwrap_or_default(), period, &row.timezone];
            let fields =
                words.into_iter().map(str::to_owned).chain(numbers.into_iter().map(|number| number.to_string()));
            csv.write_record(fields.chain([row.state.to_string()]))?;
        }
        csv.into_inner().map_err(|error| error.into_error().into())
    }
}

/// What stands between the zones of a row that has several.
pub const BETWEEN_ZONES: &str = ", ";

/// The columns of a usage file.
pub const COLUMNS: [&str; 17] = [
    "portal",
    "module",
    "day",
    "timezone",
    "guest",
    "external",
    "internal",
    "bot",
    "guest_raw",
    "billable",
    "converted",
    "page_views",
    "actions",
    "duration_seconds",
    "unique_visitors",
    "unique_users",
    "state",
];

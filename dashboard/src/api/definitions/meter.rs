//! The four meters of the Customer Portal Usage dashboard, with the vendor's ids (seed 1).

use portalmeter_meter::day::Day;
use portalmeter_meter::ledger::Days;
use portalmeter_meter::usage::Counters;

use super::{last_month, yesterday};

/// A named meter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) frequency: Frequency,
    pub(super) formula: &'static str,
    pub(super) note: &'static str,
    shows: Shows,
}

/// How often it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    Daily,
    Monthly,
}

#[derive(Debug, Clone, Copy)]
enum Shows {
    Guests,
    Bots,
    External,
    Chargeable,
}

impl Frequency {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Monthly => "monthly",
        }
    }
}

/// The vendor takes bots off the guests (seed 2): so its guests have bots among them, which is our `guest_raw`.
pub(super) const METERS: [Meter; 4] = [
    Meter {
        id: "DEFN1003689",
        name: "guest_sessions_daily",
        description: "all guest portal sessions of yesterday",
        frequency: Frequency::Daily,
        formula: "guest_raw = guest + bot",
        note: "login pages are excluded; bots are still among the guests here, and are taken off in the chargeable sum",
        shows: Shows::Guests,
    },
    Meter {
        id: "DEFN1003690",
        name: "bot_sessions_daily",
        description: "all bot portal sessions of yesterday",
        frequency: Frequency::Daily,
        formula: "bot",
        note: "login pages are excluded; bots are shown and never billed",
        shows: Shows::Bots,
    },
    Meter {
        id: "DEFN1003691",
        name: "external_sessions_daily",
        description: "all external user portal sessions of yesterday",
        frequency: Frequency::Daily,
        formula: "external",
        note: "login pages are excluded; employees are not external users",
        shows: Shows::External,
    },
    Meter {
        id: "DEFN1003724",
        name: "chargeable_sessions_monthly",
        description: "aggregated chargeable portal sessions of last month",
        frequency: Frequency::Monthly,
        formula: "billable = guest_raw − bot + external",
        note: "login pages are excluded; sessions of employees and bots are counted, shown and never billed",
        shows: Shows::Chargeable,
    },
];

impl Meter {
    /// The days that it shows where it is `today`, and what they are called.
    pub(super) fn last(&self, today: Day) -> (Days, String) {
        match self.frequency {
            Frequency::Daily => yesterday(today),
            Frequency::Monthly => last_month(today),
        }
    }

    /// What it shows, and how that comes about.
    pub(super) fn value(&self, of: &Counters) -> (i64, String) {
        let Counters { guest, bot, external, guest_raw, billable, .. } = *of;
        match self.shows {
            Shows::Guests => (guest_raw, format!("guest_raw = guest + bot = {guest} + {bot} = {guest_raw}")),
            Shows::Bots => (bot, format!("bot = {bot}")),
            Shows::External => (external, format!("external = {external}")),
            Shows::Chargeable => {
                let told =
                    format!("billable = guest_raw − bot + external = {guest_raw} − {bot} + {external} = {billable}");
                (billable, told)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chargeable_follows_from_the_three_others() {
        let of = Counters { guest: 41, bot: 9, external: 17, guest_raw: 50, billable: 58, ..Counters::default() };
        let told = METERS.map(|meter| meter.value(&of));
        assert_eq!(told[0].0 - told[1].0 + told[2].0, told[3].0);
        assert_eq!(told[3].1, "billable = guest_raw − bot + external = 50 − 9 + 17 = 58");
    }

    #[test]
    fn yesterday_and_last_month_may_be_of_last_year() {
        let told = METERS.map(|meter| meter.last("2024-01-01".parse().unwrap()).1);
        assert_eq!(told, ["2023-12-31", "2023-12-31", "2023-12-31", "2023-12"]);
        assert_eq!(METERS[3].last("2024-03-31".parse().unwrap()).0.len(), 29);
    }
}

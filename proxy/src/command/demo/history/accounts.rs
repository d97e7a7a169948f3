//! The partner companies, what each is like, and the file that tells their names.

use std::io;

use portalmeter_meter::accounts::AccountType;
use portalmeter_meter::day::Day;

/// How a partner's interest goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temper {
    /// As it was.
    Steady,
    /// More from month to month.
    Growing,
    /// Visits become fewer, and much shorter.
    Fading,
    /// Nobody came for more than thirty days.
    Gone,
    /// They look and do nothing.
    Idle,
    /// Nobody ever came.
    Absent,
}

/// A partner company.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: AccountType,
    pub(super) temper: Temper,
    /// So many days ago it became one.
    pub(super) joined: i32,
}

/// Those of partners that are gone stayed away for this long.
const AWAY: i32 = 38;
/// Interest fades within so many days.
const FADES: f64 = 100.0;

impl Account {
    /// How often its people come, beside others of its size, so many days ago.
    pub(super) fn weight(&self, ago: i32) -> f64 {
        if ago > self.joined {
            return 0.0;
        }
        match self.temper {
            Temper::Steady | Temper::Idle => 1.0,
            Temper::Growing => (1.6 - f64::from(ago) / 300.0).max(0.3),
            Temper::Fading => 0.5 + 0.5 * self.vigour(ago),
            Temper::Gone => f64::from(u8::from(ago > AWAY)),
            Temper::Absent => 0.0,
        }
    }

    /// How long its people stay, beside others, so many days ago.
    pub(super) fn vigour(&self, ago: i32) -> f64 {
        if self.temper == Temper::Fading { (f64::from(ago) / FADES).clamp(0.2, 1.0) } else { 1.0 }
    }

    /// Whether its people do anything but look.
    pub(super) fn acts(&self) -> bool {
        self.temper != Temper::Idle
    }
}

/// `accounts.csv`, as `[accounts]` reads it.
pub(super) fn csv(today: Day) -> io::Result<Vec<u8>> {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["id", "name", "type", "logo", "since"])?;
    for Account { id, name, kind, joined, .. } in ACCOUNTS {
        // Some have sent us their logo.
        let logo =
            if joined % 3 == 0 { format!("https://partners.acme.example/logos/{id}.svg") } else { String::new() };
        file.write_record([id, name, kind.name(), &logo, &today.plus(-joined).to_string()])?;
    }
    file.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

const fn account(id: &'static str, name: &'static str, kind: AccountType, temper: Temper, joined: i32) -> Account {
    Account { id, name, kind, temper, joined }
}

/// Every partner, the larger first. The first four are those whose people may sign in at the demo's portal.
pub(super) const ACCOUNTS: &[Account] = &[
    account("harbour-foods", "Harbour Foods", AccountType::Reseller, Temper::Steady, 1830),
    account("birch-and-sons", "Birch & Sons", AccountType::Reseller, Temper::Growing, 1461),
    account("lumen-optics", "Lumen Optics", AccountType::Referral, Temper::Steady, 912),
    account("tidewater-clinic", "Tidewater Clinic", AccountType::Referral, Temper::Fading, 1204),
    account("north-quay", "North Quay Networks", AccountType::Reseller, Temper::Steady, 2400),
    account("castellan", "Castellan IT", AccountType::Reseller, Temper::Steady, 1777),
    account("brightline", "Brightline Systems", AccountType::Reseller, Temper::Growing, 633),
    account("ostwind", "Ostwind Telekom GmbH", AccountType::Reseller, Temper::Steady, 3003),
    account("bold-partners", "<b>Bold</b> & Partners", AccountType::Referral, Temper::Steady, 499),
    account("kestrel", "Kestrel Integration", AccountType::Reseller, Temper::Fading, 1325),
    account("sum", "=SUM(A1)", AccountType::Reseller, Temper::Steady, 720),
    account("alnoor", "شركة النور للتقنية", AccountType::Reseller, Temper::Growing, 845),
    account("maison-verte", "Maison Verte Réseaux", AccountType::Referral, Temper::Steady, 1110),
    account("paper-moon", "Paper Moon Studios", AccountType::Referral, Temper::Idle, 388),
    account("silverbirch", "Silverbirch Consulting", AccountType::Referral, Temper::Steady, 951),
    account("deepwater", "Deepwater Logistics", AccountType::Reseller, Temper::Gone, 1502),
    account("long-name", LONG, AccountType::Reseller, Temper::Steady, 666),
    account("quayside", "Quayside Communications", AccountType::Reseller, Temper::Steady, 1290),
    account("hanami", "花見ネットワーク", AccountType::Reseller, Temper::Steady, 540),
    account("atlas-crown", "Atlas Crown", AccountType::Referral, Temper::Fading, 801),
    account("fjordline", "Fjordlinje Nett AS", AccountType::Reseller, Temper::Steady, 2010),
    account("redwood", "Redwood Managed Services", AccountType::Reseller, Temper::Growing, 210),
    account("mill-lane", "Mill Lane Schools", AccountType::Referral, Temper::Idle, 1010),
    account("copperfield", "Copperfield & Daughters", AccountType::Referral, Temper::Steady, 1644),
    account("vega", "Vega Broadband", AccountType::Reseller, Temper::Steady, 775),
    account("lighthouse", "Lighthouse Care", AccountType::Referral, Temper::Gone, 930),
    account("zephyr", "Zephyr Cloud", AccountType::Reseller, Temper::Growing, 150),
    account("granite", "Granite State Wireless", AccountType::Reseller, Temper::Steady, 1408),
    account("o-neill", "O’Neill \"Fast\" Fibre, Ltd.", AccountType::Reseller, Temper::Steady, 583),
    account("sonnblick", "Sonnblick Hotels", AccountType::Referral, Temper::Fading, 697),
    account("meridian", "Meridian Broker Group", AccountType::Referral, Temper::Steady, 1155),
    account("puente", "Puente Digital S. L.", AccountType::Reseller, Temper::Steady, 861),
    account("tern", "Tern", AccountType::Referral, Temper::Idle, 305),
    account("highland", "Highland Rural Access", AccountType::Reseller, Temper::Steady, 1926),
    account("cobalt", "Cobalt Yard", AccountType::Referral, Temper::Gone, 444),
    account("first-light", "First Light Media", AccountType::Referral, Temper::Growing, 75),
    account("amber-road", "Amber Road Trading", AccountType::Reseller, Temper::Steady, 1033),
    account("evergreen", "Evergreen Estates", AccountType::Referral, Temper::Absent, 622),
    account("stonegate", "Stonegate Security", AccountType::Reseller, Temper::Absent, 1199),
    account("new-dawn", "New Dawn Telecom", AccountType::Reseller, Temper::Absent, 12),
];

const LONG: &str = "The Amalgamated Society of Independent Installers, Integrators, Consultants, Resellers and Friends \
    of Wireless Networking in the Northern and Western Counties, Islands and Adjacent Waters, Incorporated 1987 \
    (formerly Smith)";

#[cfg(test)]
mod tests {
    use portalmeter_meter::accounts::Directory;

    use super::*;

    #[test]
    fn the_file_has_what_names_can_be_and_comes_back_as_it_was() {
        let file = csv("2026-03-12".parse().unwrap()).unwrap();
        let directory = Directory::read(&file).unwrap();
        for account in ACCOUNTS {
            let listed = directory.get(account.id).unwrap();
            assert_eq!((listed.name.as_str(), listed.kind), (account.name, Some(account.kind)));
            assert_eq!(listed.since.unwrap().to_string().len(), "2026-03-12".len());
        }
    }

    #[test]
    fn partners_are_of_every_temper() {
        for temper in [Temper::Steady, Temper::Growing, Temper::Fading, Temper::Gone, Temper::Idle, Temper::Absent] {
            assert!(ACCOUNTS.iter().filter(|account| account.temper == temper).count() >= 3, "{temper:?}");
        }
        let gone = ACCOUNTS.iter().find(|account| account.temper == Temper::Gone).unwrap();
        assert_eq!([30, 60].map(|ago| gone.weight(ago) > 0.0), [false, true]);
        let fading = ACCOUNTS.iter().find(|account| account.temper == Temper::Fading).unwrap();
        assert!(fading.vigour(5) < fading.vigour(60) && fading.vigour(60) < fading.vigour(200));
    }
}

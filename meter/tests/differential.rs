//! The differential test: the same hours of traffic through every store end in the same books, whoever commits what,
//! in which order, and how often.
//!
//! What is right is told by the one store that hears everything once and in order of time, and by metering in memory,
//! which has no store. `PM_SEED` replays a run.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says by which seed, and takes it from the environment"
)]

#[path = "support"]
mod support {
    pub(crate) mod generate;
    pub(crate) mod model;
    pub(crate) mod postgres;
    pub(crate) mod redis;
}
#[path = "differential"]
mod differential {
    pub(crate) mod books;
    pub(crate) mod browser;
    pub(crate) mod delivery;
    pub(crate) mod places;
    pub(crate) mod portals;
    pub(crate) mod traffic;

    pub(crate) const SECOND: i64 = 1_000;
    pub(crate) const MINUTE: i64 = 60 * SECOND;
    pub(crate) const HOUR: i64 = 60 * MINUTE;
    /// 2026-03-12, 21:00 UTC: midnight is to come in each portal's zone.
    pub(crate) const BEGIN: i64 = 1_773_349_200_000;
    /// The traffic lasts so long.
    pub(crate) const HOURS: i64 = 7 * HOUR;
}

use std::time::SystemTime;

use differential::books::{Books, compare};
use differential::delivery::{Weather, deliveries};
use differential::places::{MEMORY, Place, postgres, sqlite};
use differential::portals::{self, Portal};
use differential::traffic::traffic;
use portalmeter_meter::intake::{Sighted, Sink};
use portalmeter_meter::offline::Offline;
use support::generate::Random;
use support::redis::{Cluster, Server, flavours};

#[test]
fn every_store_ends_with_the_same_books() {
    let servers = Servers::start();
    for seed in given().map_or(vec![1, 2], |seed| vec![seed]) {
        servers.agree_on(seed, 10);
    }
}

#[test]
#[ignore = "takes a quarter of an hour: tens of thousands of sessions, another seed each time"]
fn every_store_ends_with_the_same_books_after_a_long_time() {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    Servers::start().agree_on(given().unwrap_or_else(now), 1_200);
}

/// `PM_SEED`.
fn given() -> Option<u64> {
    std::env::var("PM_SEED").ok().and_then(|seed| seed.parse().ok())
}

/// A Redis and a cluster of three primaries, of each kind that is installed.
struct Servers(Vec<(&'static str, Server, Cluster)>);

impl Servers {
    fn start() -> Self {
        Self(flavours().iter().map(|kind| (*kind, Server::start_as(kind, &[]), Cluster::start_as(kind))).collect())
    }

    fn agree_on(&self, seed: u64, households: usize) {
        println!("PM_SEED={seed}");
        let portals = portals::all();
        let random = &mut Random::from_seed(seed);
        let story = traffic(random, &portals, households);
        let expected = expected(&story, &portals);
        println!("{} exchanges, {} records, {} sessions", story.len(), expected.records.len(), expected.sessions.len());
        for weather in [Weather::WINDY, Weather::ROUGH] {
            for mut place in self.places(&portals) {
                place.take(&deliveries(random, &story, weather));
                agrees(&place, &portals, &expected, weather, seed);
            }
        }
    }

    fn places(&self, portals: &[Portal]) -> Vec<Place> {
        let mut places = vec![Place::embedded(portals), Place::embedded_with_postgres(portals)];
        for (kind, server, cluster) in &self.0 {
            places.push(Place::redis(kind, &server.url(), sqlite(), portals));
            places.push(Place::redis(&format!("{kind}, cluster"), &cluster.url(), postgres(), portals));
        }
        places
    }
}

/// The books of who hears everything once and in order; metering in memory confirms its totals.
fn expected(story: &[Sighted], portals: &[Portal]) -> Books {
    let mut place = Place::embedded(portals);
    place.take(&deliveries(&mut Random::from_seed(0), story, Weather::FINE));
    let books = place.books(portals);
    let mut offline = Offline::new(MEMORY);
    story.iter().cloned().for_each(|one| offline.see(one));
    let mut totals = books.clone();
    totals.totals.clear();
    for row in offline.usage() {
        let (day, counters) = (row.day.unwrap(), row.counters);
        let records = [counters.guest, counters.external, counters.internal, counters.bot];
        if (records, counters.converted) != ([0; 4], 0) {
            let day = format!("{} {:?} {day}", row.portal, row.module);
            totals.totals.insert(day, format!("{records:?} converted {}", counters.converted));
        }
    }
    let differ = books.differ(&totals);
    assert!(differ.is_empty(), "in memory it is counted otherwise:\n{}", differ.join("\n"));
    books
}

fn agrees(place: &Place, portals: &[Portal], expected: &Books, weather: Weather, seed: u64) {
    let mut books = place.books(portals);
    if weather.again > 0 {
        // What is committed again may be a view again.
        books.statistics.clone_from(&expected.statistics);
    }
    let mut differ = expected.differ(&books);
    if let Some((counted, booked)) = place.counters(portals) {
        compare("counters", &booked, &counted, &mut differ);
    }
    assert!(differ.is_empty(), "{}, PM_SEED={seed}, {weather:?}:\n{}", place.name, differ.join("\n"));
}

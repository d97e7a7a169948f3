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
    pub(crate) mod smallest;
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

use differential::books::{Books, Facts, compare};
use differential::delivery::{Delivery, Weather, deliveries, mingled};
use differential::places::{MEMORY, Place, postgres, sqlite};
use differential::portals::{self, Portal};
use differential::smallest::Told;
use differential::traffic::traffic;
use portalmeter_meter::intake::{Sighted, Sink};
use portalmeter_meter::offline::Offline;
use support::generate::Random;
use support::redis::{Cluster, Server, flavours};

#[test]
fn every_store_ends_with_the_same_books() {
    let servers = Servers::start();
    for seed in given().map_or(vec![1, 2], |seed| vec![seed]) {
        let hours = Hours::of(seed, 10);
        hours.are_counted_alike_in_memory();
        servers.agree_on(&hours);
    }
}

#[test]
fn the_order_in_which_nodes_tell_changes_nothing() {
    let hours = Hours::of(given().unwrap_or(3), 60);
    (0..4).for_each(|order| hours.are_the_same_in_any_order(order));
}

#[test]
#[ignore = "takes minutes: tens of thousands of sessions, another seed each time"]
fn the_order_in_which_nodes_tell_changes_nothing_after_a_long_time() {
    let hours = Hours::of(given().unwrap_or_else(now), 1_200);
    (0..8).for_each(|order| hours.are_the_same_in_any_order(order));
}

#[test]
#[ignore = "takes a quarter of an hour: tens of thousands of sessions, another seed each time"]
fn every_store_ends_with_the_same_books_after_a_long_time() {
    // Memory forgets visitors as soon as their sessions end: of some thousands it knows one by another name.
    Servers::start().agree_on(&Hours::of(given().unwrap_or_else(now), 1_200));
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64
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

    fn agree_on(&self, hours: &Hours) {
        let random = &mut Random::from_seed(hours.seed);
        for weather in [Weather::WINDY, Weather::ROUGH, Weather::AWAY] {
            for mut place in self.places(&hours.portals) {
                let deliveries = deliveries(random, &hours.story, weather);
                place.take(&deliveries);
                hours.agree_with(&place, deliveries, weather);
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

/// Hours of traffic, and the books of the one store that hears everything once and in order.
struct Hours {
    seed: u64,
    portals: Vec<Portal>,
    story: Vec<Sighted>,
    books: Books,
}

impl Hours {
    fn of(seed: u64, households: usize) -> Self {
        let portals = portals::all();
        let story = traffic(&mut Random::from_seed(seed), &portals, households);
        let mut place = Place::embedded(&portals);
        place.take(&deliveries(&mut Random::from_seed(seed), &story, Weather::FINE));
        let books = place.books(&portals);
        println!("PM_SEED={seed}: {} exchanges, {} sessions", story.len(), books.sessions.len());
        Self { seed, portals, story, books }
    }

    fn are_counted_alike_in_memory(&self) {
        let mut offline = Offline::new(MEMORY);
        self.story.iter().cloned().for_each(|one| offline.see(one));
        let mut counted = Facts::new();
        for row in offline.usage() {
            let (day, counters) = (row.day.unwrap(), row.counters);
            let records = [counters.guest, counters.external, counters.internal, counters.bot];
            if (records, counters.converted) != ([0; 4], 0) {
                let day = format!("{} {:?} {day}", row.portal, row.module);
                counted.insert(day, format!("{records:?} converted {}", counters.converted));
            }
        }
        let mut differ = Vec::new();
        compare("total", &self.books.totals, &counted, &mut differ);
        assert!(differ.is_empty(), "in memory, PM_SEED={}:\n{}", self.seed, differ.join("\n"));
    }

    /// One store is told what three nodes tell, in some order that they may tell it in.
    fn are_the_same_in_any_order(&self, order: u64) {
        for weather in [Weather::WINDY, Weather::ROUGH, Weather::AWAY] {
            let random = &mut Random::from_seed(self.seed ^ order);
            let deliveries = deliveries(random, &self.story, weather);
            let deliveries = mingled(random, &deliveries);
            let mut place = Place::embedded(&self.portals);
            place.name = format!("order {order}");
            place.take(&deliveries);
            self.agree_with(&place, deliveries, weather);
        }
    }

    fn agree_with(&self, place: &Place, deliveries: Vec<Delivery>, weather: Weather) {
        let (right, books) = (self.books.clone().told_in(weather), place.books(&self.portals).told_in(weather));
        let mut differ = right.differ(&books);
        if let Some((counted, booked)) = place.counters(&self.portals) {
            compare("counters", &booked, &counted, &mut differ);
        }
        if !differ.is_empty() {
            let told = Told { portals: &self.portals, story: self.story.clone(), deliveries, weather };
            let smallest = told.smallest(right.first_difference(&books));
            panic!("{}, PM_SEED={}, {weather:?}:\n{}\n\n{smallest}", place.name, self.seed, differ.join("\n"));
        }
    }
}

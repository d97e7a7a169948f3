//! What is left of a story that one store counts otherwise than another, once everything is left out that does not
//! matter: a finding to be read.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use portalmeter_meter::intake::Sighted;
use portalmeter_meter::names::{Handed, Trace, Who};
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::BEGIN;
use super::books::Books;
use super::delivery::{Delivery, Weather, deliveries};
use super::places::Place;
use super::portals::Portal;
use crate::support::generate::Random;

/// A story, and how it reaches a store.
pub(crate) struct Told<'a> {
    pub(crate) portals: &'a [Portal],
    pub(crate) story: Vec<Sighted>,
    pub(crate) deliveries: Vec<Delivery>,
}

impl Told<'_> {
    /// How the books differ from those of a store that is told everything once and in order.
    fn differs(&self) -> Vec<String> {
        let fine = deliveries(&mut Random::from_seed(1), &self.story, Weather::FINE);
        let (right, mut books) = (self.books(&fine), self.books(&self.deliveries));
        // What is committed again may be a view again.
        books.statistics.clone_from(&right.statistics);
        right.differ(&books)
    }

    fn books(&self, deliveries: &[Delivery]) -> Books {
        let mut place = Place::embedded(self.portals);
        place.take(deliveries);
        place.books(self.portals)
    }

    fn only(&self, is_it: impl Fn(&Sighted) -> bool) -> Self {
        let these = |seen: &[Sighted]| seen.iter().filter(|one| is_it(one)).cloned().collect();
        // What is left out takes its time all the same: others are forgotten meanwhile.
        let left = |one: &Delivery| Delivery { sighted: these(&one.sighted), ..one.clone() };
        Self {
            portals: self.portals,
            story: these(&self.story),
            deliveries: self.deliveries.iter().map(left).collect(),
        }
    }

    /// Of those who may have to do with whom something was seen at that instant, as little as differs still.
    pub(crate) fn smallest(&self, portal: &str, at: Millis) -> String {
        let there = |one: &Sighted| &*one.scope.portal == portal;
        let seen = self.story.iter().filter(|one| there(one) && one.observation.at == at);
        let mut known: BTreeSet<Name> = seen.flat_map(names).collect();
        // Whoever shares a name with these, and with those in turn.
        for one in self.story.iter().chain(self.story.iter().rev()).filter(|one| there(one)) {
            let these = names(one);
            if these.iter().any(|name| known.contains(name)) {
                known.extend(these);
            }
        }
        let mut told = self.only(|one| there(one) && names(one).iter().any(|name| known.contains(name)));
        let mut place = told.story.len();
        while place > 0 {
            place -= 1;
            let but = told.story[place].observation.tie;
            let less = told.only(|one| one.observation.tie != but);
            if !less.differs().is_empty() {
                told = less;
                place = place.min(told.story.len());
            }
        }
        told.to_string_from(at)
    }

    fn to_string_from(&self, at: Millis) -> String {
        let mut text = format!("{} ms after the begin, in milliseconds from then\n", at - BEGIN);
        for one in &self.story {
            let seen = &one.observation;
            let (what, who) = ((seen.kind, seen.evidence, seen.user.map(short)), who(&one.who, at));
            let _ = writeln!(
                text,
                "{:>10} {what:?} {} {who}",
                seen.at - at,
                one.scope.module.as_ref().map_or("", Arc::as_ref)
            );
        }
        for delivery in self.deliveries.iter().filter(|delivery| !delivery.sighted.is_empty()) {
            let seen: Vec<Millis> = delivery.sighted.iter().map(|one| one.observation.at - at).collect();
            let _ = writeln!(text, "{:>10} node {} tells {seen:?}", delivery.now - at, delivery.node);
        }
        text + &self.differs().join("\n")
    }
}

/// By which names it may be told whose it is.
fn names(one: &Sighted) -> Vec<Name> {
    let Who::Browser(Trace { cookie, fingerprint, handed, .. }) = one.who else { return Vec::new() };
    let handed = match handed {
        Some(Handed::Ours(name) | Handed::Out(name)) => Some(name),
        Some(Handed::Deleted) | None => None,
    };
    let cookie = cookie.map(|cookie| [Some(cookie.name), cookie.origin]).into_iter().flatten();
    cookie.chain([fingerprint, handed]).flatten().collect()
}

fn who(who: &Who, at: Millis) -> String {
    let Who::Browser(Trace { cookie, fingerprint, handed, answered, .. }) = who else { return format!("{who:?}") };
    let cookie = cookie.map(|cookie| (short(cookie.name), cookie.issued.map(|issued| issued - at)));
    let handed = match handed {
        Some(Handed::Ours(name) | Handed::Out(name)) => format!("is handed {}", short(*name)),
        Some(Handed::Deleted) => "loses it".to_owned(),
        None => String::new(),
    };
    format!("with {cookie:?} behind {:?} {handed} answered {}", fingerprint.map(short), answered - at)
}

fn short(name: Name) -> String {
    name.to_string().chars().take(4).collect()
}

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
    pub(crate) weather: Weather,
}

impl Told<'_> {
    /// How the books differ from those of a store that is told everything once and in order.
    fn differs(&self) -> Vec<String> {
        let fine = deliveries(&mut Random::from_seed(1), &self.story, Weather::FINE);
        self.books(&fine).differ(&self.books(&self.deliveries))
    }

    fn books(&self, deliveries: &[Delivery]) -> Books {
        let mut place = Place::embedded(self.portals);
        place.take(deliveries);
        place.books(self.portals).told_in(self.weather)
    }

    fn only(&self, is_it: impl Fn(&Sighted) -> bool) -> Self {
        let these = |seen: &[Sighted]| seen.iter().filter(|one| is_it(one)).cloned().collect();
        // What is left out takes its time all the same: others are forgotten meanwhile.
        let left = |one: &Delivery| Delivery { sighted: these(&one.sighted), ..one.clone() };
        Self {
            portals: self.portals,
            story: these(&self.story),
            deliveries: self.deliveries.iter().map(left).collect(),
            weather: self.weather,
        }
    }

    /// Where the books differ, as little as differs still; nothing if they do not.
    pub(crate) fn smallest(&self, first: Option<(&str, Option<Millis>)>) -> String {
        let Some((portal, at)) = first else { return String::new() };
        let there = |one: &Sighted| &*one.scope.portal == portal;
        let seen = self.story.iter().filter(|one| there(one) && at.is_none_or(|at| one.observation.at == at));
        let mut known: BTreeSet<Name> = seen.flat_map(names).collect();
        // Whoever shares a name with these, and with those in turn.
        for one in self.story.iter().chain(self.story.iter().rev()).filter(|one| there(one)) {
            let these = names(one);
            if these.iter().any(|name| known.contains(name)) {
                known.extend(these);
            }
        }
        let mut told = self.only(|one| there(one) && names(one).iter().any(|name| known.contains(name)));
        let mut parts = told.story.len() / 2;
        while parts > 0 {
            let mut place = 0;
            while place < told.story.len() {
                let end = told.story.len().min(place + parts);
                let but: BTreeSet<u16> = told.story[place..end].iter().map(|one| one.observation.tie).collect();
                let less = told.only(|one| !but.contains(&one.observation.tie));
                if less.differs().is_empty() {
                    place = end;
                } else {
                    told = less;
                }
            }
            parts /= 2;
        }
        told.to_string_from(at.or(told.story.first().map(|one| one.observation.at)).unwrap_or(BEGIN))
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

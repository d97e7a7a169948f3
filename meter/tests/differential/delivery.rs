//! How a story reaches a store: in shares over three nodes, in batches, not in order, some of it again.

use portalmeter_meter::intake::Sighted;
use portalmeter_rules::time::Millis;

use super::places::AT_ONCE;
use super::{BEGIN, MINUTE, SECOND};
use crate::support::generate::Random;

/// How many nodes there are.
pub(crate) const NODES: usize = 3;

/// What a node commits at once, and when.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) node: usize,
    pub(crate) now: Millis,
    pub(crate) sighted: Vec<Sighted>,
}

/// How far what is told strays from what happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// Nearly everything is committed within this time.
    pub(crate) delay: Millis,
    /// One of a hundred exchanges takes up to this long.
    pub(crate) straggles: Millis,
    /// So many of a hundred batches come again, by the same node or another.
    pub(crate) again: u64,
    /// The store is away, and back for a moment after so long.
    pub(crate) away: Millis,
}

impl Weather {
    /// Everything once, in order of time.
    pub(crate) const FINE: Self = Self { delay: 0, straggles: 0, again: 0, away: 0 };
    /// Everything once, some of it late.
    pub(crate) const WINDY: Self = Self { delay: 10 * SECOND, straggles: 2 * MINUTE, ..Self::FINE };
    /// Late, and again, but never more than three minutes behind what others told: it is forgotten with whom a cookie
    /// was handed out three minutes after it came back.
    pub(crate) const ROUGH: Self = Self { delay: 45 * SECOND, straggles: MINUTE, again: 20, away: 0 };
    /// All of it late, as long at a time as histories remember: `docs/billing.md` tells what that may cost.
    pub(crate) const AWAY: Self = Self { delay: SECOND, straggles: SECOND, again: 0, away: 40 * MINUTE };
}

/// What each node commits, in order of time.
pub(crate) fn deliveries(random: &mut Random, story: &[Sighted], weather: Weather) -> Vec<Delivery> {
    let mut shares: Vec<Vec<(Millis, Sighted)>> = vec![Vec::new(); NODES];
    for one in story {
        let most = if random.chance(1, 100) { weather.straggles } else { random.one_of(&[0, weather.delay]) };
        let arrives = one.observation.at + random.below(most as u64 + 1) as Millis;
        shares[random.below(NODES as u64) as usize].push((arrives, one.clone()));
    }
    let mut all: Vec<Delivery> = Vec::new();
    for (node, mut share) in shares.into_iter().enumerate() {
        share.sort_by_key(|(arrives, _)| *arrives);
        while !share.is_empty() {
            let most = random.one_of(&[1, 3, 20, 80]);
            let begun = share[0].0;
            // What waits longer than it may is no batch any more.
            let within = share.iter().take_while(|(arrives, _)| *arrives <= begun + weather.delay).count();
            let count = within.min(1 + random.below(most) as usize);
            let mut batch: Vec<(Millis, Sighted)> = share.drain(..count).collect();
            let now = batch[count - 1].0;
            random.shuffle(&mut batch);
            let delivery = Delivery { node, now, sighted: batch.into_iter().map(|(_, one)| one).collect() };
            if random.chance(weather.again, 100) {
                let node = random.below(NODES as u64) as usize;
                let now = now + random.below(weather.delay as u64 + 1) as Millis;
                all.push(Delivery { node, now, ..delivery.clone() });
            }
            all.push(delivery);
        }
    }
    for delivery in all.iter_mut().filter(|_| weather.away > 0) {
        delivery.now = BEGIN + (delivery.now - BEGIN).div_euclid(weather.away) * weather.away + weather.away;
    }
    all.sort_by_key(|delivery| delivery.now);
    all
}

/// The same as it reaches one store, where what the nodes commit at once mingles in some order.
pub(crate) fn mingled(random: &mut Random, deliveries: &[Delivery]) -> Vec<Delivery> {
    let (mut left, mut all) = (deliveries, Vec::new());
    while let Some(first) = left.first() {
        let (together, later) = left.split_at(left.partition_point(|one| one.now <= first.now + AT_ONCE));
        left = later;
        let now = together.last().map_or(first.now, |last| last.now);
        let of = |node| together.iter().filter(move |one| one.node == node);
        let mut shares: Vec<_> = (0..NODES).map(of).collect();
        let mut count = together.len();
        while count > 0 {
            if let Some(next) = shares[random.below(NODES as u64) as usize].next() {
                all.push(Delivery { now, ..next.clone() });
                count -= 1;
            }
        }
    }
    all
}

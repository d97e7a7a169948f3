//! Some hours of traffic, the same for the same seed: what the journals of all nodes together hold, in order of time.

use std::sync::Arc;

use portalmeter_meter::intake::Sighted;
use portalmeter_meter::names::Who;
use portalmeter_meter::observation::{Evidence, Key, Kind, Note, Observation, Scope};
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::browser::Browser;
use super::portals::{Mode, Portal};
use super::{BEGIN, HOURS, MINUTE, SECOND};
use crate::support::generate::Random;

/// What so many households and bots do in each portal.
pub(crate) fn traffic(random: &mut Random, portals: &[Portal], households: usize) -> Vec<Sighted> {
    let mut story = Vec::new();
    for portal in portals {
        for _ in 0..households {
            household(random, portal, &mut story);
        }
        for _ in 0..households.div_ceil(20) {
            bot(random, portal, &mut story);
        }
    }
    story.sort_by_key(|one| one.observation.at);
    // Exchanges of one instant are told apart, as by their numbers in the journals.
    for (tie, one) in story.iter_mut().enumerate() {
        one.observation.tie = tie as u16;
    }
    story
}

/// Browsers behind one fingerprint.
fn household(random: &mut Random, portal: &Portal, story: &mut Vec<Sighted>) {
    let fingerprint = name(random);
    let users: Vec<(Evidence, Option<Name>)> = (0..3).map(|_| user(random)).collect();
    let begins = BEGIN + random.below(HOURS as u64) as Millis;
    let mut taken = Vec::new();
    // A portal's cookie that is settled in one module is not in another: there it may still be taken for that of
    // whoever shares the fingerprint, or not, depending on what is known first.
    let alone = portal.mode == Mode::Theirs && portal.scopes.len() > 1;
    let browsers = if alone { 1 } else { random.one_of(&[1, 1, 1, 1, 2, 2, 3, 4]) };
    for _ in 0..browsers {
        // Mostly at about the same time.
        let later = random.one_of(&[0, SECOND, MINUTE, 20 * MINUTE, 90 * MINUTE]);
        let at = begins + random.below(later as u64 + 1) as Millis;
        let deeds = random.one_of(&[2, 5, 9, 14, 30]);
        let mut browser = Browser::new(random, portal, fingerprint, &users, at);
        browser.lives(deeds, &mut taken, story);
    }
}

/// Who may sign in: mostly somebody of whom it is known who it is.
fn user(random: &mut Random) -> (Evidence, Option<Name>) {
    let evidence = random.one_of(&[Evidence::External, Evidence::External, Evidence::Internal]);
    let user = random.chance(4, 5).then(|| name(random));
    (evidence, user)
}

fn bot(random: &mut Random, portal: &Portal, story: &mut Vec<Sighted>) {
    let who = Who::Known(name(random));
    let mut at = BEGIN + random.below(HOURS as u64) as Millis;
    for _ in 0..random.below(30) {
        at += random.one_of(&[0, SECOND, MINUTE, portal.idle() - 1, portal.idle()]);
        let kind = random.one_of(&[Kind::Page, Kind::Page, Kind::Activity]);
        let scope = &portal.scopes[random.below(portal.scopes.len() as u64) as usize];
        story.push(sighted(portal, scope, who, (at, kind, Evidence::Bot, None)));
    }
}

/// An exchange as intake makes it.
pub(crate) fn sighted(
    portal: &Portal,
    scope: &Arc<Scope>,
    who: Who,
    (at, kind, evidence, user): (Millis, Kind, Evidence, Option<Name>),
) -> Sighted {
    let stamp = portal.stamp.clone();
    let note = Note { rule: "test".into(), agent: None, account: None };
    Sighted {
        scope: Arc::clone(scope),
        key: Key { scope: scope.id(), visitor: who.at_hand() },
        who,
        observation: Observation {
            at,
            kind,
            evidence,
            user,
            day: stamp.policy.zone.day(at),
            stamp,
            note: Arc::new(note),
            by: None,
            tie: 0,
        },
        overheard: false,
    }
}

/// A name that nobody else has.
pub(crate) fn name(random: &mut Random) -> Name {
    Name((u128::from(random.next()) << 64 | u128::from(random.next())).to_le_bytes())
}

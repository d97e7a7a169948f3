//! Short stories of visitors of a portal in cookie mode, as they come out of the intake.

use std::sync::Arc;

use portalmeter_meter::intake::Sighted;
use portalmeter_meter::names::{Handed, Shown, Trace, Who};
use portalmeter_meter::observation::{Evidence, Key, Kind, Note, Observation, Scope, Stamp};
use portalmeter_meter::policy::{Experience, Policy};
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

/// Who comes to the portal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crowd {
    /// Everybody opens further pages over some minutes; one in four signs in meanwhile.
    Usual,
    /// Nobody opens more than one page.
    OnePage,
}

/// A portal, and what its visitors do there.
pub(crate) struct Portal {
    pub(crate) stamp: Stamp,
    scope: Arc<Scope>,
    guest: Arc<Note>,
    signed_in: Vec<Arc<Note>>,
}

/// One visitor.
struct Browser<'p> {
    portal: &'p Portal,
    number: u64,
    begins: Millis,
}

impl Portal {
    pub(crate) fn new() -> Self {
        let rule: Arc<str> = "identity 1: response_header".into();
        let account = |number: usize| Some(format!("Customer {number:04}").into());
        let note = |account| Arc::new(Note { rule: Arc::clone(&rule), agent: None, account });
        Self {
            stamp: Stamp::new(Policy::preset(Experience::ServicePortal)),
            scope: Arc::new(Scope::portal("support")),
            guest: note(None),
            signed_in: (0..500).map(|number| note(account(number))).collect(),
        }
    }

    /// What a visitor who comes at an instant does, in parts that are committed one after the other.
    pub(crate) fn story(&self, number: u64, begins: Millis, crowd: Crowd) -> Vec<Vec<Sighted>> {
        let browser = Browser { portal: self, number, begins };
        let first = browser.first();
        let Crowd::Usual = crowd else { return vec![vec![first]] };
        // Each takes his own time.
        let pace = 1 + number % 7;
        let at = |second: u64| begins + (second * (1_000 + pace * 97) + number * 37 % 1_000) as Millis;
        let signs_in = number.is_multiple_of(4);
        let back = browser.later(at(2), Kind::Activity, false);
        let mut rest = vec![
            browser.later(at(31), Kind::Page, false),
            browser.later(at(33), Kind::Activity, false),
            browser.later(at(95), Kind::Page, signs_in),
        ];
        rest.extend((0..pace % 3).map(|more| browser.later(at(150 + 45 * more), Kind::Page, signs_in)));
        vec![vec![first], vec![back], rest]
    }
}

impl Browser<'_> {
    /// The first page, which hands out the cookie.
    fn first(&self) -> Sighted {
        let handed = Some(Handed::Ours(self.name(0)));
        let trace = Trace { cookie: None, fingerprint: Some(self.name(1)), handed, ..self.trace(self.begins) };
        self.sighted(self.begins, Kind::Page, false, trace)
    }

    /// With the cookie.
    fn later(&self, at: Millis, kind: Kind, signed_in: bool) -> Sighted {
        self.sighted(at, kind, signed_in, self.trace(at))
    }

    fn trace(&self, at: Millis) -> Trace {
        let cookie = Shown { name: self.name(0), issued: Some(self.answered(self.begins)), origin: Some(self.name(1)) };
        Trace {
            cookie: Some(cookie),
            fingerprint: None,
            handed: None,
            answered: self.answered(at),
            fingerprint_only: false,
        }
    }

    fn answered(&self, at: Millis) -> Millis {
        at + 40 + (self.number % 400) as Millis
    }

    fn sighted(&self, at: Millis, kind: Kind, signed_in: bool, trace: Trace) -> Sighted {
        let Portal { stamp, scope, guest, signed_in: accounts } = self.portal;
        let who = Who::Browser(trace);
        let note = if signed_in { &accounts[self.number as usize % accounts.len()] } else { guest };
        let observation = Observation {
            at,
            kind,
            evidence: if signed_in { Evidence::External } else { Evidence::Guest },
            user: signed_in.then(|| self.name(2)),
            day: stamp.policy.zone.day(at),
            stamp: stamp.clone(),
            note: Arc::clone(note),
            by: None,
            tie: (self.number ^ at as u64) as u16,
        };
        let key = Key { scope: scope.id(), visitor: who.at_hand() };
        Sighted { scope: Arc::clone(scope), key, who, observation, overheard: false }
    }

    /// One of the visitor's names, spread as hashes are.
    fn name(&self, which: u64) -> Name {
        let mix = |salt: u64| {
            let mixed = (self.number * 4 + which + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        let mut name = [0; 16];
        name[..8].copy_from_slice(&mix(0).to_be_bytes());
        name[8..].copy_from_slice(&mix(1 << 40).to_be_bytes());
        Name(name)
    }
}

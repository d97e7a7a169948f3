//! One browser, and what somebody does with it.

use std::sync::Arc;

use portalmeter_meter::intake::Sighted;
use portalmeter_meter::names::{Handed, Shown, Trace, Who};
use portalmeter_meter::observation::{Evidence, Kind, Scope};
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::portals::{Mode, Portal};
use super::traffic::{name, sighted};
use super::{BEGIN, HOURS, MINUTE, SECOND};
use crate::support::generate::Random;

/// A browser with its cookies, and who sits before it.
pub(crate) struct Browser<'a> {
    random: &'a mut Random,
    portal: &'a Portal,
    fingerprint: Name,
    users: &'a [(Evidence, Option<Name>)],
    /// Who is signed in.
    user: Option<(Evidence, Option<Name>)>,
    /// The cookies it had, and from when.
    jar: Vec<(Millis, Option<Shown>)>,
    refuses_cookies: bool,
    /// When it last asked, and before that.
    at: Millis,
    before: Millis,
    /// When it has all answers.
    answered: Millis,
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Page,
    Call,
    /// Pages asked for before any is answered.
    Tabs,
    Login,
    Logout,
    /// A page that shows nobody signed in any more.
    Expired,
    /// Another user, without a logout.
    Switch,
    /// The portal renews its cookie.
    Renewal,
    /// The portal renews its cookie with the answer to what is not observed.
    Overheard,
    /// The browser forgets its cookie.
    Lost,
    /// It comes from another address.
    Moves,
}

const DEEDS: &[Deed] = &[
    Deed::Page,
    Deed::Page,
    Deed::Page,
    Deed::Page,
    Deed::Page,
    Deed::Page,
    Deed::Call,
    Deed::Call,
    Deed::Call,
    Deed::Tabs,
    Deed::Login,
    Deed::Login,
    Deed::Logout,
    Deed::Expired,
    Deed::Switch,
    Deed::Renewal,
    Deed::Overheard,
    Deed::Lost,
    Deed::Moves,
];

impl<'a> Browser<'a> {
    pub(crate) fn new(
        random: &'a mut Random,
        portal: &'a Portal,
        fingerprint: Name,
        users: &'a [(Evidence, Option<Name>)],
        at: Millis,
    ) -> Self {
        let refuses_cookies = portal.mode == Mode::Fingerprint || random.chance(1, 6);
        let user = random.chance(1, 8).then(|| random.one_of(users));
        let (jar, before) = (vec![(Millis::MIN, None)], at - 1);
        Self { random, portal, fingerprint, users, user, jar, refuses_cookies, at, before, answered: at }
    }

    /// Does so many things. `taken` are instants at which somebody behind the same fingerprint did something.
    pub(crate) fn lives(&mut self, deeds: u64, taken: &mut Vec<Millis>, story: &mut Vec<Sighted>) {
        for _ in 0..=self.random.below(deeds) {
            let deed = self.random.one_of(DEEDS);
            self.wait(deed, taken);
            if self.at > BEGIN + HOURS {
                return;
            }
            taken.push(self.at);
            self.does(deed, story);
        }
    }

    /// An answer and what is asked for next may come within a millisecond, no more than that; nobody is that quick to
    /// sign out.
    fn wait(&mut self, deed: Deed, taken: &[Millis]) {
        let quick = self.at != self.before && !matches!(deed, Deed::Logout | Deed::Renewal | Deed::Overheard);
        let least = if quick { self.answered } else { self.answered.max(self.at + 1) };
        let idle = self.portal.idle();
        let after = self.random.one_of(&[0, 0, 0, SECOND, 3 * SECOND, MINUTE, MINUTE, 10 * MINUTE, idle, 2 * idle]);
        let mut at = least + self.random.below(after as u64 + 1) as Millis;
        match self.random.below(12) {
            // Exactly when the session ends, or just before.
            0 => at = self.at + idle,
            1 => at = self.at + idle - 1,
            // In the very instant of another browser.
            2..=3 => at = taken.iter().copied().filter(|at| *at >= least).min().unwrap_or(at),
            _ => {}
        }
        (self.before, self.at) = (self.at, at.max(least));
    }

    fn does(&mut self, deed: Deed, story: &mut Vec<Sighted>) {
        let theirs = self.portal.mode == Mode::Theirs;
        match deed {
            Deed::Page => self.asks(Kind::Page, story),
            Deed::Call => self.asks(Kind::Activity, story),
            Deed::Tabs => {
                for _ in 0..2 + self.random.below(2) {
                    self.asks(Kind::Page, story);
                    self.at += self.random.one_of(&[1, 1, 30, 300]);
                }
                self.answered = self.answered.max(self.at);
            }
            Deed::Login => {
                let user = self.random.one_of(self.users);
                let renews = theirs && self.random.chance(2, 3);
                self.calls(renews, story);
                self.user = Some(user);
            }
            Deed::Logout => self.logs_out(story),
            Deed::Expired => {
                self.user = None;
                self.asks(Kind::Page, story);
            }
            Deed::Switch => {
                self.user = Some(self.random.one_of(self.users));
                self.asks(Kind::Page, story);
            }
            Deed::Renewal => self.calls(theirs, story),
            Deed::Overheard if theirs => self.is_overheard(story),
            Deed::Lost => self.jar.push((self.at, None)),
            // Where only the fingerprint tells behind which a cookie was handed out, that has to be known first.
            Deed::Moves if !theirs && self.random.chance(1, 3) => self.fingerprint = name(self.random),
            Deed::Overheard | Deed::Moves => {}
        }
    }

    /// Asks for a page, or something else, as whoever is signed in.
    fn asks(&mut self, kind: Kind, story: &mut Vec<Sighted>) {
        let page = kind == Kind::Page;
        let gives = match self.portal.mode {
            // Not on what shared caches may store.
            Mode::Ours => page && self.cookie().is_none() && self.random.chance(19, 20),
            Mode::Theirs => page && self.cookie().is_none() && self.random.chance(2, 3),
            Mode::Fingerprint => false,
        };
        let handed = gives.then(|| self.hand_out());
        let (evidence, user) = self.proves();
        let scope = self.somewhere();
        self.sees(&scope, kind, (evidence, user), handed, story);
    }

    /// A call, with the answer to which the portal may hand out a new cookie.
    fn calls(&mut self, renews: bool, story: &mut Vec<Sighted>) {
        let handed = renews.then(|| self.hand_out());
        let proven = self.proves();
        let scope = self.somewhere();
        self.sees(&scope, Kind::Activity, proven, handed, story);
    }

    /// Signs out, wherever that is one has to be told.
    fn logs_out(&mut self, story: &mut Vec<Sighted>) {
        let proven = self.proves();
        let handed = match self.random.below(4) {
            _ if self.portal.mode != Mode::Theirs => None,
            0..=1 => self.cookie().map(|_| Handed::Deleted),
            2 => Some(self.hand_out()),
            _ => None,
        };
        let latency = self.latency().max(1);
        for scope in self.portal.scopes.clone() {
            self.sees_after(&scope, Kind::Logout, proven, handed, latency, story);
        }
        self.user = None;
    }

    fn is_overheard(&mut self, story: &mut Vec<Sighted>) {
        let deletes = self.cookie().is_some() && self.random.chance(1, 5);
        let handed = if deletes { Handed::Deleted } else { self.hand_out() };
        let latency = self.latency().max(1);
        self.sees_after(&self.portal.whole(), Kind::Activity, (Evidence::Unknown, None), Some(handed), latency, story);
        if let Some(last) = story.last_mut() {
            last.overheard = true;
        }
    }

    fn sees(
        &mut self,
        scope: &Arc<Scope>,
        kind: Kind,
        proven: (Evidence, Option<Name>),
        handed: Option<Handed>,
        story: &mut Vec<Sighted>,
    ) {
        let latency = self.latency();
        self.sees_after(scope, kind, proven, handed, latency, story);
    }

    fn sees_after(
        &mut self,
        scope: &Arc<Scope>,
        kind: Kind,
        (evidence, user): (Evidence, Option<Name>),
        handed: Option<Handed>,
        latency: Millis,
        story: &mut Vec<Sighted>,
    ) {
        let answered = self.at + latency;
        let cookie = self.cookie();
        let told = cookie.is_some_and(|cookie| cookie.origin.is_some());
        let who = Who::Browser(Trace {
            cookie,
            fingerprint: (!told).then_some(self.fingerprint),
            handed,
            answered,
            fingerprint_only: self.portal.mode == Mode::Fingerprint,
        });
        story.push(sighted(self.portal, scope, who, (self.at, kind, evidence, user)));
        self.answered = self.answered.max(answered);
        if !self.refuses_cookies {
            match handed {
                Some(Handed::Ours(name)) => {
                    let shown = Shown { name, issued: Some(answered), origin: Some(self.fingerprint) };
                    self.jar.push((answered, Some(shown)));
                }
                Some(Handed::Out(name)) => {
                    self.jar.push((answered, Some(Shown { name, issued: None, origin: None })));
                }
                Some(Handed::Deleted) => self.jar.push((answered, None)),
                None => {}
            }
        }
    }

    /// The cookie it has now: the one that was answered last.
    fn cookie(&self) -> Option<Shown> {
        let had = self.jar.iter().filter(|(from, _)| *from <= self.at);
        had.max_by_key(|(from, _)| *from).and_then(|(_, cookie)| *cookie)
    }

    fn hand_out(&mut self) -> Handed {
        let name = name(self.random);
        if self.portal.mode == Mode::Ours { Handed::Ours(name) } else { Handed::Out(name) }
    }

    /// What a request proves of who is signed in.
    fn proves(&mut self) -> (Evidence, Option<Name>) {
        match self.user {
            _ if self.random.chance(1, 8) => (Evidence::Unknown, None),
            Some(user) => user,
            None => (Evidence::Guest, None),
        }
    }

    fn somewhere(&mut self) -> Arc<Scope> {
        let scopes = &self.portal.scopes;
        Arc::clone(&scopes[self.random.below(scopes.len() as u64) as usize])
    }

    fn latency(&mut self) -> Millis {
        let most = self.random.one_of(&[0, 5, 300, 300, 300, 3 * SECOND, 20 * SECOND]);
        self.random.below(most as u64 + 1) as Millis
    }
}

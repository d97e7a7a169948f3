//! The request's part: a look at what passed, and a few bytes left behind. Nothing here allocates, sorts or thinks.

use std::sync::Arc;

use portalmeter_rules::engagement::{Carried, Engagement, carried};
use portalmeter_rules::facts::{Request, Response};
use portalmeter_rules::id::Name;
use portalmeter_rules::judge::{SeenIn, Unseen, Verdict};
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};

use super::buffer::{Buffer, Seen, What};
use crate::engine::LiveSessions;
use crate::intake::{Intake, Presence, Sighted, Sink};
use crate::observation::{Key, Note, Scope};
use crate::session::Class;

/// Watches the portals that gather engagement.
#[derive(Debug, Default)]
pub struct Watch {
    portals: Vec<Option<Watched>>,
    /// What was seen.
    pub buffer: Buffer,
}

#[derive(Debug)]
struct Watched {
    /// Calls may be actions there.
    calls: bool,
}

/// A sink before another, that remembers who was seen.
pub struct Noting<'s> {
    sink: &'s mut dyn Sink,
    /// Who it was.
    pub noted: Option<Noted>,
}

/// Who was seen.
#[derive(Debug)]
pub struct Noted {
    scope: Arc<Scope>,
    key: Key,
    evidence: Evidence,
    user: Option<Name>,
    note: Arc<Note>,
}

impl<'s> Noting<'s> {
    /// Before this sink.
    pub fn new(sink: &'s mut dyn Sink) -> Self {
        Self { sink, noted: None }
    }
}

impl Sink for Noting<'_> {
    fn is_live(&self, key: &Key, at: Millis) -> bool {
        self.sink.is_live(key, at)
    }

    fn see(&mut self, sighted: Sighted) {
        let Sighted { scope, key, observation, overheard, .. } = &sighted;
        if !overheard && observation.kind != Kind::Logout {
            self.noted = Some(Noted {
                scope: Arc::clone(scope),
                key: *key,
                evidence: observation.evidence,
                user: observation.user,
                note: Arc::clone(&observation.note),
            });
        }
        self.sink.see(sighted);
    }
}

impl Watch {
    /// Watches portals by how they gather, in the order of their positions.
    pub fn new<'e>(portals: impl IntoIterator<Item = Option<&'e Engagement>>) -> Self {
        let watched = |engagement: &Engagement| Watched { calls: engagement.watches_calls() };
        Self { portals: portals.into_iter().map(|one| one.map(watched)).collect(), buffer: Buffer::default() }
    }

    /// Whether any portal gathers.
    pub fn is_on(&self) -> bool {
        self.portals.iter().any(Option::is_some)
    }

    /// An exchange that was observed, by whom [`Noting`] tells.
    pub fn observed(
        &self,
        verdict: &Verdict<'_>,
        noted: Option<Noted>,
        request: &Request<'_>,
        response: &Response<'_>,
        live: &LiveSessions,
    ) {
        let (SeenIn::Portal(portal) | SeenIn::Module(portal, _)) = verdict.seen_in else { return };
        let (Some(Some(watched)), Some(noted)) = (self.portals.get(portal), noted) else { return };
        let page = verdict.kind == Kind::Page;
        if noted.evidence == Evidence::Bot || response.status >= 400 {
            return;
        }
        let carried = carried(response.status, response.headers);
        if !page && carried == Carried::Nothing && !watched.calls {
            return;
        }
        let Noted { scope, key, evidence, user, note } = noted;
        let (class, user) = who(evidence, user, &[key], live, request.at);
        let what = What::Exchange { page, verb: request.method.into(), carried };
        self.buffer.push(Seen { at: request.at, portal, scope, class, user, note, what }, request.target);
    }

    /// An exchange that was not observed: one for an asset may hand out a file all the same.
    pub fn unobserved(
        &self,
        unseen: &Unseen,
        intake: &Intake,
        request: &Request<'_>,
        response: &Response<'_>,
        live: &LiveSessions,
    ) {
        if !matches!(unseen, Unseen::Ignored(rule) if **rule == *"asset") {
            return;
        }
        let carried = carried(response.status, response.headers);
        if carried == Carried::Nothing {
            return;
        }
        let route = intake.rules().route(request.host, request.path());
        let Some(portal) = route.and_then(|route| route.metered_by) else { return };
        if !matches!(self.portals.get(portal), Some(Some(_))) {
            return;
        }
        if let Ok(presence) = intake.presence(portal, request.path(), request, response) {
            let what = What::Exchange { page: false, verb: request.method.into(), carried };
            self.present(presence, what, request.at, request.target, live);
        }
    }

    /// Something that was done by somebody who was not observed doing it.
    pub fn present(&self, presence: Presence, what: What, at: Millis, target: &[u8], live: &LiveSessions) {
        let Presence { portal, scope, keys, evidence, user, note } = presence;
        if evidence == Evidence::Bot {
            return;
        }
        let (class, user) = who(evidence, user, &keys, live, at);
        self.buffer.push(Seen { at, portal, scope, class, user, note, what }, target);
    }
}

/// What the sender was: by the evidence, or where nobody says anything as what the session is known.
fn who(evidence: Evidence, user: Option<Name>, keys: &[Key], live: &LiveSessions, at: Millis) -> (Class, Option<Name>) {
    match evidence {
        Evidence::External => (Class::External, user),
        Evidence::Internal => (Class::Internal, user),
        Evidence::Guest | Evidence::Bot => (Class::Guest, None),
        Evidence::Unknown => keys.iter().find_map(|key| live.signed_in(key, at)).unwrap_or((Class::Guest, None)),
    }
}

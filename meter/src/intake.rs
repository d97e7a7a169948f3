//! From a judged exchange to observations: scope, visitor, day and policy are stamped here.
//!
//! The proxy, `replay` and `explain` all come through this one door.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use dashmap::DashMap;
use portalmeter_rules::facts::{Request, Response};
use portalmeter_rules::id::Name;
use portalmeter_rules::judge::{Rules, SeenIn, Sender, Unseen, Verdict};
use portalmeter_rules::portal::Module;
use portalmeter_rules::sharing;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use portalmeter_rules::visitor::ticket::Ticket;
use portalmeter_rules::visitor::{self, Mode, Traces};

use crate::guard::Guard;
use crate::names::{Handed, Shown, Trace, Who};
use crate::observation::{Key, Note, Observation, Scope, Stamp};
use crate::stamping::Stamping;

/// An observation with where it is, and what tells of whom.
#[derive(Debug, Clone)]
pub struct Sighted {
    /// Where.
    pub scope: Arc<Scope>,
    /// Where and of whom, as far as a node tells visitors apart: by cookie, else by fingerprint.
    pub key: Key,
    /// What tells who it is.
    pub who: Who,
    /// What.
    pub observation: Observation,
    /// Only its cookies matter: the exchange itself is not observed.
    pub overheard: bool,
}

impl Sighted {
    /// Every visitor whose session it may be taken to begin, whatever else is known.
    pub(crate) fn may_begin(&self) -> Vec<Name> {
        self.who.may_begin(self.observation.at, self.observation.user)
    }
}

/// What observations go to.
pub trait Sink {
    /// Whether a visitor has a live session in a scope, as far as this sink knows.
    fn is_live(&self, key: &Key, at: Millis) -> bool;
    /// Takes an observation.
    fn see(&mut self, sighted: Sighted);
}

/// Who sends a request that is not observed.
#[derive(Debug)]
pub struct Presence {
    /// The portal's position.
    pub portal: usize,
    /// Where.
    pub scope: Arc<Scope>,
    /// What a node may keep the visitor's session by; the session may be anywhere that one of them is live.
    pub keys: Vec<Key>,
    /// What the request proves of its sender.
    pub evidence: Evidence,
    /// Who is signed in, where that is known.
    pub user: Option<Name>,
    /// The rule that decided, and the user's company.
    pub note: Arc<Note>,
}

/// Hands out a portal's cookie behind a fingerprint, and tells its name.
pub type HandOut<'a> = &'a mut dyn FnMut(usize, Name) -> Option<Name>;

/// How a portal's sessions are scoped and counted.
#[derive(Debug)]
struct Counting {
    /// A reload changes it, beside the requests.
    stamping: RwLock<Stamping>,
    scope: Scoped,
    modules: Option<Modules>,
    guard: Option<Guard>,
}

#[derive(Debug, Clone)]
struct Scoped {
    scope: Arc<Scope>,
    id: crate::observation::ScopeId,
}

impl Scoped {
    fn new(scope: Scope) -> Self {
        Self { id: scope.id(), scope: Arc::new(scope) }
    }

    fn key(&self, visitor: Name) -> Key {
        Key { scope: self.id, visitor }
    }

    fn sighted(&self, who: Who, observation: Observation, overheard: bool) -> Sighted {
        Sighted { scope: Arc::clone(&self.scope), key: self.key(who.at_hand()), who, observation, overheard }
    }
}

/// A portal's modules by name; without a configured list, at most 64 of them and `other`.
#[derive(Debug)]
struct Modules {
    portal: Arc<str>,
    known: DashMap<Box<str>, Scoped>,
    other: Scoped,
}

const MOST_MODULES: usize = 64;

/// Turns exchanges into observations.
#[derive(Debug)]
pub struct Intake {
    rules: Rules,
    counting: Vec<Counting>,
    /// The last note made: the next exchange mostly says the same.
    last_note: Mutex<Arc<Note>>,
    /// What is noted of a flood.
    burst: Arc<Note>,
}

impl Intake {
    /// An intake for these rules; `stampings` are the portals' policies, in the order of the rules' portals.
    pub fn new(rules: Rules, stampings: impl IntoIterator<Item = impl Into<Stamping>>) -> Self {
        let counting = rules.portals().iter().zip(stampings).map(|(portal, stamping)| Counting {
            stamping: RwLock::new(stamping.into()),
            scope: Scoped::new(Scope::portal(&portal.name)),
            modules: portal.module.as_ref().map(|rule| Modules::new(&portal.name, rule.names().unwrap_or_default())),
            guard: None,
        });
        Self { counting: counting.collect(), rules, last_note: Mutex::default(), burst: Arc::new(burst()) }
    }

    /// Guards the portals; the guards come in their order.
    #[must_use]
    pub fn guarded(mut self, guards: impl IntoIterator<Item = Option<Guard>>) -> Self {
        for (counting, guard) in self.counting.iter_mut().zip(guards) {
            counting.guard = guard;
        }
        self
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How each portal is stamped, in the order of the rules' portals.
    pub fn stampings(&self) -> Vec<Stamping> {
        self.counting.iter().map(Counting::stamping).collect()
    }

    /// Stamps by these from now on, in the order of the rules' portals.
    pub fn restamp(&self, stampings: impl IntoIterator<Item = Stamping>) {
        for (counting, stamping) in self.counting.iter().zip(stampings) {
            *counting.stamping.write().unwrap_or_else(PoisonError::into_inner) = stamping;
        }
    }

    /// Judges an exchange whose response passed at `now`, and gives what is to be counted to `sink`.
    pub fn take<'a>(
        &'a self,
        request: &Request<'a>,
        response: &Response<'_>,
        now: Millis,
        hand_out: HandOut<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Verdict<'a>, Unseen> {
        let verdict = match self.rules.judge(request, response) {
            Ok(verdict) => verdict,
            Err(unseen) => {
                self.overhear(request, response, now, sink);
                return Err(unseen);
            }
        };
        let note = self.note(&verdict.sender);
        let portals: &[usize] = match &verdict.seen_in {
            SeenIn::Portal(portal) | SeenIn::Module(portal, _) => std::slice::from_ref(portal),
            SeenIn::Host(portals) => portals,
        };
        for &portal in portals {
            let (Some(counting), Some(traces)) =
                (self.counting.get(portal), self.rules.traces(portal, request, response))
            else {
                continue;
            };
            let mut burst = false;
            let who = if verdict.sender.evidence == Evidence::Bot {
                Who::Known(self.rules.bot(request))
            } else {
                let mut trace = trace_of(&traces, now);
                let page = verdict.kind == Kind::Page;
                burst = page && counting.is_burst(&verdict.seen_in, request, &traces, sink);
                // A cookie on a response that shared caches may store could reach somebody else.
                if page
                    && trace.cookie.is_none()
                    && trace.handed.is_none()
                    && !traces.fingerprint_only
                    && !sharing::may_be_shared(response)
                {
                    // Whoever is not of a flood comes back with the cookie, and counts from then on.
                    trace.handed = hand_out(portal, traces.fingerprint.name()).map(Handed::Ours);
                }
                if burst { Who::Known(self.rules.bot(request)) } else { Who::Browser(trace) }
            };
            let bot = matches!(who, Who::Known(_));
            let stamp = counting.stamp(request.at);
            let observation = Observation {
                at: request.at,
                kind: verdict.kind,
                evidence: if bot { Evidence::Bot } else { verdict.sender.evidence },
                user: verdict.sender.user.filter(|_| !bot),
                day: stamp.policy.zone.day(request.at),
                stamp,
                note: Arc::clone(if burst { &self.burst } else { &note }),
                by: None,
                tie: 0,
            };
            counting.spread(&verdict.seen_in, who, &observation, sink);
        }
        Ok(verdict)
    }

    /// A portal may renew its session cookie with any answer, an asset's or a poll's too.
    fn overhear(&self, request: &Request<'_>, response: &Response<'_>, now: Millis, sink: &mut dyn Sink) {
        if !response.headers.has("set-cookie") {
            return;
        }
        for &portal in self.rules.on_host(request) {
            let (Some(counting), Some(traces)) =
                (self.counting.get(portal), self.rules.traces(portal, request, response))
            else {
                continue;
            };
            if traces.response.is_none() || traces.fingerprint_only {
                continue;
            }
            let stamp = counting.stamp(request.at);
            let observation = Observation {
                at: request.at,
                kind: Kind::Activity,
                evidence: Evidence::Unknown,
                user: None,
                day: stamp.policy.zone.day(request.at),
                stamp,
                note: Arc::default(),
                by: None,
                tie: 0,
            };
            sink.see(counting.scope.sighted(Who::Browser(trace_of(&traces, now)), observation, true));
        }
    }

    /// Who sends a request in a portal, for a path of it, if it may be in a session there: nothing is counted, and no
    /// session kept alive.
    pub fn presence(
        &self,
        portal: usize,
        path: &[u8],
        request: &Request<'_>,
        response: &Response<'_>,
    ) -> Result<Presence, Unseen> {
        let missing = || Unseen::UnknownHost;
        let counting = self.counting.get(portal).ok_or_else(missing)?;
        let rules = self.rules.portals().get(portal).ok_or_else(missing)?;
        let scoped = match (&rules.module, &counting.modules) {
            (Some(rule), Some(modules)) => modules.scoped(&rule.module(path).ok_or(Unseen::NoModule)?),
            _ => counting.scope.clone(),
        };
        let sender = self.rules.sender_in(portal, request, response)?;
        let traces = self.rules.traces(portal, request, response).ok_or_else(missing)?;
        // A browser's first page was seen before it had a cookie to show.
        let before = |ticket: &Ticket| [ticket.name, ticket.origin.unwrap_or_else(|| traces.fingerprint.name())];
        let names = match &traces.presented {
            Some(ticket) => before(ticket).to_vec(),
            None if traces.fingerprint_only => vec![traces.fingerprint.name()],
            None => Vec::new(),
        };
        Ok(Presence {
            portal,
            keys: names.into_iter().map(|name| scoped.key(name)).collect(),
            scope: scoped.scope,
            evidence: sender.evidence,
            user: sender.user,
            note: self.note(&sender),
        })
    }

    fn note(&self, sender: &Sender) -> Arc<Note> {
        let agent = sender.bot.as_ref().map(|bot| &bot.name);
        // Lists of bots change often: whoever argues about a bot's record needs to know by which one it was judged.
        let rule = sender.bot.as_ref().map_or(&sender.rule, |bot| &bot.rule_of_version);
        let make = || {
            let (rule, agent) = (Arc::clone(rule), agent.map(Arc::clone));
            Arc::new(Note { rule, agent, account: sender.account.clone() })
        };
        let Ok(mut last) = self.last_note.try_lock() else { return make() };
        let same = Arc::ptr_eq(&last.rule, rule)
            && last.agent.as_ref().map(Arc::as_ptr) == agent.map(Arc::as_ptr)
            && last.account == sender.account;
        if !same {
            *last = make();
        }
        Arc::clone(&last)
    }

    /// Whether a portal tells browsers apart by a cookie of the meter's own, which one on trial does not.
    pub fn issues_cookies(&self, portal: usize, now: Millis) -> bool {
        let by_cookie = self.rules.portals().get(portal).is_some_and(|portal| portal.visitor.mode == Mode::Cookie);
        by_cookie && self.counting.get(portal).is_some_and(|counting| !counting.stamp(now).policy.trial)
    }
}

fn trace_of(traces: &Traces<'_>, answered: Millis) -> Trace {
    let shown = |ticket: &Ticket| Shown { name: ticket.name, issued: ticket.issued, origin: ticket.origin };
    let cookie = traces.presented.as_ref().map(shown);
    let told = cookie.is_some_and(|cookie| cookie.origin.is_some());
    Trace {
        cookie,
        fingerprint: (!told).then(|| traces.fingerprint.name()),
        handed: traces.response.as_ref().map(|response| match response {
            visitor::Handed::Out(name) => Handed::Out(*name),
            visitor::Handed::Deleted => Handed::Deleted,
        }),
        answered,
        fingerprint_only: traces.fingerprint_only,
    }
}

fn burst() -> Note {
    Note { rule: "guard:burst".into(), agent: Some("burst".into()), account: None }
}

impl Counting {
    fn stamping(&self) -> Stamping {
        self.stamping.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stamp(&self, at: Millis) -> Stamp {
        self.stamping.read().unwrap_or_else(PoisonError::into_inner).at(at).clone()
    }

    /// Whether it is one start too many at its address: a page without a cookie from where nobody is live.
    fn is_burst(&self, seen_in: &SeenIn<'_>, request: &Request<'_>, traces: &Traces<'_>, sink: &dyn Sink) -> bool {
        let Some(guard) = self.guard.as_ref().filter(|_| traces.presented.is_none()) else { return false };
        let fingerprint = traces.fingerprint.name();
        let key = match (seen_in, &self.modules) {
            (SeenIn::Module(_, module), Some(modules)) => modules.scoped(module).key(fingerprint),
            _ => self.scope.key(fingerprint),
        };
        !sink.is_live(&key, request.at) && !guard.admits(request.client, request.at)
    }

    fn spread(&self, seen_in: &SeenIn<'_>, who: Who, observation: &Observation, sink: &mut dyn Sink) {
        match (seen_in, &self.modules) {
            (SeenIn::Module(_, module), Some(modules)) => {
                sink.see(modules.scoped(module).sighted(who, observation.clone(), false));
            }
            (SeenIn::Host(_), Some(modules)) => {
                // A logout may overtake the answer to the page that it ends, so it goes to every module.
                let logout = observation.kind == Kind::Logout;
                for scoped in modules.all() {
                    if logout || sink.is_live(&scoped.key(who.at_hand()), observation.at) {
                        sink.see(scoped.sighted(who, observation.clone(), false));
                    }
                }
            }
            _ => sink.see(self.scope.sighted(who, observation.clone(), false)),
        }
    }
}

impl Modules {
    fn new(portal: &str, names: &[Arc<str>]) -> Self {
        let scoped = |name: &str| Scoped::new(Scope::module(portal, name));
        let known = names.iter().map(|name| ((**name).into(), scoped(name))).collect();
        Self { portal: portal.into(), known, other: scoped("other") }
    }

    fn scoped(&self, module: &Module<'_>) -> Scoped {
        let Module::Named(name) = module else { return self.other.clone() };
        if let Some(known) = self.known.get(*name) {
            return known.clone();
        }
        if self.known.len() >= MOST_MODULES {
            return self.other.clone();
        }
        let made = || Scoped::new(Scope::module(&self.portal, name));
        self.known.entry((*name).into()).or_insert_with(made).clone()
    }

    fn all(&self) -> Vec<Scoped> {
        self.known.iter().map(|one| one.value().clone()).chain([self.other.clone()]).collect()
    }
}

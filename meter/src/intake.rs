//! From a judged exchange to observations: scope, visitor, day and policy are stamped here.
//!
//! The proxy, `replay` and `explain` all come through this one door.

use std::sync::{Arc, Mutex};

use dashmap::DashMap;
use portalmeter_rules::facts::{Request, Response};
use portalmeter_rules::id::Name;
use portalmeter_rules::judge::{Rules, SeenIn, Sender, Unseen, Verdict};
use portalmeter_rules::portal::Module;
use portalmeter_rules::sharing;
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};
use portalmeter_rules::visitor::{Mode, Traces};

use crate::guard::Guard;
use crate::names::{HandedOut, Names, Sighting};
use crate::observation::{Key, Note, Observation, Scope, Stamp};

/// An observation with where and of whom it is.
#[derive(Debug, Clone)]
pub struct Sighted {
    /// Where.
    pub scope: Arc<Scope>,
    /// Where and of whom, as sessions are kept.
    pub key: Key,
    /// What.
    pub observation: Observation,
}

/// What observations go to.
pub trait Sink {
    /// Whether a visitor has a live session in a scope, as far as this sink knows.
    fn is_live(&self, key: &Key, at: Millis) -> bool;
    /// Takes an observation.
    fn see(&mut self, sighted: Sighted);
}

/// Hands out cookies; asked with the portal, and with the visitor for whose session one would be.
pub type HandOut<'a> = &'a mut dyn FnMut(usize, Option<Name>) -> Option<HandedOut>;

/// How a portal's sessions are scoped and counted.
#[derive(Debug)]
struct Counting {
    stamp: Stamp,
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

    fn sighted(&self, visitor: Name, observation: Observation) -> Sighted {
        Sighted { scope: Arc::clone(&self.scope), key: self.key(visitor), observation }
    }
}

/// Of whom an observation is, and what it proves.
struct Known {
    visitor: Name,
    kind: Kind,
    evidence: Evidence,
    user: Option<Name>,
}

/// A portal's modules by name; without a configured list, at most 64 of them and `other`.
#[derive(Debug)]
struct Modules {
    portal: Arc<str>,
    known: DashMap<Box<str>, Scoped>,
    other: Scoped,
}

const MOST_MODULES: usize = 64;

/// Rules and names together: turns exchanges into observations.
#[derive(Debug)]
pub struct Intake {
    rules: Rules,
    counting: Vec<Counting>,
    names: Arc<Names>,
    /// The last note made: the next exchange mostly says the same.
    last_note: Mutex<Arc<Note>>,
    /// What is noted of a flood.
    burst: Arc<Note>,
}

impl Intake {
    /// An intake for these rules; `stamps` are the portals' policies, in the order of the rules' portals.
    pub fn new(rules: Rules, stamps: Vec<Stamp>, names: Arc<Names>) -> Self {
        let counting = rules.portals().iter().zip(stamps).map(|(portal, stamp)| Counting {
            stamp,
            scope: Scoped::new(Scope::portal(&portal.name)),
            modules: portal.module.as_ref().map(|rule| Modules::new(&portal.name, rule.names().unwrap_or_default())),
            guard: None,
        });
        Self { counting: counting.collect(), rules, names, last_note: Mutex::default(), burst: Arc::new(burst()) }
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

    /// The names of visitors.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The policy a portal counts by.
    pub fn stamp(&self, portal: usize) -> Option<&Stamp> {
        self.counting.get(portal).map(|counting| &counting.stamp)
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
                self.overhear(request, response, now);
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
            let Some(known) =
                self.known((request, response), &verdict, counting, &traces, now, &mut |of| hand_out(portal, of))
            else {
                continue;
            };
            let Known { visitor, kind, evidence, user } = known;
            let burst = evidence == Evidence::Bot && verdict.sender.evidence != Evidence::Bot;
            let observation = Observation {
                at: request.at,
                kind,
                evidence,
                user,
                day: counting.stamp.policy.zone.day(request.at),
                stamp: counting.stamp.clone(),
                note: Arc::clone(if burst { &self.burst } else { &note }),
            };
            counting.spread(&verdict.seen_in, visitor, observation, sink);
        }
        Ok(verdict)
    }

    fn known(
        &self,
        (request, response): (&Request<'_>, &Response<'_>),
        verdict: &Verdict<'_>,
        counting: &Counting,
        traces: &Traces<'_>,
        now: Millis,
        hand_out: &mut dyn FnMut(Option<Name>) -> Option<HandedOut>,
    ) -> Option<Known> {
        let Sender { evidence, user, .. } = verdict.sender;
        let bot = || {
            let visitor = self.rules.bot(request);
            Some(Known { visitor, kind: verdict.kind, evidence: Evidence::Bot, user: None })
        };
        if evidence == Evidence::Bot {
            return bot();
        }
        let idle = counting.stamp.policy.idle_timeout;
        let seen = Sighting { at: request.at, now, kind: verdict.kind, evidence, user, traces, idle };
        // A cookie on a response that shared caches may store could reach somebody else.
        let mut hand_out = |of| if sharing::may_be_shared(response) { None } else { hand_out(of) };
        if let Some(guard) = &counting.guard
            && self.names.begins(&seen)
            && !guard.admits(request.client, request.at)
        {
            // Whoever is not of the flood comes back with the cookie, and counts from then on.
            let _ = hand_out(None);
            return bot();
        }
        let resolved = self.names.resolve(&seen, &mut hand_out)?;
        Some(Known { visitor: resolved.visitor, kind: resolved.kind, evidence: resolved.evidence, user })
    }

    /// A portal may renew its session cookie with any answer, an asset's or a poll's too.
    fn overhear(&self, request: &Request<'_>, response: &Response<'_>, now: Millis) {
        if !response.headers.has("set-cookie") {
            return;
        }
        for &portal in self.rules.on_host(request) {
            let (Some(counting), Some(traces)) =
                (self.counting.get(portal), self.rules.traces(portal, request, response))
            else {
                continue;
            };
            self.names.overhear(request.at, now, &traces, counting.stamp.policy.idle_timeout);
        }
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

    /// Whether a portal tells browsers apart by a cookie of the meter's own.
    pub fn issues_cookies(&self, portal: usize) -> bool {
        self.rules.portals().get(portal).is_some_and(|portal| portal.visitor.mode == Mode::Cookie)
    }
}

fn burst() -> Note {
    Note { rule: "guard:burst".into(), agent: Some("burst".into()), account: None }
}

impl Counting {
    fn spread(&self, seen_in: &SeenIn<'_>, visitor: Name, observation: Observation, sink: &mut dyn Sink) {
        match (seen_in, &self.modules) {
            (SeenIn::Module(_, module), Some(modules)) => {
                sink.see(modules.scoped(module).sighted(visitor, observation));
            }
            (SeenIn::Host(_), Some(modules)) => {
                // A logout may overtake the answer to the page that it ends, so it goes to every module.
                let logout = observation.kind == Kind::Logout;
                for scoped in modules.all() {
                    if logout || sink.is_live(&scoped.key(visitor), observation.at) {
                        sink.see(scoped.sighted(visitor, observation.clone()));
                    }
                }
            }
            _ => sink.see(self.scope.sighted(visitor, observation)),
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

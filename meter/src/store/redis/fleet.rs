//! The servers as one: calls go to whoever holds their slot, many at once, each with an answer of its own.

use std::collections::HashMap;
use std::time::Duration;

use redis::cluster_routing::Slot as HashSlot;
use redis::{Cmd, Value, cmd};

use super::Settings;
use super::address::{Host, Shape};
use super::continuity::Watch;
use super::error::{RedisError, Trouble};
use super::node::{Node, Opening, Rest};
use super::script::Script;
use super::sentinels::Sentinels;
use super::slots::{SlotMap, redirected};
use flight::{Flight, Redirect, Run, Waiting, exchange};

mod calls;
mod flight;

pub(super) use calls::{Calls, Pipeline};

/// A call's answer; an error reply is an error here.
pub(super) type Answer = Result<Value, RedisError>;

/// A server, and whether it is connected.
pub(super) type Linked = (Host, Result<(), RedisError>);

/// How calls find their servers.
enum Routes {
    /// All to one.
    Single(Host),
    /// All to the primary that sentinels name.
    Sentinel(Box<Sentinels>, Option<Host>),
    /// By slot.
    Cluster { seeds: Vec<Host>, map: Option<SlotMap> },
}

/// The servers.
pub(super) struct Fleet {
    routes: Routes,
    opening: Opening,
    nodes: HashMap<Host, Node>,
    /// Nobody could say where the primaries are.
    rest: Rest,
    unsaid: Option<RedisError>,
    pub(super) watch: Watch,
}

/// So many times a call is sent on to where another server says it belongs.
const ROUNDS: usize = 5;

impl Fleet {
    pub(super) fn new(settings: &Settings) -> Self {
        let login = settings.address.login.clone();
        let (routes, database) = match settings.address.shape.clone() {
            Shape::Single { host, database } => (Routes::Single(host), database),
            Shape::Cluster { hosts } => (Routes::Cluster { seeds: hosts, map: None }, 0),
            Shape::Sentinel { hosts, master, database, login } => {
                let opening = Opening::of(settings, login, 0);
                (Routes::Sentinel(Box::new(Sentinels::new(hosts, master, opening)), None), database)
            }
        };
        let opening = Opening::of(settings, login, database);
        Self { routes, opening, nodes: HashMap::new(), rest: Rest::default(), unsaid: None, watch: Watch::default() }
    }

    /// Sends all calls and reads all answers, in the calls' order.
    pub(super) fn run(&mut self, calls: &dyn Calls) -> Vec<Answer> {
        let mut run = Run::new(calls);
        for _ in 0..ROUNDS {
            let waiting = std::mem::take(&mut run.waiting);
            if waiting.is_empty() {
                break;
            }
            self.round(&mut run, waiting);
        }
        run.finish()
    }

    /// One call.
    pub(super) fn ask(&mut self, slot: HashSlot, call: &Cmd) -> Answer {
        let mut pipeline = Pipeline::default();
        pipeline.add(slot, call);
        self.run(&pipeline).pop().unwrap_or_else(|| Err(RedisError::strange("nothing")))
    }

    /// One call of a script.
    pub(super) fn ask_script(&mut self, slot: HashSlot, call: &Cmd, script: &'static Script) -> Answer {
        let mut pipeline = Pipeline::default();
        pipeline.add_script(slot, call, script);
        self.run(&pipeline).pop().unwrap_or_else(|| Err(RedisError::strange("nothing")))
    }

    /// How long until a call makes sense, if not now.
    pub(super) fn again_in(&self) -> Option<Duration> {
        let nodes = self.nodes.values().filter_map(|node| node.rest.left());
        nodes.chain(self.rest.left()).min()
    }

    /// Every primary there is, connected if it can be.
    pub(super) fn primaries(&mut self) -> Result<Vec<Linked>, RedisError> {
        let hosts = match self.locate()? {
            Routes::Single(host) | Routes::Sentinel(_, Some(host)) => vec![host.clone()],
            Routes::Cluster { map: Some(map), .. } => map.primaries.clone(),
            Routes::Sentinel(_, None) | Routes::Cluster { map: None, .. } => Vec::new(),
        };
        let linked = |host: Host| {
            let link = self.link(&host);
            (host, link)
        };
        Ok(hosts.into_iter().map(linked).collect())
    }

    /// The process that holds a slot, by the id of its run, as far as that is known.
    pub(super) fn run_of(&mut self, slot: HashSlot) -> Option<String> {
        let host = self.host(slot).ok()?;
        self.watch.run(&host)
    }

    /// Looks at a primary that is connected.
    pub(super) fn look(&mut self, host: &Host) -> Result<(), RedisError> {
        let Self { nodes, watch, .. } = self;
        let Some(node) = nodes.get_mut(host) else { return Ok(()) };
        let looked = watch.look(node);
        if looked.is_err() {
            self.relocate();
        }
        looked
    }

    /// A server by its place, once [`Fleet::primaries`] named it.
    pub(super) fn node(&mut self, host: &Host) -> &mut Node {
        self.nodes.entry(host.clone()).or_insert_with(|| Node::new(host.clone()))
    }

    /// Asks the sentinels again whether the primary is still the same; nothing to do in other shapes.
    pub(super) fn verify(&mut self) {
        let Routes::Sentinel(sentinels, Some(then)) = &mut self.routes else { return };
        if self.rest.left().is_some() {
            return;
        }
        match sentinels.primary() {
            Ok(now) => {
                self.rest.succeeded();
                self.unsaid = None;
                if now != *then {
                    self.nodes.remove(then);
                    *then = now.clone();
                    self.watch.located(&[now]);
                }
            }
            // The primary may well be what it was.
            Err(error) => {
                self.rest.failed();
                self.unsaid = Some(error);
            }
        }
    }

    /// Why no sentinel said who the primary is, if none did when last asked.
    pub(super) fn unsaid(&self) -> Option<&RedisError> {
        self.unsaid.as_ref()
    }

    /// How many slots of a cluster nobody holds.
    pub(super) fn uncovered(&self) -> usize {
        match &self.routes {
            Routes::Cluster { map: Some(map), .. } => map.uncovered(),
            _ => 0,
        }
    }

    /// Forgets where the primaries are.
    pub(super) fn relocate(&mut self) {
        match &mut self.routes {
            Routes::Single(_) => {}
            Routes::Sentinel(_, primary) => *primary = None,
            Routes::Cluster { map, .. } => *map = None,
        }
    }

    fn round(&mut self, run: &mut Run<'_>, waiting: Vec<Waiting>) {
        let mut flights: Vec<Flight> = Vec::new();
        for Waiting { call, to } in waiting {
            if let Some(Redirect::Ask(host)) = to {
                let answer = self.ask_there(&host, &run.bytes(call), run.calls.is_guarded());
                run.answers[call] = Some(answer);
                continue;
            }
            let host = match to {
                Some(Redirect::Moved(host)) => Ok(host),
                _ => self.host(run.calls.slot(call)),
            };
            match host {
                Ok(host) => match flights.iter_mut().find(|flight| flight.node.host == host) {
                    Some(flight) => flight.calls.push(call),
                    None => match self.take(&host, run.calls.is_guarded()) {
                        Ok(node) => flights.push(Flight::new(node, call)),
                        Err(error) => run.answers[call] = Some(Err(error)),
                    },
                },
                Err(error) => run.answers[call] = Some(Err(error)),
            }
        }
        exchange(run, &mut flights);
        for flight in flights {
            self.land(run, flight);
        }
    }

    /// Sorts out the answers of one server.
    fn land(&mut self, run: &mut Run<'_>, mut flight: Flight) {
        let mut load: Vec<&'static Script> = Vec::new();
        let mut stale = flight.failed.is_some();
        for (call, answer) in flight.calls.iter().copied().zip(std::mem::take(&mut flight.answers)) {
            let Value::ServerError(reply) = answer else {
                run.answers[call] = Some(Ok(answer));
                continue;
            };
            let details = reply.details().unwrap_or_default();
            let place = || redirected(details, &flight.node.host);
            match (reply.code(), run.calls.script(call)) {
                ("NOSCRIPT", Some(script)) => {
                    if !load.iter().any(|one| one.sha == script.sha) {
                        load.push(script);
                    }
                    run.waiting.push(Waiting { call, to: None });
                }
                ("MOVED", _) if self.is_cluster() => {
                    let to = place();
                    if let (Routes::Cluster { map: Some(map), .. }, Some(host)) = (&mut self.routes, &to) {
                        map.set(run.calls.slot(call), host);
                    }
                    stale = true;
                    run.waiting.push(Waiting { call, to: to.map(Redirect::Moved) });
                }
                ("ASK", _) if self.is_cluster() => {
                    run.waiting.push(Waiting { call, to: place().map(Redirect::Ask) });
                }
                ("MOVED" | "ASK", _) => {
                    let error = RedisError::of_reply(&flight.node.name, &reply);
                    run.answers[call] = Some(Err(RedisError { trouble: Trouble::IsCluster, ..error }));
                }
                _ => {
                    let error = RedisError::of_reply(&flight.node.name, &reply);
                    stale |= error.trouble.ends_connection();
                    run.answers[call] = Some(Err(error));
                }
            }
        }
        for script in load {
            let loaded = flight.node.ask(cmd("SCRIPT").arg("LOAD").arg(script.text));
            if let Err(error) = loaded {
                run.refuse(script, &error);
            }
        }
        let ended = run.answered_by(&flight).find(|error| error.trouble.ends_connection());
        if let (Some(error), true) = (ended.cloned(), flight.node.link.is_some()) {
            flight.node.failed(error);
        }
        if stale {
            self.relocate();
        }
        self.nodes.insert(flight.node.host.clone(), flight.node);
    }

    fn is_cluster(&self) -> bool {
        matches!(self.routes, Routes::Cluster { .. })
    }

    /// A call where its slot is about to be.
    fn ask_there(&mut self, host: &Host, bytes: &[u8], guarded: bool) -> Answer {
        self.link(host)?;
        if guarded {
            self.watch.check()?;
        }
        let node = self.node(host);
        node.ask(&cmd("ASKING"))?;
        node.send(bytes)?;
        match node.receive()? {
            Value::ServerError(reply) => Err(RedisError::of_reply(&node.name, &reply)),
            value => Ok(value),
        }
    }

    fn host(&mut self, slot: HashSlot) -> Result<Host, RedisError> {
        let host = match self.locate()? {
            Routes::Single(host) | Routes::Sentinel(_, Some(host)) => Some(host),
            Routes::Cluster { map: Some(map), .. } => map.host(slot),
            Routes::Sentinel(_, None) | Routes::Cluster { map: None, .. } => None,
        };
        host.cloned().ok_or_else(|| RedisError::new(Trouble::ClusterDown, None, "no primary holds a slot of ours"))
    }

    /// Finds out where the primaries are, if that is not known.
    fn locate(&mut self) -> Result<&Routes, RedisError> {
        let known = match &self.routes {
            Routes::Single(_) => true,
            Routes::Sentinel(_, primary) => primary.is_some(),
            Routes::Cluster { map, .. } => map.is_some(),
        };
        if known {
            if let Routes::Single(host) = &self.routes {
                self.watch.located(std::slice::from_ref(host));
            }
            return Ok(&self.routes);
        }
        if let Some(left) = self.rest.left() {
            let said = "where its primaries are was not to be found out a moment ago";
            return Err(RedisError { again_in: left, ..RedisError::new(Trouble::Waiting, None, said) });
        }
        let found = self.find();
        match found {
            Ok(hosts) => {
                self.rest.succeeded();
                self.watch.located(&hosts);
                Ok(&self.routes)
            }
            Err(mut error) => {
                error.again_in = self.rest.failed();
                Err(error)
            }
        }
    }

    fn find(&mut self) -> Result<Vec<Host>, RedisError> {
        match &mut self.routes {
            Routes::Single(host) => Ok(vec![host.clone()]),
            Routes::Sentinel(sentinels, primary) => Ok(vec![primary.insert(sentinels.primary()?).clone()]),
            Routes::Cluster { .. } => self.find_slots(),
        }
    }

    fn find_slots(&mut self) -> Result<Vec<Host>, RedisError> {
        let Routes::Cluster { seeds, .. } = &self.routes else { return Ok(Vec::new()) };
        let known = self.nodes.values().filter(|node| node.link.is_some()).map(|node| node.host.clone());
        let hosts: Vec<Host> = known.chain(seeds.iter().cloned()).collect();
        let mut worst = RedisError::new(Trouble::ClusterDown, None, "no node is named");
        for host in hosts {
            match self.slots_by(&host) {
                Ok(found) => {
                    let primaries = found.primaries.clone();
                    if let Routes::Cluster { map, .. } = &mut self.routes {
                        *map = Some(found);
                    }
                    return Ok(primaries);
                }
                Err(error) => worst = error,
            }
        }
        Err(worst)
    }

    fn slots_by(&mut self, host: &Host) -> Result<SlotMap, RedisError> {
        let node = self.nodes.entry(host.clone()).or_insert_with(|| Node::new(host.clone()));
        // A seed need not be a primary: it is asked over a connection of its own unless it is one.
        let mut own = node.link.is_none().then(|| self.opening.open(host)).transpose()?;
        let mut call = cmd("CLUSTER");
        call.arg("SLOTS");
        let value = match &mut own {
            Some(own) => call.query(own).map_err(|error| RedisError::of_client(&node.name, &error))?,
            None => node.ask(&call)?,
        };
        let map = SlotMap::read(value, host).ok_or_else(|| RedisError::strange("CLUSTER SLOTS"))?;
        if map.primaries.is_empty() {
            return Err(RedisError::new(Trouble::ClusterDown, Some(host.to_string()), "it knows of no slots"));
        }
        Ok(map)
    }

    /// Takes a connected server out, for calls to be under way with several at once.
    fn take(&mut self, host: &Host, guarded: bool) -> Result<Node, RedisError> {
        self.link(host)?;
        if guarded {
            self.watch.check()?;
        }
        Ok(self.nodes.remove(host).unwrap_or_else(|| Node::new(host.clone())))
    }

    /// Sees to it that a server is connected, and is what it was.
    fn link(&mut self, host: &Host) -> Result<(), RedisError> {
        let Self { nodes, opening, watch, .. } = self;
        let node = nodes.entry(host.clone()).or_insert_with(|| Node::new(host.clone()));
        if node.link.is_some() {
            return Ok(());
        }
        if let Some(left) = node.rest.left() {
            let error = RedisError::new(Trouble::Waiting, Some(node.name.clone()), "it failed a moment ago");
            return Err(RedisError { again_in: left, ..error });
        }
        let linked = opening.open(host).and_then(|connection| {
            node.link = Some(connection);
            watch.look(node)
        });
        if let Err(error) = linked {
            let error = node.failed(error);
            self.relocate();
            return Err(error);
        }
        node.rest.succeeded();
        Ok(())
    }
}

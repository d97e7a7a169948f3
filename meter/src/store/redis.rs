//! The store in Redis: values that change if they still are what they were, counters, the live index and the
//! stream of entries, each step in one script on one slot, a few of them together.
//!
//! Nothing here knows of sessions. Calls block and belong on a thread of their own. An error says when another try
//! makes sense; while a server rests after a failure, calls for it fail at once. A call whose answer is lost is
//! done or not: send it again with the values then read, and nothing is done twice, because a step whose values
//! have moved on is refused whole. A step none of whose writes changes anything has no such protection.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use portalmeter_rules::time::Millis;
use redis::{Cmd, Value, cmd};

use self::fleet::{Fleet, Pipeline};
use self::keys::{Keys, PortalKeys};
use self::together::{Group, together};
use self::watermark::Watermark;
use super::step::{Outcome, Place, Step};
use crate::observation::Stamp;
use crate::policy::PolicyId;

pub mod address;
pub mod clock;
mod commit;
pub mod continuity;
pub mod counters;
mod epoch;
pub mod error;
mod fleet;
pub mod guard;
mod keys;
pub mod live;
mod node;
mod probe;
mod script;
mod sentinels;
pub mod shared;
mod slots;
mod store;
pub mod stream;
mod together;
mod watermark;

pub use self::address::Address;
pub use self::continuity::Continuity;
pub use self::error::{RedisError, Trouble};
pub use self::shared::NodeState;

/// How a Redis is reached and used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it is.
    pub address: Address,
    /// What our keys begin with.
    pub prefix: String,
    /// Certificates of the authority that signed the server's, as PEM; none: those the system trusts.
    pub ca: Option<Vec<u8>>,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub response_timeout: Duration,
}

impl Settings {
    /// The usual settings.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            prefix: "pm".to_owned(),
            ca: None,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
        }
    }
}

/// A store in Redis.
pub struct RedisStore {
    keys: Keys,
    fleet: Fleet,
    portals: HashMap<Arc<str>, Portal>,
    stamps: HashMap<PolicyId, Stamp>,
    /// Policies that were asked for and are not known.
    unknown: HashSet<PolicyId>,
    aside: Vec<SetAside>,
    /// What other nodes are told of this one.
    about: NodeState,
    /// What all nodes have told.
    watermark: Watermark,
    /// When what was seen was last to be sent again because values could not be read.
    mended: Option<Millis>,
    /// Policies or portals are known here, and could not be told yet.
    untold: bool,
    /// How long entries stay that every ledger known has, in milliseconds.
    lingers: Millis,
}

/// A portal's keys, and the token that was made with them.
struct Portal {
    keys: PortalKeys,
    epoch: Option<String>,
}

/// A key of ours that held what is not ours, and how it was renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The portal.
    pub portal: Arc<str>,
    /// Its name now, below `{prefix}:{portal}:aside:`.
    pub renamed: String,
}

/// So many names of keys set aside are kept until they are taken.
const ASIDE: usize = 256;

impl RedisStore {
    /// A store that connects when it is first asked.
    pub fn new(settings: &Settings) -> Self {
        Self {
            keys: Keys::new(&settings.prefix),
            fleet: Fleet::new(settings),
            portals: HashMap::new(),
            stamps: HashMap::new(),
            unknown: HashSet::new(),
            aside: Vec::new(),
            about: NodeState::default(),
            watermark: Watermark::unknown(),
            mended: None,
            untold: false,
            lingers: 0,
        }
    }

    /// Entries that every ledger known has stay for so long: where each node has a ledger of its own, another may make
    /// itself known a little later.
    #[must_use]
    pub fn lingering(mut self, millis: Millis) -> Self {
        self.lingers = millis;
        self
    }

    /// What other nodes are told of this one: where it runs, since when, and which release.
    #[must_use]
    pub fn introduced(mut self, about: NodeState) -> Self {
        self.about = about;
        self
    }

    /// The values under these slots, each by itself: a primary that is away holds up no other's.
    pub fn load(&mut self, places: &[Place]) -> Vec<Result<Option<Vec<u8>>, RedisError>> {
        let mut pipeline = Pipeline::guarded();
        for place in places {
            let keys = &self.portal(&place.portal).keys;
            pipeline.add(keys.slot, cmd("GET").arg(keys.of_slot(&place.slot)));
        }
        let answers = self.fleet.run(&pipeline);
        let values = places.iter().zip(answers);
        let values = values.map(|(place, answer)| match answer {
            Ok(Value::Nil) => Ok(None),
            Ok(Value::BulkString(value)) => Ok(Some(value)),
            Ok(_) => Err(RedisError::strange("GET")),
            Err(error) if error.is_foreign() => {
                let key = self.portal(&place.portal).keys.of_slot(&place.slot);
                self.put_aside(&place.portal, &key, "string").map(|()| None)
            }
            Err(error) => Err(error),
        });
        values.collect()
    }

    /// Does these steps at `now`, each whole or not at all, and says of each what became of it.
    pub fn apply(&mut self, steps: &[Step], now: Millis) -> Vec<Result<Outcome, RedisError>> {
        let failed = self.know_epochs(steps.iter().map(|step| &step.portal));
        let mut outcomes: Vec<_> = steps.iter().map(|_| Err(RedisError::strange("a commit"))).collect();
        let mut groups = together(steps);
        while !groups.is_empty() {
            let (mut alone, mut held_up) = (Vec::new(), HashSet::new());
            for (group, outcome) in groups.iter().zip(self.apply_groups(&groups, steps, now, &failed)) {
                let portal = &steps[group[0]].portal;
                // Whoever lost the race, the others did not, nor did those who build on what they leave.
                if matches!(outcome, Ok(Outcome::Lost(_))) && (group.len() > 1 || held_up.contains(portal)) {
                    held_up.insert(portal);
                    alone.extend(group.iter().map(|step| vec![*step]));
                } else {
                    for step in group {
                        outcomes[*step].clone_from(&outcome);
                    }
                }
            }
            groups = alone;
        }
        outcomes
    }

    /// Does these groups of steps, each whole or not at all.
    fn apply_groups(
        &mut self,
        groups: &[Group],
        steps: &[Step],
        now: Millis,
        failed: &HashMap<Arc<str>, RedisError>,
    ) -> Vec<Result<Outcome, RedisError>> {
        let Self { portals, fleet, .. } = self;
        let mut calls = commit::Steps::new(now);
        let portal_of = |group: &Group| &steps[group[0]].portal;
        // What has no epoch is not sent.
        let unsent = groups.iter().map(|group| {
            let portal = portals.get(portal_of(group));
            match portal.and_then(|portal| Some((&portal.keys, portal.epoch.as_deref()?))) {
                Some((keys, epoch)) => {
                    calls.add(keys, epoch, group.iter().map(|step| &steps[*step]).collect());
                    None
                }
                None => Some(failed.get(portal_of(group)).map_or(Ok(Outcome::Reset), |error| Err(error.clone()))),
            }
        });
        let unsent: Vec<_> = unsent.collect();
        let mut answers = fleet.run(&calls).into_iter();
        let outcomes = groups.iter().zip(unsent).map(|(group, unsent)| {
            if let Some(outcome) = unsent {
                return outcome;
            }
            let answer = answers.next().unwrap_or_else(|| Err(RedisError::strange("a commit")))?;
            let commit::Answer { outcome, aside } = commit::answer(answer)?;
            self.report_all_aside(portal_of(group), aside);
            Ok(outcome)
        });
        outcomes.collect()
    }

    /// How long until another try makes sense; nothing if now.
    pub fn again_in(&self) -> Option<Duration> {
        self.fleet.again_in()
    }

    /// Keys of ours that held what is not ours, since the last call.
    pub fn take_aside(&mut self) -> Vec<SetAside> {
        std::mem::take(&mut self.aside)
    }

    fn portal(&mut self, name: &Arc<str>) -> &mut Portal {
        let Self { portals, keys, .. } = self;
        if !portals.contains_key(name) {
            portals.insert(Arc::clone(name), Portal { keys: keys.portal(name), epoch: None });
        }
        portals.entry(Arc::clone(name)).or_insert_with(|| Portal { keys: keys.portal(name), epoch: None })
    }

    /// Renames a key of ours that does not hold the type it should.
    fn put_aside(&mut self, portal: &Arc<str>, key: &str, kind: &str) -> Result<(), RedisError> {
        let keys = &self.portal(portal).keys;
        let (slot, script) = (keys.slot, &*script::ASIDE);
        let mut call = Cmd::new();
        call.arg("EVALSHA").arg(&script.sha).arg(2).arg(key).arg(keys.aside()).arg(kind).arg(keys.name(key));
        if let Value::BulkString(renamed) = self.fleet.ask_script(slot, &call, script)? {
            self.report_aside(portal, String::from_utf8_lossy(&renamed).into_owned());
        }
        Ok(())
    }

    fn report_all_aside(&mut self, portal: &Arc<str>, aside: Vec<String>) {
        for renamed in aside {
            self.report_aside(portal, renamed);
        }
    }

    fn report_aside(&mut self, portal: &Arc<str>, renamed: String) {
        tracing::warn!(%portal, "a key of ours held what is not ours and was renamed to {{prefix}}:{{portal}}:aside:…");
        tracing::debug!(%portal, renamed, "a key was renamed");
        if self.aside.len() < ASIDE {
            self.aside.push(SetAside { portal: Arc::clone(portal), renamed });
        }
    }
}

//! What all nodes of an installation share: policies, portals, nodes with their watermarks, the generated secret.

use std::collections::HashMap;
use std::sync::Arc;

use portalmeter_rules::time::Millis;
use redis::cluster_routing::Slot as HashSlot;
use redis::{Cmd, Value, cmd};
use serde::{Deserialize, Serialize};

use super::error::RedisError;
use super::{RedisStore, script};
use crate::observation::Stamp;
use crate::policy::{Policy, PolicyId};
use crate::store::NodeId;

/// What a node tells of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// When it last told.
    pub seen: Millis,
    /// All its observations before this are committed.
    pub passed: Millis,
    /// The machine's name.
    pub host: String,
    /// When it started.
    pub started: Millis,
    /// The program's version.
    pub version: String,
}

/// A node that told of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Its id, as [`NodeId`] shows it.
    pub id: String,
    /// What it told; nothing if that cannot be read.
    pub state: Option<NodeState>,
}

/// Policies that are not known are remembered so many; then all are asked for again.
const UNKNOWN: usize = 1_024;

impl RedisStore {
    /// Makes policies known to all nodes, so that what they stamped can be read again.
    pub fn know(&mut self, stamps: &[Stamp]) -> Result<(), RedisError> {
        let new: Vec<Stamp> = stamps.iter().filter(|stamp| !self.stamps.contains_key(&stamp.id)).cloned().collect();
        self.write_policies(&new)?;
        self.unknown.clear();
        self.stamps.extend(new.into_iter().map(|stamp| (stamp.id, stamp)));
        Ok(())
    }

    fn write_policies(&mut self, stamps: &[Stamp]) -> Result<(), RedisError> {
        if stamps.is_empty() {
            return Ok(());
        }
        let mut call = cmd("HSET");
        let key = self.keys.shared("policies");
        call.arg(&key);
        for stamp in stamps {
            call.arg(stamp.id.to_string()).arg(stamp.policy.to_text());
        }
        self.ask_shared(&key, "hash", &call).map(drop)
    }

    /// A policy that some node made known; Redis is asked once for each.
    pub fn stamp(&mut self, id: PolicyId) -> Result<Option<Stamp>, RedisError> {
        if let Some(stamp) = self.stamps.get(&id) {
            return Ok(Some(stamp.clone()));
        }
        if self.unknown.contains(&id) {
            return Ok(None);
        }
        let key = self.keys.shared("policies");
        let answer = self.ask_shared(&key, "hash", cmd("HGET").arg(&key).arg(id.to_string()))?;
        let text: Option<Vec<u8>> = redis::from_redis_value(answer).map_err(|_| RedisError::strange("HGET"))?;
        let policy = text.and_then(|text| Policy::from_text(std::str::from_utf8(&text).ok()?));
        if let Some(policy) = policy {
            let stamp = Stamp { id, policy: Arc::new(policy) };
            self.stamps.insert(id, stamp.clone());
            return Ok(Some(stamp));
        }
        if self.unknown.len() >= UNKNOWN {
            self.unknown.clear();
        }
        self.unknown.insert(id);
        Ok(None)
    }

    /// Makes portals known: to other programs, and to [`RedisStore::continuity`].
    pub fn serve(&mut self, portals: &[Arc<str>]) -> Result<(), RedisError> {
        for portal in portals {
            self.portal(portal);
        }
        self.write_portals(portals)
    }

    fn write_portals(&mut self, portals: &[Arc<str>]) -> Result<(), RedisError> {
        if portals.is_empty() {
            return Ok(());
        }
        let key = self.keys.shared("portals");
        let mut call = cmd("SADD");
        call.arg(&key);
        for portal in portals {
            call.arg(&**portal);
        }
        self.ask_shared(&key, "set", &call).map(drop)
    }

    /// The portals that any node serves or served.
    pub fn portals(&mut self) -> Result<Vec<String>, RedisError> {
        let key = self.keys.shared("portals");
        let answer = self.ask_shared(&key, "set", cmd("SMEMBERS").arg(&key))?;
        let names: Vec<Vec<u8>> = redis::from_redis_value(answer).map_err(|_| RedisError::strange("SMEMBERS"))?;
        let mut names: Vec<String> = names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Tells of a node.
    pub fn tell_node(&mut self, id: NodeId, state: &NodeState) -> Result<(), RedisError> {
        let key = self.keys.shared("nodes");
        let text = serde_json::to_string(state).unwrap_or_default();
        self.ask_shared(&key, "hash", cmd("HSET").arg(&key).arg(id.to_string()).arg(text)).map(drop)
    }

    /// A node ended well, or its journal was applied: nobody waits for it any more.
    pub fn forget_node(&mut self, id: NodeId) -> Result<(), RedisError> {
        let key = self.keys.shared("nodes");
        self.ask_shared(&key, "hash", cmd("HDEL").arg(&key).arg(id.to_string())).map(drop)
    }

    /// All nodes that told of themselves and have not ended.
    pub fn nodes(&mut self) -> Result<Vec<KnownNode>, RedisError> {
        let key = self.keys.shared("nodes");
        let answer = self.ask_shared(&key, "hash", cmd("HGETALL").arg(&key))?;
        let all: HashMap<Vec<u8>, Vec<u8>> =
            redis::from_redis_value(answer).map_err(|_| RedisError::strange("HGETALL"))?;
        let mut nodes: Vec<KnownNode> = all
            .into_iter()
            .map(|(id, state)| KnownNode {
                id: String::from_utf8_lossy(&id).into_owned(),
                state: serde_json::from_slice(&state).ok(),
            })
            .collect();
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(nodes)
    }

    /// The secret of the installation: the first that any node proposes, the same for all.
    pub fn secret(&mut self, proposed: &[u8]) -> Result<Vec<u8>, RedisError> {
        let key = self.keys.shared("secret");
        self.ask_shared(&key, "string", cmd("SET").arg(&key).arg(proposed).arg("NX"))?;
        let mut answer = self.ask_shared(&key, "string", cmd("GET").arg(&key))?;
        if answer == Value::Nil {
            // What stood there was no secret, and is set aside now.
            self.ask_shared(&key, "string", cmd("SET").arg(&key).arg(proposed).arg("NX"))?;
            answer = self.ask_shared(&key, "string", cmd("GET").arg(&key))?;
        }
        redis::from_redis_value(answer).map_err(|_| RedisError::strange("GET"))
    }

    /// Tells a Redis that has forgotten what this node made known.
    pub(super) fn tell_all_again(&mut self) -> Result<(), RedisError> {
        let stamps: Vec<Stamp> = self.stamps.values().cloned().collect();
        self.write_policies(&stamps)?;
        let portals: Vec<Arc<str>> = self.portals.keys().cloned().collect();
        self.write_portals(&portals)
    }

    /// A call on a key of the installation; what is of another type is set aside first.
    fn ask_shared(&mut self, key: &str, kind: &str, call: &Cmd) -> Result<Value, RedisError> {
        let slot = HashSlot::for_key(key);
        match self.fleet.ask(slot, call) {
            Err(error) if error.is_foreign() => {
                let script = &*script::ASIDE;
                let mut aside = Cmd::new();
                // Braces keep the new name in the old one's slot.
                let stem = self.keys.shared(&format!("aside:{{{key}}}:"));
                aside.arg("EVALSHA").arg(&script.sha).arg(2).arg(key).arg(stem).arg(kind).arg("was");
                if let Value::BulkString(renamed) = self.fleet.ask_script(slot, &aside, script)? {
                    self.report_aside(&"".into(), String::from_utf8_lossy(&renamed).into_owned());
                }
                self.fleet.ask(slot, call)
            }
            answer => answer,
        }
    }
}

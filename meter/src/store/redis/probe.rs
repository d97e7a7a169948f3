//! Whether commits could be taken, found out without writing anything.

use std::sync::Arc;

use portalmeter_rules::time::Millis;
use redis::cluster_routing::Slot as HashSlot;
use redis::{Cmd, cmd};

use super::error::RedisError;
use super::fleet::Pipeline;
use super::{RedisStore, script};

/// No epoch is called so: a step of it does nothing.
const NOBODYS: &str = "?";

impl RedisStore {
    /// Tries, for a portal, what needs the rights, the database and the server that commits need. Nothing is changed.
    pub fn probe(&mut self, portal: &Arc<str>) -> Result<(), RedisError> {
        let keys = self.portal(portal).keys.clone();
        let mut pipeline = Pipeline::default();
        pipeline.add(keys.slot, cmd("GET").arg(&keys.epoch));
        // A write that finds nothing to do.
        pipeline.add(keys.slot, cmd("ZREMRANGEBYSCORE").arg(&keys.live).arg("(0").arg(Millis::MIN));
        let script = &*script::COMMIT;
        let mut step = Cmd::new();
        step.arg("EVALSHA").arg(&script.sha).arg(4).arg(&keys.epoch).arg(&keys.live).arg(&keys.records).arg(&keys.days);
        step.arg(NOBODYS);
        pipeline.add_script(keys.slot, &step, script);
        for shared in ["nodes", "policies"] {
            let key = self.keys.shared(shared);
            pipeline.add(HashSlot::for_key(&key), cmd("EXISTS").arg(&key));
        }
        self.fleet.run(&pipeline).into_iter().try_for_each(|answer| match answer {
            // What is not ours under a key of ours is renamed when it is found.
            Err(error) if !error.is_foreign() => Err(error),
            _ => Ok(()),
        })
    }
}

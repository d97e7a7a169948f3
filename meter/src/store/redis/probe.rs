//! Whether commits could be taken, found out without writing anything.

use std::sync::Arc;

use portalmeter_rules::time::Millis;
use redis::cluster_routing::Slot as HashSlot;
use redis::{Cmd, cmd};

use super::error::RedisError;
use super::fleet::Pipeline;
use super::{RedisStore, script};

/// No epoch, and no key of a portal, is called so: what is done with it does nothing.
const NOBODYS: &str = "?";
/// What commits, ledgers and chores do with keys, and cannot do to a key that is not there.
const HARMLESS: [(&str, &[&str], &[&str]); 11] = [
    ("PEXPIRE", &[], &["1"]),
    ("DEL", &[], &[]),
    ("SET", &[], &["", "XX"]),
    ("HDEL", &[], &[NOBODYS]),
    ("ZADD", &[], &["XX", "0", NOBODYS]),
    ("XTRIM", &[], &["MAXLEN", "0"]),
    ("XDEL", &[], &["0-1"]),
    ("XRANGE", &[], &["-", "+"]),
    ("XINFO", &["STREAM"], &[]),
    ("XGROUP", &["SETID"], &[NOBODYS, "0"]),
    ("XADD", &[], &["NOMKSTREAM", "*", "entry", ""]),
];

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
        // Of an epoch that there is not, a step that does nothing.
        step.arg(NOBODYS).arg(&[0_u8; 12][..]);
        pipeline.add_script(keys.slot, &step, script);
        let nobodys = keys.named(NOBODYS);
        for (name, sub, args) in HARMLESS {
            pipeline.add(keys.slot, cmd(name).arg(sub).arg(&nobodys).arg(args));
        }
        pipeline.add(keys.slot, cmd("RENAME").arg(&nobodys).arg(&nobodys));
        for shared in ["nodes", "policies"] {
            let key = self.keys.shared(shared);
            pipeline.add(HashSlot::for_key(&key), cmd("EXISTS").arg(&key));
        }
        self.fleet.run(&pipeline).into_iter().try_for_each(|answer| match answer {
            // What is not ours under a key of ours is renamed when it is found.
            Err(error) if !error.is_foreign() && !is_about_nobody(&error) => Err(error),
            _ => Ok(()),
        })
    }
}

/// There is no such key, and it would have been done if there were.
fn is_about_nobody(error: &RedisError) -> bool {
    ["no such key", "requires the key to exist"].iter().any(|words| error.said.contains(words))
}

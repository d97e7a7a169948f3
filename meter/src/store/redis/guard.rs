//! What about a Redis could make counts wrong: told at start, by `check`, in metrics and in the detail of `/readyz`.

use portalmeter_rules::time::Millis;
use redis::cmd;

use super::RedisStore;
use super::clock::Offset;
use super::continuity::field;
use super::error::{RedisError, Trouble};
use super::node::Node;

/// Something about a server that its operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its name, for metrics.
    pub what: &'static str,
    /// Which server; nothing if it concerns all.
    pub server: Option<String>,
    /// What was found.
    pub detail: String,
    /// What it means, and what to do.
    pub meaning: &'static str,
}

/// The oldest release that works: SET with PXAT, XTRIM with MINID.
const OLDEST: (u32, u32) = (6, 2);

impl RedisStore {
    /// Looks at every primary. `bound` is how far clocks may be apart, in milliseconds.
    pub fn findings(&mut self, bound: Millis) -> Result<Vec<Finding>, RedisError> {
        let mut found = Vec::new();
        for (host, linked) in self.fleet.primaries()? {
            let node = self.fleet.node(&host);
            match linked.and_then(|()| Facts::of(node)) {
                Ok(facts) => found.extend(facts.findings(&node.name)),
                Err(error) => found.push(Finding {
                    what: "away",
                    server: Some(node.name.clone()),
                    detail: error.said.clone(),
                    meaning: error.hint(),
                }),
            }
        }
        let uncovered = self.fleet.uncovered();
        if uncovered > 0 {
            found.push(Finding {
                what: "slots",
                server: None,
                detail: format!("{uncovered} slots of the cluster have no primary"),
                meaning: "portals in these slots are not committed: see `redis-cli cluster info`",
            });
        }
        if let Some(unsaid) = self.fleet.unsaid() {
            found.push(Finding {
                what: "sentinels",
                server: unsaid.server.clone(),
                detail: unsaid.said.clone(),
                meaning: "no sentinel says who the primary is: a failover would not be followed; see whether they run",
            });
        }
        // Where it cannot be asked, a finding above says why.
        let offset = self.clock().unwrap_or(Offset { millis: 0, uptime: 0, bound: 0 });
        if offset.millis.abs() > bound.saturating_add(offset.bound) {
            found.push(Finding {
                what: "clock",
                server: None,
                detail: format!("its clock is {} ms from this machine's, give or take {}", offset.millis, offset.bound),
                meaning: "observations are stamped with its time: see that all machines keep time, by chrony or the like",
            });
        }
        Ok(found)
    }
}

/// What a server says of itself.
struct Facts {
    info: String,
    save: Option<String>,
    policy: Option<String>,
}

impl Facts {
    fn of(node: &mut Node) -> Result<Self, RedisError> {
        let mut info = String::new();
        for section in ["server", "memory", "persistence"] {
            info.push_str(&permitted(node.ask(cmd("INFO").arg(section)))?.unwrap_or_default());
        }
        let policy = match field(&info, "maxmemory_policy") {
            Some(policy) => Some(policy.to_owned()),
            None => configured(node, "maxmemory-policy")?,
        };
        Ok(Self { info, policy, save: configured(node, "save")? })
    }

    fn findings(&self, server: &str) -> Vec<Finding> {
        if self.info.is_empty() {
            return vec![Finding {
                what: "blind",
                server: Some(server.to_owned()),
                detail: "INFO is not allowed".to_owned(),
                meaning: "a restart or failover that loses data is not noticed: give the user +info",
            }];
        }
        let found = [self.version(), self.eviction(), self.fullness(), self.persistence(), self.snapshot(), self.log()];
        let of_server = |(what, detail, meaning)| Finding { what, server: Some(server.to_owned()), detail, meaning };
        found.into_iter().flatten().map(of_server).collect()
    }

    fn version(&self) -> Option<Said> {
        let version = field(&self.info, "redis_version")?;
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let is_old = (parts.next()?, parts.next().unwrap_or(0)) < OLDEST;
        let meaning = "commits are refused: 6.2 is the oldest that works, or any Valkey";
        is_old.then(|| ("version", format!("its version is {version}"), meaning))
    }

    fn eviction(&self) -> Option<Said> {
        let policy = self.policy.as_deref()?;
        let meaning =
            "a full Redis forgets counters or sessions, which are billed again: set maxmemory-policy noeviction";
        (policy != "noeviction").then(|| ("eviction", format!("maxmemory-policy is {policy}"), meaning))
    }

    fn fullness(&self) -> Option<Said> {
        let (used, most) = (self.number("used_memory")?, self.number("maxmemory")?);
        let percent = used.saturating_mul(100).checked_div(most)?;
        let meaning = "full, it takes no commits: raise maxmemory in time";
        (percent >= 80).then(|| ("memory", format!("{percent} % of maxmemory are in use"), meaning))
    }

    fn persistence(&self) -> Option<Said> {
        if field(&self.info, "aof_enabled")? != "0" {
            return None;
        }
        Some(match self.save.as_deref() {
            Some("") => (
                "persistence",
                "it keeps nothing on disk".to_owned(),
                "a restart loses all, of which journals send the last `journal.keep` again: set appendonly yes",
            ),
            _ => (
                "persistence",
                "it has no append-only file".to_owned(),
                "a restart loses what came after the last snapshot, of which journals send the last `journal.keep` \
                 again: set appendonly yes",
            ),
        })
    }

    fn snapshot(&self) -> Option<Said> {
        let failed = field(&self.info, "rdb_last_bgsave_status")? != "ok";
        let meaning = "soon it may take no commits: see its log, free disk space";
        failed.then(|| ("snapshot", "its last snapshot failed".to_owned(), meaning))
    }

    fn log(&self) -> Option<Said> {
        let failed = field(&self.info, "aof_last_write_status")? != "ok";
        let meaning = "it takes no commits: see its log, free disk space";
        failed.then(|| ("append_only_file", "the last write to its append-only file failed".to_owned(), meaning))
    }

    fn number(&self, name: &str) -> Option<u64> {
        field(&self.info, name)?.parse().ok()
    }
}

/// What was found, in which words, and what it means.
type Said = (&'static str, String, &'static str);

/// A text that we may not be allowed to see.
fn permitted(answer: Result<redis::Value, RedisError>) -> Result<Option<String>, RedisError> {
    match answer {
        Err(error) if error.trouble == Trouble::Forbidden || error.said.contains("unknown command") => Ok(None),
        answer => Ok(redis::from_redis_value(answer?).ok()),
    }
}

/// An option, where we may ask; providers often forbid it.
fn configured(node: &mut Node, name: &str) -> Result<Option<String>, RedisError> {
    match node.ask(cmd("CONFIG").arg("GET").arg(name)) {
        Err(error) if matches!(error.trouble, Trouble::Forbidden | Trouble::Unexpected) => Ok(None),
        answer => {
            let pair: Option<(String, String)> = redis::from_redis_value(answer?).ok();
            Ok(pair.map(|(_, value)| value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(info: &str, save: Option<&str>, policy: Option<&str>) -> Vec<&'static str> {
        let facts = Facts { info: info.into(), save: save.map(str::to_owned), policy: policy.map(str::to_owned) };
        facts.findings("here").iter().map(|finding| finding.what).collect()
    }

    const WELL: &str = "redis_version:7.0.15\r\nused_memory:79\r\nmaxmemory:100\r\naof_enabled:1\r\n\
                        rdb_last_bgsave_status:ok\r\naof_last_write_status:ok\r\n";

    #[test]
    fn a_well_kept_server_gives_no_finding() {
        assert!(found(WELL, Some("3600 1"), Some("noeviction")).is_empty());
        assert!(found("redis_version:7.0.15\r\nmaxmemory:0\r\nused_memory:5", None, None).is_empty());
    }

    #[test]
    fn each_shortcoming_is_found() {
        for (from, to, what) in [
            ("7.0.15", "6.0.16", "version"),
            ("used_memory:79", "used_memory:80", "memory"),
            ("aof_enabled:1", "aof_enabled:0", "persistence"),
            ("bgsave_status:ok", "bgsave_status:err", "snapshot"),
            ("write_status:ok", "write_status:err", "append_only_file"),
        ] {
            assert_eq!(found(&WELL.replace(from, to), Some(""), Some("noeviction")), [what]);
        }
        assert_eq!(found(WELL, None, Some("volatile-lru")), ["eviction"]);
        assert_eq!(found("", None, None), ["blind"]);
    }
}

//! The counters that billing reads in Redis.

use std::collections::{BTreeMap, HashMap};

use redis::cmd;

use super::super::calendar::Calendar;
use super::super::plan;
use super::super::servers::redis::Redis;
use super::{Counts, Found};

/// The hashes of the run's days: of each portal, and where there are modules of each module.
pub(crate) fn read(primaries: &[Redis], calendar: &Calendar) -> Found {
    let mut counts = BTreeMap::new();
    for portal in plan::ALL {
        for date in [calendar.date(0), calendar.date(1)] {
            let key = format!("pm:{{{}}}:usage:{date}", portal.name);
            let whole = hash(primaries, &key);
            if portal.modules.is_empty() {
                if let Some(whole) = whole {
                    counts.insert((portal.name.to_owned(), String::new(), date), whole);
                }
                continue;
            }
            let mut sum = Counts::default();
            for module in portal.modules {
                let Some(of) = hash(primaries, &format!("{key}:{module}")) else { continue };
                sum = Counts {
                    guest: sum.guest + of.guest,
                    external: sum.external + of.external,
                    internal: sum.internal + of.internal,
                    bot: sum.bot + of.bot,
                    converted: sum.converted + of.converted,
                    page_views: sum.page_views + of.page_views,
                };
                counts.insert((portal.name.to_owned(), (*module).to_owned(), date.clone()), of);
            }
            // Both are read one after the other: while counters move, they are asked for again.
            if whole.unwrap_or_default() != sum {
                let place = format!("all modules, which come to {sum:?},");
                counts.insert((portal.name.to_owned(), place, date), whole.unwrap_or_default());
            }
        }
    }
    Found { source: "Redis".to_owned(), counts }
}

/// A hash, from whichever primary has it.
fn hash(primaries: &[Redis], key: &str) -> Option<Counts> {
    let found = primaries.iter().find_map(|redis| redis.ask::<HashMap<String, i64>>(cmd("HGETALL").arg(key)))?;
    (!found.is_empty()).then(|| Counts::read(|column| found.get(column).copied().unwrap_or_default()))
}

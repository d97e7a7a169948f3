//! Redis as a keeper sees it.

use std::collections::BTreeSet;
use std::sync::Arc;

use portalmeter_rules::time::Millis;

use super::feed::{Attendance, Feed, Read};
use crate::day::Day;
use crate::ledger::{Position, Statistics, Totals};
use crate::stamping::Stamping;
use crate::store::redis::clock::Offset;
use crate::store::redis::counters::{Repair, Settled};
use crate::store::redis::stream::{self, StreamId};
use crate::store::redis::{Continuity, RedisStore};
use crate::store::{StoreError, farewell};

/// Clocks may be so far apart, in milliseconds, before an operator is told.
const CLOCKS: Millis = 1_000;
/// A place of the stream has the entries of some steps; so many, it is thought, where there are many.
const A_PLACE: usize = 4;
/// So many leave the list of the living at once.
const AT_ONCE: usize = 500;

impl Feed for RedisStore {
    fn continuity(&mut self) -> Result<Option<String>, StoreError> {
        Ok(match Self::continuity(self)? {
            Continuity::Same => None,
            Continuity::Forgot(why) => Some(why),
        })
    }

    fn begin_again(&mut self) -> Result<(), StoreError> {
        Ok(Self::begin_again(self)?)
    }

    fn open(&mut self, portal: &Arc<str>, ledger: &str) -> Result<(), StoreError> {
        self.group(portal, ledger, None)?;
        Ok(())
    }

    fn read(&mut self, portal: &Arc<str>, after: Position, count: usize) -> Result<Read, StoreError> {
        let (stream, mut read) = (self.stream(portal)?, Read::default());
        if after.stream != stream.number {
            if after.at >= stream.begins {
                return Err(StoreError::Rival(Arc::clone(portal)));
            }
            // From here on the position is of this one.
            read.upto = Some(after.of(stream.number));
        }
        let told = Self::read(self, portal, id(after), count.div_ceil(A_PLACE))?;
        if !told.is_empty() {
            // Else what was read may be a later stream's.
            self.is_still(portal)?;
        }
        for one in told {
            read.upto = Some(position(one.id).of(stream.number));
            match one.entry {
                Some(entry) => read.entries.push(entry),
                None => read.unreadable += 1,
            }
        }
        Ok(read)
    }

    fn acknowledge(&mut self, portal: &Arc<str>, ledger: &str, upto: Position) -> Result<(), StoreError> {
        Self::acknowledge(self, portal, ledger, id(upto))?;
        self.trim(portal)?;
        Ok(())
    }

    fn renew(&mut self, portal: &Arc<str>, ledger_has: Position) -> Result<bool, StoreError> {
        let may = !self.is_young(portal)?;
        if may {
            self.renew_behind(portal, ledger_has.at)?;
        }
        Ok(may)
    }

    fn statistics(&mut self, portal: &Arc<str>, stamping: &Stamping) -> Result<Vec<Statistics>, StoreError> {
        let days = Self::statistics(self, portal)?;
        let by_module: BTreeSet<Day> = days.iter().filter(|day| day.module.is_some()).map(|day| day.day).collect();
        // A portal's day is the sum of its modules, which the ledger has each.
        let days = days.into_iter().filter(|day| day.sealed.is_none());
        let days = days.filter(|day| day.module.is_some() || !by_module.contains(&day.day));
        let statistics = days.map(|day| Statistics {
            module: day.module.as_deref().map(str::to_owned),
            day: day.day,
            zone: stamping.zone_of(day.day).name().to_owned(),
            page_views: day.sums.page_views,
            actions: day.sums.actions,
            duration_ms: day.sums.duration_ms.max(0),
        });
        Ok(statistics.collect())
    }

    fn has_counters(&self) -> bool {
        true
    }

    fn settle(&mut self, portal: &Arc<str>, totals: &Totals) -> Result<u64, StoreError> {
        let (epoch, stream) = (self.epoch(portal)?, self.stream(portal)?.number);
        if totals.position.stream != stream && totals.position != Position::START {
            return Ok(0);
        }
        let id = id(totals.position);
        let days: Vec<_> =
            totals.days.iter().map(|total| (total.module.as_deref().map(Arc::from), total.day, total.sums)).collect();
        Ok(match self.settle_counters(portal, &stream::Position { epoch, id }, &days)? {
            Settled::Behind => 0,
            Settled::Repaired(repairs) => {
                for Repair { module, day, field, was, is } in &repairs {
                    let module = module.as_deref();
                    tracing::info!(%portal, module, %day, field, was, is, "a counter was set to what the ledger has");
                }
                repairs.len() as u64
            }
        })
    }

    fn sweep(&mut self, portal: &Arc<str>, seen_before: Millis, now: Millis) -> Result<(), StoreError> {
        loop {
            let overdue = self.overdue(portal, seen_before, AT_ONCE)?;
            if overdue.is_empty() {
                return Ok(());
            }
            let many = overdue.len() == AT_ONCE;
            let last_words = farewell(self, portal, overdue, now)?;
            let gone = self.leave(portal, seen_before, &last_words)?;
            if !many || gone == 0 {
                return Ok(());
            }
        }
    }

    fn attendance(&mut self, _: Millis) -> Result<Vec<Attendance>, StoreError> {
        let nodes = self.nodes()?.into_iter().map(|node| {
            let (host, passed) = node.state.map_or((String::new(), 0), |state| (state.host, state.passed));
            Attendance { name: format!("{} on {host}", node.id), passed }
        });
        Ok(nodes.collect())
    }

    fn sealed(&mut self, portal: &Arc<str>, day: Day, at: Millis) -> Result<(), StoreError> {
        Ok(self.mark_sealed(portal, None, day, at)?)
    }

    fn clock_offset(&mut self) -> Result<Option<Offset>, StoreError> {
        Ok(Some(self.clock()?))
    }

    fn warnings(&mut self) -> Result<Vec<(String, String, String)>, StoreError> {
        let findings = self.findings(CLOCKS)?;
        Ok(findings.into_iter().map(|one| (one.what.to_owned(), one.detail, one.meaning.to_owned())).collect())
    }
}

fn id(position: Position) -> StreamId {
    StreamId { millis: position.at, number: position.number }
}

fn position(id: StreamId) -> Position {
    Position { at: id.millis, number: id.number, stream: 0 }
}

//! The store of a node that shares it with others.

use std::sync::Arc;

use portalmeter_rules::time::Millis;
use redis::cmd;

use super::super::step::{Outcome, Place, Step};
use super::super::{NodeId, Resumed, Store, StoreError};
use super::shared::NodeState;
use super::watermark::Watermark;
use super::{Continuity, RedisStore};
use crate::history::Memory;
use crate::observation::Stamp;
use crate::policy::PolicyId;

/// What was seen is sent again so often at most because values cannot be read, in milliseconds.
const MENDS: Millis = 600_000;

impl Store for RedisStore {
    fn know(&mut self, stamps: &[Stamp]) -> Result<(), StoreError> {
        // Whether Redis is there decides nothing here: it is told when it is.
        if Self::know(self, stamps).is_err() {
            self.untold = true;
            self.stamps.extend(stamps.iter().map(|stamp| (stamp.id, stamp.clone())));
        }
        Ok(())
    }

    fn stamp(&mut self, id: PolicyId) -> Result<Option<Stamp>, StoreError> {
        Ok(Self::stamp(self, id)?)
    }

    /// How far a node came is in its journal.
    fn reach(&mut self) -> Result<(), StoreError> {
        Ok(Self::reach(self)?)
    }

    fn position(&mut self, _: NodeId) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn passed(&mut self, _: NodeId, _: u64, _: Millis) -> Result<(), StoreError> {
        Ok(())
    }

    fn load(&mut self, places: &[Place]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        Ok(Self::load(self, places).into_iter().collect::<Result<_, _>>()?)
    }

    fn set_aside(&mut self, places: &[Place], now: Millis) -> Result<bool, StoreError> {
        for place in places {
            let key = self.portal(&place.portal).keys.of_slot(&place.slot);
            self.put_aside(&place.portal, &key, "of no type")?;
        }
        // A release that writes values otherwise would never come to an end.
        if self.mended.is_some_and(|mended| now - mended < MENDS) {
            return Ok(true);
        }
        self.mended = Some(now);
        for place in places {
            let keys = self.portal(&place.portal).keys.clone();
            self.fleet.ask(keys.slot, cmd("DEL").arg(&keys.epoch))?;
        }
        Err(StoreError::Forgot)
    }

    fn apply(&mut self, steps: &[Step], now: Millis) -> Result<Vec<Outcome>, StoreError> {
        Ok(Self::apply(self, steps, now).into_iter().collect::<Result<_, _>>()?)
    }

    fn continuity(&mut self) -> Result<Option<String>, StoreError> {
        Ok(match Self::continuity(self)? {
            Continuity::Same => None,
            Continuity::Forgot(why) => Some(why),
        })
    }

    fn begun(&mut self, portal: &Arc<str>) -> Result<Option<Millis>, StoreError> {
        Ok(Self::begun(self, portal)?)
    }

    fn begin_again(&mut self) -> Result<(), StoreError> {
        self.watermark = Watermark::unknown();
        Ok(Self::begin_again(self)?)
    }

    fn attend(&mut self, node: NodeId, passed: Millis, now: Millis, memory: Memory) -> Result<(), StoreError> {
        if std::mem::take(&mut self.untold) {
            self.tell_all_again().inspect_err(|_| self.untold = true)?;
        }
        let state = NodeState { seen: now, passed, ..self.about.clone() };
        match self.tell_node(node, &state).and_then(|()| self.nodes()) {
            Ok(nodes) => self.watermark.note(&nodes, now, memory),
            Err(error) => {
                self.watermark = Watermark::unknown();
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn passed_by_all(&self) -> Millis {
        self.watermark.passed()
    }

    fn leave(&mut self, node: NodeId) -> Result<(), StoreError> {
        Ok(self.forget_node(node)?)
    }

    /// Who is live is known to all, and learnt when they are seen.
    fn resume(&mut self, _: Millis) -> Result<Resumed, StoreError> {
        Ok(Resumed::default())
    }

    /// Redis forgets by itself.
    fn expire(&mut self, _: Millis) -> Result<(), StoreError> {
        Ok(())
    }
}

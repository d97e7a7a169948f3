//! A store that is told of policies while it works: a reload brings them, from another thread.

use std::sync::{Arc, Mutex, PoisonError};

use portalmeter_rules::time::Millis;

use crate::observation::Stamp;
use crate::policy::PolicyId;
use crate::store::step::{Outcome, Place, Step};
use crate::store::{NodeId, Resumed, Store, StoreError};

/// Policies that the store has not heard of yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct News(Arc<Mutex<Vec<Stamp>>>);

impl News {
    /// The store knows these before it looks at anything again.
    pub(crate) fn tell(&self, stamps: &[Stamp]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(stamps);
    }
}

/// A store, and what it is still to be told.
pub(crate) struct Informed {
    store: Box<dyn Store>,
    news: News,
}

impl Informed {
    pub(crate) fn new(store: Box<dyn Store>, news: News) -> Self {
        Self { store, news }
    }

    /// What cannot be told is told the next time.
    fn hear(&mut self) -> Result<(), StoreError> {
        let mut untold = self.news.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !untold.is_empty() {
            self.store.know(&untold)?;
            untold.clear();
        }
        Ok(())
    }
}

impl Store for Informed {
    fn know(&mut self, stamps: &[Stamp]) -> Result<(), StoreError> {
        self.store.know(stamps)
    }

    fn stamp(&mut self, id: PolicyId) -> Result<Option<Stamp>, StoreError> {
        self.hear()?;
        self.store.stamp(id)
    }

    fn position(&mut self, node: NodeId) -> Result<u64, StoreError> {
        self.store.position(node)
    }

    fn passed(&mut self, node: NodeId, upto: u64, now: Millis) -> Result<(), StoreError> {
        self.store.passed(node, upto, now)
    }

    fn load(&mut self, places: &[Place]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.hear()?;
        self.store.load(places)
    }

    fn apply(&mut self, steps: &[Step], now: Millis) -> Result<Vec<Outcome>, StoreError> {
        self.store.apply(steps, now)
    }

    fn continuity(&mut self) -> Result<Option<String>, StoreError> {
        self.store.continuity()
    }

    fn begin_again(&mut self) -> Result<(), StoreError> {
        self.store.begin_again()
    }

    fn attend(&mut self, node: NodeId, passed: Millis, now: Millis) -> Result<(), StoreError> {
        self.store.attend(node, passed, now)
    }

    fn leave(&mut self, node: NodeId) -> Result<(), StoreError> {
        self.store.leave(node)
    }

    fn resume(&mut self, now: Millis) -> Result<Resumed, StoreError> {
        self.store.resume(now)
    }

    fn expire(&mut self, now: Millis) -> Result<(), StoreError> {
        self.store.expire(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Experience, Policy};
    use crate::store::embedded::EmbeddedStore;

    #[test]
    fn what_was_told_is_known_before_anything_is_read_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let news = News::default();
        let mut store = Informed::new(Box::new(EmbeddedStore::open(dir.path()).unwrap()), news.clone());
        let stamp = Stamp::new(Policy::preset(Experience::PartnerPortal));
        assert!(store.stamp(stamp.id).unwrap().is_none());
        news.tell(std::slice::from_ref(&stamp));
        store.load(&[]).unwrap();
        assert!(news.0.lock().unwrap().is_empty());
        assert_eq!(store.stamp(stamp.id).unwrap().unwrap().policy, stamp.policy);
        let mut again = EmbeddedStore::open(dir.path()).unwrap();
        assert!(again.stamp(stamp.id).unwrap().is_some(), "after a start too");
    }
}

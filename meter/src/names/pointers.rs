//! What fingerprints point to, and which visitors are pointed to.
//!
//! The second is why a request with a cookie seldom needs its fingerprint: if nothing points to its
//! visitor, there is nothing to close, and the hash need not be made.

use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::mapref::entry::Entry;
use dashmap::mapref::one::RefMut;
use portalmeter_rules::id::Name;

use super::{NameMap, Pointer};

/// Pointers by fingerprint.
#[derive(Debug, Default)]
pub(super) struct Pointers {
    by_fingerprint: NameMap<Pointer>,
    /// How many pointers lead to a visitor. Counted up before a pointer is there, down after it is gone.
    leading: NameMap<u32>,
    count: AtomicUsize,
}

impl Pointers {
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn get(&self, fingerprint: Name) -> Option<Pointer> {
        self.by_fingerprint.get(&fingerprint).map(|pointer| *pointer)
    }

    /// For changes to anything but the visitor.
    pub(super) fn get_mut(&self, fingerprint: Name) -> Option<RefMut<'_, Name, Pointer>> {
        self.by_fingerprint.get_mut(&fingerprint)
    }

    pub(super) fn entry(&self, fingerprint: Name) -> Entry<'_, Name, Pointer> {
        self.by_fingerprint.entry(fingerprint)
    }

    /// Whether some fingerprint may point to a visitor.
    pub(super) fn lead_to(&self, visitor: Name) -> bool {
        self.leading.contains_key(&visitor)
    }

    pub(super) fn insert(&self, fingerprint: Name, pointer: Pointer) {
        self.fill(self.entry(fingerprint), pointer);
    }

    /// Puts a pointer in its place, in that of another if there is one.
    pub(super) fn fill(&self, place: Entry<'_, Name, Pointer>, pointer: Pointer) {
        *self.leading.entry(pointer.visitor).or_insert(0) += 1;
        match place {
            Entry::Occupied(mut there) => {
                let before = there.insert(pointer);
                drop(there);
                self.leads_less(before.visitor);
            }
            Entry::Vacant(free) => {
                free.insert(pointer);
                self.count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Removes a pointer if it is so; says whether it was.
    pub(super) fn remove_if(&self, fingerprint: Name, is_so: impl FnOnce(&Pointer) -> bool) -> bool {
        let Some((_, gone)) = self.by_fingerprint.remove_if(&fingerprint, |_, pointer| is_so(pointer)) else {
            return false;
        };
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.leads_less(gone.visitor);
        true
    }

    fn leads_less(&self, visitor: Name) {
        self.leading.remove_if_mut(&visitor, |_, count| {
            *count = count.saturating_sub(1);
            *count == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_led_to_until_its_last_pointer_is_gone() {
        let (pointers, [home, work, ann, bob]) = (Pointers::default(), [1, 2, 3, 4].map(|byte| Name([byte; 16])));
        pointers.insert(home, Pointer::to(ann, 0));
        pointers.insert(work, Pointer::to(ann, 0));
        pointers.insert(home, Pointer::to(bob, 0));
        assert!(pointers.lead_to(ann) && pointers.lead_to(bob));
        assert!(!pointers.remove_if(work, |pointer| pointer.visitor == bob));
        assert!(pointers.remove_if(work, |_| true));
        assert!(!pointers.lead_to(ann) && pointers.lead_to(bob));
        assert_eq!(pointers.len(), 1);
    }
}

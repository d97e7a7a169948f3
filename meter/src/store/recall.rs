//! What a store has forgotten: the nodes' journals tell it again as far as they go back, the ledger knows what was
//! before. The living must not be billed again, and what no longer follows must not stay.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::step::{Place, Slot};
use super::{Store, StoreError};
use crate::entry::SessionRow;
use crate::history::{History, Memory};
use crate::ledger::LedgerError;
use crate::session::Session;
use crate::sheet::Visitor;

/// A ledger that is asked who was there.
pub trait Recall {
    /// Makes sure that nothing that was read from a portal's stream before this is taken after it.
    fn fence(&mut self, portal: &str) -> Result<(), LedgerError>;

    /// How the sessions of these visitors stand, in all modules, that were seen at or after `since`.
    fn sessions(&mut self, portal: &str, visitors: &[Name], since: Millis) -> Result<Vec<SessionRow>, LedgerError>;
}

/// Visitors of whom the ledger was told, while journals are sent again, what their sessions are and that they have no
/// others. Once for each is enough: what changes later is told as it always is.
#[derive(Debug, Default)]
pub struct Vouched(HashSet<Place>);

/// So many are remembered; to vouch again for one that was forgotten does no harm.
const MOST_VOUCHED: usize = 500_000;

impl Vouched {
    pub(super) fn contains(&self, place: &Place) -> bool {
        self.0.contains(place)
    }

    pub(super) fn note(&mut self, place: Place) {
        if self.0.len() >= MOST_VOUCHED {
            self.0.clear();
        }
        self.0.insert(place);
    }
}

/// What is known of visitors that a store may have forgotten.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    /// Since when the store knows of a portal what it is told.
    begun: HashMap<Arc<str>, Option<Millis>>,
    /// Whom it was asked for.
    asked: HashSet<Place>,
    /// The last session of each, by the ledger.
    sessions: HashMap<Place, SessionRow>,
    /// Where the ledger knows visitors.
    slots: HashMap<Name, BTreeSet<Slot>>,
}

/// What decides how much can have been forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) now: Millis,
    pub(super) idle: Millis,
    /// So many pages a session has that counted.
    pub(super) min_pages: u32,
    pub(super) memory: Memory,
}

/// So many visitors are asked for at once.
const AT_A_TIME: usize = 1_000;

impl Recalled {
    /// Learns since when the store knows the portals of these places.
    pub(super) fn learn_begun(&mut self, store: &mut dyn Store, places: &[Place]) -> Result<(), StoreError> {
        for Place { portal, .. } in places {
            if !self.begun.contains_key(portal) {
                self.begun.insert(Arc::clone(portal), store.begun(portal)?);
            }
        }
        Ok(())
    }

    /// Asks the ledger for the visitors at these places; of portals that began long ago only if `always`.
    pub(super) fn ask(
        &mut self,
        recall: &mut dyn Recall,
        places: Vec<&Place>,
        (since, now, memory): (Millis, Millis, Memory),
        always: bool,
    ) -> Result<(), StoreError> {
        let mut portals: BTreeMap<&Arc<str>, BTreeSet<Name>> = BTreeMap::new();
        for place in places {
            let Place { portal, slot } = place;
            if let (Slot::Visitor(visitor, _), true) = (slot, always || self.began_lately(portal, now, memory)) {
                portals.entry(portal).or_default().insert(*visitor);
                self.asked.insert(place.clone());
            }
        }
        for (portal, visitors) in portals {
            let visitors: Vec<Name> = visitors.into_iter().collect();
            for part in visitors.chunks(AT_A_TIME) {
                for row in recall.sessions(portal, part, since).map_err(StoreError::Unrecalled)? {
                    let slot = Slot::Visitor(row.visitor, row.module.as_deref().map(Into::into));
                    let place = Place { portal: Arc::clone(portal), slot };
                    if self.sessions.get(&place).is_none_or(|known| known.started < row.started) {
                        self.slots.entry(row.visitor).or_default().insert(place.slot.clone());
                        self.sessions.insert(place, row);
                    }
                }
            }
        }
        Ok(())
    }

    /// Where the ledger knows a visitor.
    pub(super) fn slots_of(&self, visitor: Name) -> impl Iterator<Item = &Slot> {
        self.slots.get(&visitor).into_iter().flatten()
    }

    /// Whether the ledger may know more of a visitor, last seen at `seen` by what the store has, and was not asked yet.
    pub(super) fn has_to_be_asked(&self, place: &Place, seen: Option<Millis>, at: Times) -> bool {
        matches!(place.slot, Slot::Visitor(..))
            && seen.is_none_or(|seen| seen + at.idle <= at.now)
            && self.began_lately(&place.portal, at.now, at.memory)
            && !self.asked.contains(place)
    }

    fn began_lately(&self, portal: &str, now: Millis, memory: Memory) -> bool {
        self.begun_of(portal).is_some_and(|begun| now < begun + 2 * memory.keep)
    }

    fn begun_of(&self, portal: &str) -> Option<Millis> {
        self.begun.get(portal).copied().flatten()
    }

    /// From when on all that was seen is told to the store again, while that is going on.
    fn told_again_from(&self, portal: &str, at: Times) -> Option<Millis> {
        let Times { now, memory: Memory { keep, .. }, .. } = at;
        // A node may notice late, and has by then let go of as much.
        let late = keep / 4;
        let begun = self.begun_of(portal).filter(|begun| now < begun + late)?;
        Some(begun - keep + late)
    }

    /// The visitor to go on with instead of what the store has, who was last seen at `seen` by that. All up to when the
    /// ledger last heard of it is in its session then. A session that is told to the store again from its beginning is
    /// not taken from the ledger: more may become known of it than the ledger has.
    pub(super) fn visitor(&self, place: &Place, seen: Option<Millis>, at: Times) -> Option<Visitor> {
        let row = self.sessions.get(place)?;
        let told_whole = self.told_again_from(&place.portal, at).is_some_and(|from| row.started >= from);
        let goes_on = match seen {
            None => !told_whole || row.last_seen + at.idle + at.memory.keep <= at.now,
            // From an old snapshot.
            Some(seen) => !told_whole && row.last_seen >= seen + at.idle,
        };
        goes_on.then(|| visitor(row, at.min_pages))
    }

    /// From when on the ledger has to be told which sessions of a visitor there are and that there are no others:
    /// where journals are sent again, of everybody once; else of those whom the store does not have and the ledger has.
    pub(super) fn vouches(&self, place: &Place, is_there: bool, again: Option<&Vouched>, at: Times) -> Option<Millis> {
        let from = self.told_again_from(&place.portal, at)?;
        let due = match again {
            Some(vouched) => !vouched.contains(place),
            None => !is_there && self.sessions.get(place).is_some_and(|row| row.started >= from),
        };
        due.then_some(from)
    }
}

/// All up to when the ledger last heard of it is in its session.
fn visitor(row: &SessionRow, min_pages: u32) -> Visitor {
    let SessionRow { started, began, last_seen, counted_day, class, proven_guest, logged_out, user, pages, .. } = *row;
    let session = Session {
        started,
        began,
        last_seen,
        counted_day,
        class,
        proven_guest,
        logged_out,
        user,
        pages,
        converted: row.converted,
        counted: pages >= min_pages,
    };
    let history = History::restore(Some(session), last_seen + 1, Vec::new());
    Visitor { settled: Some(started), overheard: None, told: last_seen, history }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Day;
    use crate::policy::PolicyId;
    use crate::record::Reason;
    use crate::session::Class;

    const MINUTE: Millis = 60_000;
    const IDLE: Millis = 30 * MINUTE;
    /// When the store forgot.
    const BEGUN: Millis = 600 * MINUTE;

    fn place() -> Place {
        Place { portal: "support".into(), slot: Slot::Visitor(Name([7; 16]), None) }
    }

    /// The ledger knows a session.
    fn recalled(started: Millis, last_seen: Millis) -> Recalled {
        let row = SessionRow {
            id: Name([1; 16]),
            portal: "support".into(),
            module: None,
            visitor: Name([7; 16]),
            started,
            began: Reason::Start,
            last_seen,
            counted_day: Day(0),
            class: Class::Guest,
            proven_guest: true,
            logged_out: false,
            user: None,
            account: None,
            agent: None,
            pages: 1,
            actions: 0,
            converted: None,
            zone: "UTC".into(),
            policy: PolicyId(0),
            gone: false,
            stored_time: last_seen,
        };
        let begun = [("support".into(), Some(BEGUN))].into();
        Recalled { begun, sessions: [(place(), row)].into(), ..Recalled::default() }
    }

    /// So many minutes after it forgot.
    fn after(minutes: Millis) -> Times {
        Times { now: BEGUN + minutes * MINUTE, idle: IDLE, min_pages: 1, memory: Memory::keeping(45 * MINUTE) }
    }

    #[test]
    fn a_session_that_journals_tell_from_its_beginning_is_not_taken_from_the_ledger() {
        let lately = recalled(BEGUN - 10 * MINUTE, BEGUN - MINUTE);
        assert!(lately.visitor(&place(), None, after(1)).is_none());
        assert!(
            lately.visitor(&place(), Some(BEGUN - 9 * MINUTE - IDLE), after(1)).is_none(),
            "nor over what is told so far"
        );
        let long_ago = recalled(BEGUN - 60 * MINUTE, BEGUN - MINUTE);
        let visitor = long_ago.visitor(&place(), None, after(1)).unwrap();
        assert_eq!(visitor.history.session().unwrap().started, BEGUN - 60 * MINUTE);
        assert_eq!(visitor.history.floor(), BEGUN - MINUTE + 1, "all before is in it");
    }

    #[test]
    fn what_nobody_tells_again_is_taken_from_the_ledger() {
        let lately = recalled(BEGUN - 10 * MINUTE, BEGUN - MINUTE);
        assert!(lately.visitor(&place(), None, after(12)).is_some(), "its node has not come back");
        let expired = recalled(BEGUN - 10 * MINUTE, BEGUN - 80 * MINUTE);
        assert!(expired.visitor(&place(), None, after(1)).is_some(), "it was forgotten long before");
    }

    #[test]
    fn an_old_snapshot_is_older_than_the_ledger() {
        let row = recalled(BEGUN - 60 * MINUTE, BEGUN - MINUTE);
        assert!(row.visitor(&place(), Some(BEGUN - 100 * MINUTE), after(1)).is_some());
        assert!(row.visitor(&place(), Some(BEGUN - 2 * MINUTE), after(1)).is_none(), "the journals tell the rest");
    }

    #[test]
    fn the_ledger_is_asked_once_and_only_for_whom_it_may_know_better() {
        let mut lately = recalled(BEGUN - 60 * MINUTE, BEGUN - MINUTE);
        assert!(lately.has_to_be_asked(&place(), None, after(1)), "the store does not have him");
        assert!(lately.has_to_be_asked(&place(), Some(BEGUN + MINUTE - IDLE), after(1)), "nor what he did since");
        assert!(!lately.has_to_be_asked(&place(), Some(BEGUN + MINUTE - IDLE + 1), after(1)), "he is live");
        assert!(!lately.has_to_be_asked(&place(), None, after(90)), "what a store has known for long is enough");
        lately.asked.insert(place());
        assert!(!lately.has_to_be_asked(&place(), None, after(1)));
    }

    #[test]
    fn the_ledger_is_told_all_there_is_once_and_only_while_that_is_known() {
        let (lately, mut vouched) = (recalled(BEGUN - 10 * MINUTE, BEGUN - MINUTE), Vouched::default());
        let from = BEGUN - 45 * MINUTE + 45 * MINUTE / 4;
        assert_eq!(lately.vouches(&place(), true, Some(&vouched), after(1)), Some(from));
        vouched.note(place());
        assert_eq!(lately.vouches(&place(), true, Some(&vouched), after(1)), None);
        assert_eq!(
            lately.vouches(&place(), false, Some(&Vouched::default()), after(12)),
            None,
            "values may have expired"
        );
        assert_eq!(
            lately.vouches(&place(), false, None, after(1)),
            Some(from),
            "the ledger has what the store has not"
        );
        assert_eq!(lately.vouches(&place(), true, None, after(1)), None);
        assert_eq!(Recalled::default().vouches(&place(), false, None, after(1)), None, "the store forgets nothing");
    }
}

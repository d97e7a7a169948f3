//! What a store has forgotten, recalled from the ledger: the living must not be billed again.

use std::collections::BTreeMap;
use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::StoreError;
use super::step::{Place, Slot};
use crate::entry::SessionRow;
use crate::history::History;
use crate::ledger::LedgerError;
use crate::session::Session;
use crate::sheet::Visitor;

/// A ledger that is asked who was there.
pub trait Recall {
    /// Makes sure that nothing that was read from a portal's stream before this is taken after it.
    fn fence(&mut self, portal: &str) -> Result<(), LedgerError>;

    /// How the sessions of these visitors (module, visitor) stand that were seen at or after `since`.
    fn sessions(
        &mut self,
        portal: &str,
        visitors: &[(Option<String>, Name)],
        since: Millis,
    ) -> Result<Vec<SessionRow>, LedgerError>;
}

/// So many visitors are asked for at once.
const AT_A_TIME: usize = 1_000;

/// The visitors at these places, as far as the ledger knows of them.
pub(super) fn visitors(
    recall: &mut dyn Recall,
    places: &[Place],
    since: Millis,
) -> Result<Vec<(Place, Visitor)>, StoreError> {
    let mut portals: BTreeMap<&Arc<str>, Vec<(Option<String>, Name)>> = BTreeMap::new();
    for Place { portal, slot } in places {
        if let Slot::Visitor(visitor, module) = slot {
            portals.entry(portal).or_default().push((module.as_deref().map(str::to_owned), *visitor));
        }
    }
    let mut newest: BTreeMap<Place, SessionRow> = BTreeMap::new();
    for (portal, visitors) in portals {
        for part in visitors.chunks(AT_A_TIME) {
            for row in recall.sessions(portal, part, since).map_err(StoreError::Unrecalled)? {
                let slot = Slot::Visitor(row.visitor, row.module.as_deref().map(Into::into));
                let place = Place { portal: Arc::clone(portal), slot };
                if newest.get(&place).is_none_or(|known| known.started < row.started) {
                    newest.insert(place, row);
                }
            }
        }
    }
    Ok(newest.into_iter().map(|(place, row)| (place, visitor(&row))).collect())
}

/// All up to when the ledger last heard of it is in its session.
fn visitor(row: &SessionRow) -> Visitor {
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
        held: Vec::new(),
    };
    let history = History::restore(Some(session), last_seen + 1, Vec::new());
    Visitor { settled: Some(started), told: last_seen, history }
}

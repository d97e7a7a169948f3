//! What was looked at: rooms, resources, and one of them by itself.

use std::collections::{BTreeMap, HashSet};

use super::engagement::Whom;
use super::pieces::all as pieces;
use crate::digest::Views;
use crate::ledger::{Days, LedgerError, Look};

/// What is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Groups of pages.
    Rooms,
    /// Pages.
    Resources,
}

/// How a room or a resource was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The portal.
    pub portal: String,
    /// The room.
    pub room: String,
    /// The resource; nothing of a room as a whole.
    pub resource: Option<String>,
    /// How often.
    pub views: u64,
    /// Different users who were signed in and saw it, or did something there.
    pub users: u64,
    /// What was done there, by name.
    pub actions: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Sum {
    views: u64,
    users: HashSet<u64>,
    actions: BTreeMap<String, u64>,
}

/// All rooms or resources of these portals and days, those most seen first.
pub fn content(
    look: &mut dyn Look,
    portals: &[String],
    days: Days,
    whom: &Whom,
    what: Content,
) -> Result<Vec<Seen>, LedgerError> {
    let mut all = Vec::new();
    for portal in portals {
        let pieces = pieces::<Views>(look, portal, days)?;
        let mut sums: BTreeMap<(&str, Option<&str>), Sum> = BTreeMap::new();
        for view in pieces.iter().flat_map(Views::iter).filter(|view| whom.viewed(view)) {
            let sum = sums.entry((view.room, (what == Content::Resources).then_some(view.resource))).or_default();
            match view.action {
                None => sum.views += view.count,
                Some(action) => match sum.actions.get_mut(action) {
                    Some(count) => *count += view.count,
                    None => drop(sum.actions.insert(action.to_owned(), view.count)),
                },
            }
            sum.users.extend(view.users());
        }
        all.extend(sums.into_iter().map(|((room, resource), sum)| Seen {
            portal: portal.clone(),
            room: room.to_owned(),
            resource: resource.map(str::to_owned),
            views: sum.views,
            users: sum.users.len() as u64,
            actions: sum.actions,
        }));
    }
    all.sort_by(|a, b| {
        let place = |one: &Seen| (one.portal.clone(), one.room.clone(), one.resource.clone());
        b.views.cmp(&a.views).then(b.users.cmp(&a.users)).then_with(|| place(a).cmp(&place(b)))
    });
    Ok(all)
}

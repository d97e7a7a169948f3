//! What was looked at: rooms, resources, and one of them by itself.

use std::collections::{BTreeMap, HashMap};

use super::engagement::Whom;
use super::pieces::all as pieces;
use crate::digest::Views;
use crate::ledger::{Days, LedgerError, Look};
use crate::people::People;

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
    users: Vec<People>,
    actions: BTreeMap<String, u64>,
}

impl Sum {
    fn add(&mut self, action: Option<&str>, count: u64) {
        match action {
            None => self.views += count,
            Some(action) => match self.actions.get_mut(action) {
                Some(sum) => *sum += count,
                None => drop(self.actions.insert(action.to_owned(), count)),
            },
        }
    }
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
        for views in &pieces {
            let mut users: HashMap<(&str, Option<&str>), Vec<u64>> = HashMap::new();
            for view in views.iter().filter(|view| whom.viewed(view)) {
                let place = (view.room, (what == Content::Resources).then_some(view.resource));
                sums.entry(place).or_default().add(view.action, view.count);
                users.entry(place).or_default().extend(view.users());
            }
            for (place, users) in users {
                sums.entry(place).or_default().users.push(users.into_iter().collect());
            }
        }
        all.extend(sums.into_iter().map(|((room, resource), sum)| Seen {
            portal: portal.clone(),
            room: room.to_owned(),
            resource: resource.map(str::to_owned),
            views: sum.views,
            users: People::union(&sum.users).len() as u64,
            actions: sum.actions,
        }));
    }
    all.sort_by(|a, b| {
        let place = |one: &Seen| (one.portal.clone(), one.room.clone(), one.resource.clone());
        b.views.cmp(&a.views).then(b.users.cmp(&a.users)).then_with(|| place(a).cmp(&place(b)))
    });
    Ok(all)
}

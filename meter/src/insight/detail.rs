//! One resource by itself: how it was seen over time, by which accounts, and what was done there.

use std::collections::{BTreeMap, HashSet};

use super::engagement::Whom;
use super::period::{Period, buckets, periods};
use super::pieces::pieces;
use crate::digest::{View, Views};
use crate::ledger::{Days, LedgerError, Look};

/// How one resource was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// How often.
    pub views: u64,
    /// Different users who were signed in and saw it, or did something there.
    pub users: u64,
    /// By day, week or month, as [`buckets`] has it.
    pub points: Vec<SeenIn>,
    /// By account, those that saw it most first; nothing is whoever is of none.
    pub accounts: Vec<SeenBy>,
    /// What was done there, by name.
    pub actions: BTreeMap<String, u64>,
}

/// How it was seen in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenIn {
    /// When.
    pub period: Period,
    /// How often.
    pub views: u64,
    /// Different users.
    pub users: u64,
}

/// How it was seen by an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenBy {
    /// The account's id.
    pub account: Option<String>,
    /// How often.
    pub views: u64,
    /// Different users.
    pub users: u64,
    /// What they did there.
    pub actions: u64,
}

#[derive(Default)]
struct Sum {
    views: u64,
    actions: u64,
    users: HashSet<u64>,
}

impl Sum {
    fn add(&mut self, view: View<'_>) {
        match view.action {
            None => self.views += view.count,
            Some(_) => self.actions += view.count,
        }
        self.users.extend(view.users());
    }
}

/// How a portal's resource was seen on these days.
pub fn detail(
    look: &mut dyn Look,
    (portal, room, resource): (&str, &str, &str),
    days: Days,
    whom: &Whom,
) -> Result<Detail, LedgerError> {
    let by = buckets(days);
    let mut points: Vec<(Period, Sum)> = periods(days, by).into_iter().map(|one| (one, Sum::default())).collect();
    let (mut all, mut actions) = (Sum::default(), BTreeMap::new());
    let mut accounts: BTreeMap<Option<String>, Sum> = BTreeMap::new();
    for (of, views) in pieces::<Views>(look, portal, days, by)? {
        let at = points.partition_point(|(period, _)| period.days.to <= of.from);
        let there = |view: &View<'_>| view.room == room && view.resource == resource && whom.viewed(view);
        for view in views.iter().filter(there) {
            if let Some((_, sum)) = points.get_mut(at) {
                sum.add(view);
            }
            all.add(view);
            accounts.entry(view.account.map(str::to_owned)).or_default().add(view);
            if let Some(action) = view.action {
                *actions.entry(action.to_owned()).or_default() += view.count;
            }
        }
    }
    let point = |(period, sum): (Period, Sum)| SeenIn { period, views: sum.views, users: sum.users.len() as u64 };
    let seen_by = |(account, sum): (Option<String>, Sum)| {
        let Sum { views, actions, users } = sum;
        SeenBy { account, views, users: users.len() as u64, actions }
    };
    let mut accounts: Vec<SeenBy> = accounts.into_iter().map(seen_by).collect();
    accounts.sort_by(|a, b| b.views.cmp(&a.views).then_with(|| a.account.cmp(&b.account)));
    Ok(Detail {
        views: all.views,
        users: all.users.len() as u64,
        points: points.into_iter().map(point).collect(),
        accounts,
        actions,
    })
}

//! Accounts side by side: their figures, their rank, and which of them are new or above the average.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use super::engagement::{Summary, Whom};
use super::pieces::all as pieces;
use crate::accounts::{AccountType, Directory};
use crate::day::Day;
use crate::digest::{Views, Visits};
use crate::ledger::{Days, LedgerError, Look};
use crate::people::People;
use crate::session::Class;

/// An account's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// What it did.
    pub summary: Summary,
    /// The last day of the range on which a session began.
    pub last_day: Option<Day>,
    /// From 0 to 100: see [`leaderboard`].
    pub score: f64,
    /// From 1; the same score has the same rank.
    pub rank: usize,
    /// Whether it is new, and how its score compares.
    pub segment: Segment,
}

/// What an account is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment {
    /// A partner for no longer than 90 days at the end of the range; nothing where the list does not say since when.
    pub new: Option<bool>,
    /// Its score is above the average of those that are compared.
    pub above_average: bool,
}

/// Sums over all accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many accounts.
    pub accounts: usize,
    /// The sums; a user of several accounts is one.
    pub summary: Summary,
}

/// All accounts, the best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Leaderboard {
    /// Sorted by rank, then by id.
    pub accounts: Vec<Account>,
    /// Over all of them.
    pub totals: Totals,
    /// Over those of each segment.
    pub segments: BTreeMap<Segment, Totals>,
}

/// So long an account is new, in days.
const NEW: i32 = 90;

/// What the figures of an account add to its score, in hundredths (seed 5).
const SESSIONS: f64 = 40.0;
const USERS: f64 = 30.0;
const PAGE_VIEWS: f64 = 20.0;
const DURATION: f64 = 10.0;

/// Which accounts are compared.
#[derive(Debug, Clone, Default)]
pub struct Among {
    /// Of this type alone.
    pub kind: Option<AccountType>,
    /// These alone.
    pub ids: Option<HashSet<String>>,
}

impl Among {
    /// Whether an account is one of them.
    pub fn has(&self, id: &str, directory: &Directory) -> bool {
        let kind = |kind| directory.get(id).is_some_and(|listed| listed.kind == Some(kind));
        self.kind.is_none_or(kind) && self.ids.as_ref().is_none_or(|ids| ids.contains(id))
    }

    /// Whose engagement that is.
    pub fn whom(&self, directory: &Directory) -> Whom {
        match (&self.ids, self.kind) {
            (None, None) => Whom::Everybody,
            (Some(ids), _) => Whom::Accounts(ids.iter().filter(|id| self.has(id, directory)).cloned().collect()),
            (None, Some(_)) => {
                let listed = directory.iter().map(|(id, _)| id).filter(|id| self.has(id, directory));
                Whom::Accounts(listed.map(str::to_owned).collect())
            }
        }
    }
}

/// What an account did, while it is added up.
#[derive(Debug, Default)]
struct Sum {
    summary: Summary,
    last_day: Option<Day>,
    users: Vec<People>,
}

/// Accounts with their rank: sessions give 40 parts of the score, unique users 30, page views 20, the average duration
/// of a session 10, each in proportion to the best of those that are compared. Listed ones that did nothing are there too.
pub fn leaderboard(
    look: &mut dyn Look,
    portals: &[String],
    days: Days,
    among: &Among,
    directory: &Directory,
) -> Result<Leaderboard, LedgerError> {
    let sums = sums(look, portals, days, &|id| among.has(id, directory), directory)?;
    let mut segments: BTreeMap<Segment, (Totals, Vec<People>)> = BTreeMap::new();
    let (mut totals, mut everybody) = (Totals::default(), Vec::new());
    let mut accounts = Vec::with_capacity(sums.len());
    let mut people = BTreeMap::new();
    for (id, sum) in sums {
        let users = People::union(&sum.users);
        let summary = Summary { users: users.len() as u64, ..sum.summary };
        let segment = Segment { new: is_new(directory, &id, days.to), above_average: false };
        people.insert(id.clone(), users);
        accounts.push(Account { id, summary, last_day: sum.last_day, score: 0.0, rank: 0, segment });
    }
    rank(&mut accounts);
    for account in &accounts {
        let (of_segment, users) = segments.entry(account.segment).or_default();
        add(&mut totals, &account.summary);
        add(of_segment, &account.summary);
        if let Some(people) = people.remove(&account.id) {
            users.push(people.clone());
            everybody.push(people);
        }
    }
    totals.summary.users = People::union(&everybody).len() as u64;
    let segments = segments.into_iter().map(|(segment, (mut totals, users))| {
        totals.summary.users = People::union(&users).len() as u64;
        (segment, totals)
    });
    Ok(Leaderboard { accounts, totals, segments: segments.collect() })
}

fn add(totals: &mut Totals, one: &Summary) {
    totals.accounts += 1;
    totals.summary.sessions += one.sessions;
    totals.summary.page_views += one.page_views;
    totals.summary.actions += one.actions;
    totals.summary.duration_ms += one.duration_ms;
}

fn is_new(directory: &Directory, id: &str, at: Day) -> Option<bool> {
    Some(directory.get(id)?.since? > at.plus(-NEW))
}

fn sums(
    look: &mut dyn Look,
    portals: &[String],
    days: Days,
    has: &dyn Fn(&str) -> bool,
    directory: &Directory,
) -> Result<BTreeMap<String, Sum>, LedgerError> {
    let listed = directory.iter().map(|(id, _)| id).filter(|id| has(id));
    let mut sums: BTreeMap<String, Sum> = listed.map(|id| (id.to_owned(), Sum::default())).collect();
    for portal in portals {
        for visits in pieces::<Visits>(look, portal, days)? {
            for row in visits.rows.into_iter().filter(|row| row.class == Class::External) {
                let Some(id) = row.account.filter(|id| has(id)) else { continue };
                let sum = sums.entry(id).or_default();
                sum.summary.sessions += row.sessions;
                sum.summary.duration_ms += row.duration_ms;
                sum.last_day = sum.last_day.max(Some(row.last_day));
                sum.users.push(row.users);
            }
        }
        for views in pieces::<Views>(look, portal, days)? {
            for view in views.iter().filter(|view| view.class == Class::External) {
                let Some(id) = view.account.filter(|id| has(id)) else { continue };
                let sum = match sums.get_mut(id) {
                    Some(sum) => sum,
                    None => sums.entry(id.to_owned()).or_default(),
                };
                match view.action {
                    None => sum.summary.page_views += view.count,
                    Some(_) => sum.summary.actions += view.count,
                }
            }
        }
    }
    Ok(sums)
}

/// The last day of each account on which a session began, of listed ones that did nothing too.
pub(super) fn last_days(
    look: &mut dyn Look,
    portals: &[String],
    days: Days,
    among: &Among,
    directory: &Directory,
) -> Result<BTreeMap<String, Option<Day>>, LedgerError> {
    let listed = directory.iter().filter(|(id, _)| among.has(id, directory));
    let mut last_days: BTreeMap<String, Option<Day>> = listed.map(|(id, _)| (id.to_owned(), None)).collect();
    for portal in portals {
        for visits in pieces::<Visits>(look, portal, days)? {
            for row in visits.rows.into_iter().filter(|row| row.class == Class::External) {
                let Some(id) = row.account.filter(|id| among.has(id, directory)) else { continue };
                let last = last_days.entry(id).or_default();
                *last = (*last).max(Some(row.last_day));
            }
        }
    }
    Ok(last_days)
}

/// Gives each account its score, its rank and whether it is above the average, and puts the best first.
fn rank(accounts: &mut [Account]) {
    let best = |of: fn(&Summary) -> u64| accounts.iter().map(|account| of(&account.summary)).max().unwrap_or_default();
    let average = |summary: &Summary| summary.average_ms().unwrap_or_default();
    let best = [best(|one| one.sessions), best(|one| one.users), best(|one| one.page_views), best(average)];
    let part = |value: u64, best: u64| if best == 0 { 0.0 } else { value as f64 / best as f64 };
    for Account { summary, score, .. } in accounts.iter_mut() {
        *score = SESSIONS * part(summary.sessions, best[0])
            + USERS * part(summary.users, best[1])
            + PAGE_VIEWS * part(summary.page_views, best[2])
            + DURATION * part(average(summary), best[3]);
    }
    let mean = accounts.iter().map(|account| account.score).sum::<f64>() / accounts.len().max(1) as f64;
    accounts.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then_with(|| a.id.cmp(&b.id)));
    let mut before: Option<(f64, usize)> = None;
    for (place, account) in (1..).zip(accounts) {
        let rank = before.filter(|(score, _)| score.total_cmp(&account.score).is_eq()).map_or(place, |(_, rank)| rank);
        account.rank = rank;
        account.segment.above_average = account.score > mean;
        before = Some((account.score, rank));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, sessions: u64, users: u64, page_views: u64, minutes: u64) -> Account {
        let duration_ms = minutes * 60_000 * sessions;
        Account {
            id: id.to_owned(),
            summary: Summary { users, sessions, page_views, actions: 0, duration_ms },
            last_day: None,
            score: 0.0,
            rank: 0,
            segment: Segment { new: None, above_average: false },
        }
    }

    /// Worked out by hand: the best are 100 sessions, 20 users, 500 page views and 10 minutes.
    #[test]
    fn the_golden_ranking() {
        let mut accounts = [
            account("steady", 100, 10, 250, 5), // 40 + 15 + 10 +  5 = 70
            account("many", 50, 20, 500, 2),    // 20 + 30 + 20 +  2 = 72
            account("long", 10, 2, 50, 10),     //  4 +  3 +  2 + 10 = 19
            account("twin", 10, 2, 50, 10),
            account("idle", 0, 0, 0, 0), //        0
        ];
        rank(&mut accounts);
        let told: Vec<_> =
            accounts.iter().map(|one| (one.id.as_str(), one.rank, one.score, one.segment.above_average)).collect();
        let expected = [
            ("many", 1, 72.0, true),
            ("steady", 2, 70.0, true),
            ("long", 3, 19.0, false),
            ("twin", 3, 19.0, false),
            ("idle", 5, 0.0, false),
        ];
        assert_eq!(told, expected, "the average is 36");
    }
}

//! Accounts that may be lost (seed 5): those that stay away, stay shorter, or only look.

use super::accounts::{Account, Among, last_days, leaderboard};
use crate::accounts::Directory;
use crate::day::Day;
use crate::ledger::{Days, LedgerError, Look};

/// An account at risk.
#[derive(Debug, Clone, PartialEq)]
pub struct AtRisk {
    /// Its id.
    pub id: String,
    /// Why; at least one.
    pub because: Vec<Because>,
    /// The last day on which a session began, within the last 400 days.
    pub last_day: Option<Day>,
    /// The last 30 days, and the 30 before them.
    pub months: [Account; 2],
}

/// Why an account is at risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Because {
    /// No session in the last 30 days; of some, none ever.
    NoSession,
    /// Sessions last less than three quarters of what they did in the 30 days before.
    FallingDuration,
    /// Sessions, and not one action.
    NoAction,
}

/// How many days are looked at, and compared with as many before.
const MONTH: i32 = 30;
/// So far back an account's last session is looked for.
const BACK: i32 = 400;
/// Fewer sessions tell nothing about how long they last, or what is done in them.
const ENOUGH: u64 = 3;

impl Because {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::FallingDuration => "falling_duration",
            Self::NoAction => "no_action",
        }
    }
}

/// The accounts at risk on a day, the one seen longest ago first.
pub fn at_risk(
    look: &mut dyn Look,
    portals: &[String],
    today: Day,
    among: &Among,
    directory: &Directory,
) -> Result<Vec<AtRisk>, LedgerError> {
    let end = today.plus(1);
    let range = |from: i32, to: i32| Days { from: end.plus(-from), to: end.plus(-to) };
    let all = last_days(look, portals, range(BACK, 0), among, directory)?;
    let mut of = |days| leaderboard(look, portals, days, among, directory).map(|board| by_id(board.accounts));
    let (now, before) = (of(range(MONTH, 0))?, of(range(2 * MONTH, MONTH))?);
    let mut risky: Vec<AtRisk> = all
        .into_iter()
        .filter_map(|(id, last_day)| {
            let find = |among: &[Account]| {
                let place = among.binary_search_by(|one| one.id.cmp(&id));
                place.ok().and_then(|place| among.get(place)).cloned().unwrap_or_else(|| nothing(&id))
            };
            let months = [find(&now), find(&before)];
            let because = because(&months[0], &months[1]);
            (!because.is_empty()).then_some(AtRisk { id, because, last_day, months })
        })
        .collect();
    risky.sort_by(|a, b| (a.last_day, &a.id).cmp(&(b.last_day, &b.id)));
    Ok(risky)
}

fn because(now: &Account, before: &Account) -> Vec<Because> {
    let enough = |account: &Account| account.summary.sessions >= ENOUGH;
    let average = |account: &Account| account.summary.average_ms().unwrap_or_default();
    let falls = enough(now) && enough(before) && average(now) * 4 < average(before) * 3;
    let looks_only = enough(now) && now.summary.actions == 0;
    let all = [
        (now.summary.sessions == 0, Because::NoSession),
        (falls, Because::FallingDuration),
        (looks_only, Because::NoAction),
    ];
    all.into_iter().filter_map(|(holds, because)| holds.then_some(because)).collect()
}

fn by_id(mut accounts: Vec<Account>) -> Vec<Account> {
    accounts.sort_by(|a, b| a.id.cmp(&b.id));
    accounts
}

fn nothing(id: &str) -> Account {
    let segment = super::accounts::Segment { new: None, above_average: false };
    let summary = super::engagement::Summary::default();
    Account { id: id.to_owned(), summary, last_day: None, score: 0.0, rank: 0, segment }
}

//! Whose engagement, and when.

use std::collections::HashSet;
use std::sync::Arc;

use portalmeter_meter::accounts::{AccountType, Directory};
use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::insight::{self, Among, Whom};
use portalmeter_meter::ledger::{Days, LedgerError, Look};
use portalmeter_meter::usage::BETWEEN_ZONES;
use portalmeter_rules::time::Millis;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::asked::Asked;
use crate::api::chosen::{Chosen, chosen};
use crate::api::problem::{Problem, Wrong};
use crate::api::range::Range;
use crate::api::settled::Settled;
use crate::api::who::Who;
use crate::board::Portal;

/// Whose engagement.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
pub(super) struct FilterParams {
    /// In these portals alone; may be there several times.
    portal: Option<Vec<String>>,
    /// Of these accounts alone, by their ids; may be there several times.
    account: Option<Vec<String>>,
    /// Of accounts of this type alone: `referral` or `reseller`.
    r#type: Option<String>,
}

/// Whose engagement is asked for, and when.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    range: Range,
    portals: Vec<String>,
    accounts: Vec<String>,
    kind: Option<AccountType>,
    /// Who asks may see one account alone, and need not know which portals there are.
    is_partner: bool,
}

/// The same, once the ledger was asked.
#[derive(Debug, Clone)]
pub(super) struct Those {
    pub(super) portals: Vec<String>,
    pub(super) days: Days,
    pub(super) today: Day,
    pub(super) among: Among,
    pub(super) whom: Whom,
    pub(super) directory: Arc<Directory>,
    timezone: String,
    state: Settled,
    unknown_accounts: Vec<String>,
}

/// What figures of engagement are about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct About {
    /// When the ledger was read.
    as_of: String,
    /// The first day.
    from: String,
    /// The day after the last.
    to: String,
    /// Whose days these are; several where portals have different ones.
    timezone: String,
    /// Whether figures may still change.
    state: Settled,
    /// Never: these are statistics.
    valid_for_billing: bool,
    /// Accounts that were asked for, and that nobody knows: neither the list of accounts nor the ledger of these days.
    unknown_accounts: Vec<String>,
}

const TYPES: [AccountType; 2] = [AccountType::Referral, AccountType::Reseller];

impl Filter {
    /// The days and accounts that a question is about; nobody may ask for accounts that are not theirs.
    pub(super) fn of(asked: &mut Asked, who: &Who) -> Result<Self, Problem> {
        let range = Range::of(asked)?;
        Self::without_range(asked, who, range)
    }

    /// The same where the days are not asked for.
    pub(super) fn without_range(asked: &mut Asked, who: &Who, range: Range) -> Result<Self, Problem> {
        let portals = asked.all("portal");
        let mut accounts = asked.all("account");
        if let Some(own) = who.account() {
            if accounts.iter().any(|account| account != own) {
                return Err(Problem::not_allowed("a partner sees the engagement of one account alone"));
            }
            accounts = vec![own.to_owned()];
        }
        let kind = asked.word("type", &TYPES, AccountType::name)?;
        Ok(Self { range, portals, accounts, kind, is_partner: who.account().is_some() })
    }

    /// The portal, if it is one that is named.
    pub(super) fn one_portal(&self) -> Option<String> {
        if let [portal] = self.portals.as_slice() { Some(portal.clone()) } else { None }
    }

    /// Which portals, days and accounts that is.
    pub(super) fn those(
        &self,
        look: &mut dyn Look,
        configured: &[Portal],
        directory: &Arc<Directory>,
        now: Millis,
    ) -> Result<Those, Wrong> {
        let portals = chosen(look, configured, &self.portals, (&self.range, now)).map_err(|wrong| match wrong {
            Wrong::Asked(problem) if self.is_partner => Wrong::Asked(problem.known(Vec::<String>::new())),
            wrong => wrong,
        })?;
        // Where it is latest: elsewhere nothing has happened on that day yet.
        let today = portals.iter().map(|portal| portal.zone.day(now)).max();
        let today = today.unwrap_or_else(|| Zone::utc().day(now));
        let days = self.range.days(today)?;
        let mut state = Settled::sealed_if(!portals.is_empty());
        for portal in &portals {
            state = state.min(Settled::of(look, &portal.name, days, portal.zone.day(now))?);
        }
        let timezone = zones(&portals);
        let portals: Vec<String> = portals.into_iter().map(|portal| portal.name).collect();
        let ids: HashSet<String> = self.accounts.iter().cloned().collect();
        let among = Among { kind: self.kind, ids: (!ids.is_empty()).then_some(ids) };
        let unknown_accounts = self.unknown(look, &portals, days, directory)?;
        let (whom, directory) = (among.whom(directory), Arc::clone(directory));
        Ok(Those { portals, days, today, among, whom, directory, timezone, state, unknown_accounts })
    }

    fn unknown(
        &self,
        look: &mut dyn Look,
        portals: &[String],
        days: Days,
        directory: &Directory,
    ) -> Result<Vec<String>, LedgerError> {
        let unlisted = self.accounts.iter().filter(|id| directory.get(id).is_none());
        let mut unlisted: Vec<String> = unlisted.cloned().collect();
        if !unlisted.is_empty() {
            let among = Among { kind: None, ids: Some(unlisted.iter().cloned().collect()) };
            let seen = insight::leaderboard(look, portals, days, &among, directory)?.accounts;
            unlisted.retain(|id| !seen.iter().any(|account| account.id == *id));
        }
        Ok(unlisted)
    }
}

impl Those {
    /// What the answer is about.
    pub(super) fn about(&self, as_of: String) -> About {
        About {
            as_of,
            from: self.days.from.to_string(),
            to: self.days.to.to_string(),
            timezone: self.timezone.clone(),
            state: self.state,
            valid_for_billing: false,
            unknown_accounts: self.unknown_accounts.clone(),
        }
    }

    /// What an account is called.
    pub(super) fn name(&self, id: &str) -> String {
        self.directory.get(id).map_or_else(|| id.to_owned(), |listed| listed.name.clone())
    }
}

fn zones(portals: &[Chosen]) -> String {
    let mut zones: Vec<&str> = portals.iter().map(|portal| portal.zone.name()).collect();
    zones.sort_unstable();
    zones.dedup();
    zones.join(BETWEEN_ZONES)
}

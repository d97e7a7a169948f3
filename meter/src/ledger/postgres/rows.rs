//! Rows of the tables, as they are read.

use portalmeter_rules::id::Name;
use postgres::Row;

use super::types::{At, Date, Id};
use crate::entry::SessionRow;
use crate::ledger::{LedgerError, Line, Total, words};
use crate::usage::Sums;

pub(super) const LINE: &str = "id, portal, module, visitor, session, started, day, zone, class, reason, account,
    user_hash, agent, rule, policy, trial, event_time, stored_time, withdrawn, amount, corrects, of_record, author,
    note";
pub(super) const SESSION: &str = "id, portal, module, visitor, started, began, last_seen, counted_day, class,
    proven_guest, logged_out, user_hash, account, agent, pages, actions, converted, zone, policy, gone, stored_time";
/// A total, behind its portal.
pub(super) const TOTAL: &str = "portal, day, module, zone, guest, external, internal, bot, converted, page_views,
    actions, duration_ms, revision, sealed";

/// What a column that is never null holds for none.
pub(super) const NOBODY: Name = Name([0; 16]);

pub(super) fn line(row: &Row) -> Result<Line, LedgerError> {
    Ok(Line {
        id: name(row, 0)?,
        portal: row.try_get(1)?,
        module: words::module(row.try_get(2)?),
        visitor: some_name(row, 3)?.filter(|visitor| *visitor != NOBODY),
        session: some_name(row, 4)?,
        started: some_at(row, 5)?,
        day: row.try_get::<_, Date>(6)?.0,
        zone: row.try_get(7)?,
        class: words::class(row.try_get(8)?)?,
        reason: words::reason(row.try_get(9)?)?,
        account: row.try_get(10)?,
        user: some_name(row, 11)?,
        agent: row.try_get(12)?,
        rule: row.try_get(13)?,
        policy: row.try_get::<_, Option<&str>>(14)?.map(words::policy).transpose()?,
        trial: row.try_get(15)?,
        event_time: row.try_get::<_, At>(16)?.0,
        stored_time: row.try_get::<_, At>(17)?.0,
        withdrawn: row.try_get(18)?,
        amount: row.try_get(19)?,
        corrects: row.try_get::<_, Option<Date>>(20)?.map(|date| date.0),
        of: some_name(row, 21)?,
        author: row.try_get(22)?,
        note: row.try_get(23)?,
    })
}

pub(super) fn session(row: &Row) -> Result<SessionRow, LedgerError> {
    let began: &str = row.try_get(5)?;
    Ok(SessionRow {
        id: name(row, 0)?,
        portal: row.try_get(1)?,
        module: words::module(row.try_get(2)?),
        visitor: name(row, 3)?,
        started: row.try_get::<_, At>(4)?.0,
        began: words::reason(began)?.ok_or_else(|| words::damaged("reason", began))?,
        last_seen: row.try_get::<_, At>(6)?.0,
        counted_day: row.try_get::<_, Date>(7)?.0,
        class: words::class(row.try_get(8)?)?,
        proven_guest: row.try_get(9)?,
        logged_out: row.try_get(10)?,
        user: some_name(row, 11)?,
        account: row.try_get(12)?,
        agent: row.try_get(13)?,
        pages: number(row, 14)?,
        actions: number(row, 15)?,
        converted: row.try_get::<_, Option<Date>>(16)?.map(|date| date.0),
        zone: row.try_get(17)?,
        policy: words::policy(row.try_get(18)?)?,
        gone: row.try_get(19)?,
        stored_time: row.try_get::<_, At>(20)?.0,
    })
}

/// A total and its portal.
pub(super) fn total(row: &Row) -> Result<(String, Total), LedgerError> {
    let total = Total {
        day: row.try_get::<_, Date>(1)?.0,
        module: words::module(row.try_get(2)?),
        zone: row.try_get(3)?,
        sums: Sums {
            records: [row.try_get(4)?, row.try_get(5)?, row.try_get(6)?, row.try_get(7)?],
            converted: row.try_get(8)?,
            page_views: row.try_get(9)?,
            actions: row.try_get(10)?,
            duration_ms: row.try_get(11)?,
        },
        revision: row.try_get(12)?,
        sealed: some_at(row, 13)?,
    };
    Ok((row.try_get(0)?, total))
}

fn name(row: &Row, column: usize) -> Result<Name, LedgerError> {
    Ok(row.try_get::<_, Id>(column)?.0)
}

fn some_name(row: &Row, column: usize) -> Result<Option<Name>, LedgerError> {
    Ok(row.try_get::<_, Option<Id>>(column)?.map(|id| id.0))
}

fn some_at(row: &Row, column: usize) -> Result<Option<i64>, LedgerError> {
    Ok(row.try_get::<_, Option<At>>(column)?.map(|at| at.0))
}

fn number(row: &Row, column: usize) -> Result<u32, LedgerError> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| words::damaged("number of pages or actions", &number.to_string()))
}

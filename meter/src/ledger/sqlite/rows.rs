//! Rows of the file's tables, read and written.

use std::collections::BTreeSet;

use portalmeter_rules::id::Name;
use rusqlite::{Connection, Row, params};

use crate::acts::Acts;
use crate::day::Day;
use crate::digest::Span;
use crate::entry::{Presence, SessionRow};
use crate::ledger::tables::Changes;
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

pub(super) fn line(row: &Row<'_>) -> Result<Line, LedgerError> {
    Ok(Line {
        id: words::name(text(row, 0)?)?,
        portal: row.get(1)?,
        module: words::module(row.get(2)?),
        visitor: some_name(Some(text(row, 3)?).filter(|text| !text.is_empty()))?,
        session: some_name(some_text(row, 4)?)?,
        started: row.get(5)?,
        day: Day(row.get(6)?),
        zone: row.get(7)?,
        class: words::class(text(row, 8)?)?,
        reason: words::reason(text(row, 9)?)?,
        account: row.get(10)?,
        user: some_name(some_text(row, 11)?)?,
        agent: row.get(12)?,
        rule: row.get(13)?,
        policy: some_text(row, 14)?.map(words::policy).transpose()?,
        trial: row.get(15)?,
        event_time: row.get(16)?,
        stored_time: row.get(17)?,
        withdrawn: row.get(18)?,
        amount: row.get(19)?,
        corrects: row.get::<_, Option<i32>>(20)?.map(Day),
        of: some_name(some_text(row, 21)?)?,
        author: row.get(22)?,
        note: row.get(23)?,
    })
}

pub(super) fn session(row: &Row<'_>) -> Result<SessionRow, LedgerError> {
    let began = text(row, 5)?;
    Ok(SessionRow {
        id: words::name(text(row, 0)?)?,
        portal: row.get(1)?,
        module: words::module(row.get(2)?),
        visitor: words::name(text(row, 3)?)?,
        started: row.get(4)?,
        began: words::reason(began)?.ok_or_else(|| words::damaged("reason", began))?,
        last_seen: row.get(6)?,
        counted_day: Day(row.get(7)?),
        class: words::class(text(row, 8)?)?,
        proven_guest: row.get(9)?,
        logged_out: row.get(10)?,
        user: some_name(some_text(row, 11)?)?,
        account: row.get(12)?,
        agent: row.get(13)?,
        pages: row.get(14)?,
        actions: row.get(15)?,
        converted: row.get::<_, Option<i32>>(16)?.map(Day),
        zone: row.get(17)?,
        policy: words::policy(text(row, 18)?)?,
        gone: row.get(19)?,
        stored_time: row.get(20)?,
    })
}

/// A total and its portal.
pub(super) fn total(row: &Row<'_>) -> Result<(String, Total), LedgerError> {
    let total = Total {
        day: Day(row.get(1)?),
        module: words::module(row.get(2)?),
        zone: row.get(3)?,
        sums: Sums {
            records: [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?],
            converted: row.get(8)?,
            page_views: row.get(9)?,
            actions: row.get(10)?,
            duration_ms: row.get(11)?,
        },
        revision: row.get(12)?,
        sealed: row.get(13)?,
    };
    Ok((row.get(0)?, total))
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, LedgerError> {
    some_text(row, column)?.ok_or_else(|| words::damaged("text", "NULL"))
}

fn some_text<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>, LedgerError> {
    let value = row.get_ref(column)?;
    value.as_str_or_null().map_err(|error| LedgerError::Damaged(error.to_string()))
}

fn some_name(text: Option<&str>) -> Result<Option<Name>, LedgerError> {
    text.map(words::name).transpose()
}

/// Writes what changes; a day that is not as it was read is an error.
pub(super) fn write(database: &Connection, changes: &Changes<'_>) -> Result<(), LedgerError> {
    write_lines(database, &changes.lines)?;
    write_sessions(database, &changes.sessions)?;
    write_presences(database, PRESENT, &changes.presences)?;
    write_presences(database, ABSENT, &changes.absences)?;
    write_acts(database, &changes.acts)?;
    outdate(database, &changes.days_touched())?;
    write_totals(database, &changes.days)
}

fn write_acts(database: &Connection, acts: &[&Acts]) -> Result<(), LedgerError> {
    let mut write = database.prepare_cached(
        "INSERT INTO act (portal, day, at, module, class, account, user_hash, room, resource, action, count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?;
    for (acts, act) in acts.iter().flat_map(|acts| acts.acts.iter().map(move |act| (acts, act))) {
        write.execute(params![
            acts.portal,
            acts.day.0,
            acts.at,
            act.module.as_deref().unwrap_or_default(),
            act.class.name(),
            act.account.as_deref().unwrap_or_default(),
            act.user.map(|user| user.to_string()).unwrap_or_default(),
            act.room,
            act.resource,
            act.action.as_deref().unwrap_or_default(),
            act.count,
        ])?;
    }
    Ok(())
}

/// Those that follow from rows that stay; each kind by name, for the key begins with it.
const OUTDATE: &str = "DELETE FROM digest WHERE portal = ?1 AND kind IN ('hours', 'reach', 'visits')";

/// Digests that followed from what these days were.
fn outdate(database: &Connection, days: &BTreeSet<(&str, Day)>) -> Result<(), LedgerError> {
    let mut outdate = database.prepare_cached(&format!("{OUTDATE} AND span = ?2 AND day = ?3"))?;
    for (portal, day) in days {
        outdate.execute(params![portal, Span::Day.name(), day.0])?;
        outdate.execute(params![portal, Span::Month.name(), day.month().first().0])?;
    }
    Ok(())
}

fn write_lines(database: &Connection, lines: &[&Line]) -> Result<(), LedgerError> {
    let mut write = database.prepare_cached(&format!(
        "INSERT INTO usage_record ({LINE})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                 ?23, ?24)
         ON CONFLICT (id) DO UPDATE SET
           visitor = excluded.visitor, session = excluded.session, started = excluded.started, zone = excluded.zone,
           class = excluded.class, reason = excluded.reason, account = excluded.account,
           user_hash = excluded.user_hash, agent = excluded.agent, rule = excluded.rule, policy = excluded.policy,
           trial = excluded.trial, event_time = excluded.event_time, stored_time = excluded.stored_time,
           withdrawn = excluded.withdrawn, note = excluded.note"
    ))?;
    for line in lines {
        write.execute(params![
            line.id.to_string(),
            line.portal,
            line.module.as_deref().unwrap_or_default(),
            line.visitor.map(|visitor| visitor.to_string()).unwrap_or_default(),
            line.session.map(|session| session.to_string()),
            line.started,
            line.day.0,
            line.zone,
            line.class.name(),
            line.reason.map_or(words::MANUAL, |reason| reason.name()),
            line.account,
            line.user.map(|user| user.to_string()),
            line.agent,
            line.rule,
            line.policy.map(|policy| policy.to_string()),
            line.trial,
            line.event_time,
            line.stored_time,
            line.withdrawn,
            line.amount,
            line.corrects.map(|day| day.0),
            line.of.map(|of| of.to_string()),
            line.author,
            line.note,
        ])?;
    }
    Ok(())
}

fn write_sessions(database: &Connection, sessions: &[&SessionRow]) -> Result<(), LedgerError> {
    let mut write = database.prepare_cached(&format!(
        "INSERT INTO session ({SESSION})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
         ON CONFLICT (id) DO UPDATE SET
           began = excluded.began, last_seen = excluded.last_seen, counted_day = excluded.counted_day,
           class = excluded.class, proven_guest = excluded.proven_guest, logged_out = excluded.logged_out,
           user_hash = excluded.user_hash, account = excluded.account, agent = excluded.agent,
           pages = excluded.pages, actions = excluded.actions, converted = excluded.converted, zone = excluded.zone,
           policy = excluded.policy, gone = excluded.gone, stored_time = excluded.stored_time"
    ))?;
    for session in sessions {
        write.execute(params![
            session.id.to_string(),
            session.portal,
            session.module.as_deref().unwrap_or_default(),
            session.visitor.to_string(),
            session.started,
            session.began.name(),
            session.last_seen,
            session.counted_day.0,
            session.class.name(),
            session.proven_guest,
            session.logged_out,
            session.user.map(|user| user.to_string()),
            session.account,
            session.agent,
            session.pages,
            session.actions,
            session.converted.map(|day| day.0),
            session.zone,
            session.policy.to_string(),
            session.gone,
            session.stored_time,
        ])?;
    }
    Ok(())
}

fn write_presences(database: &Connection, sql: &str, presences: &[&Presence]) -> Result<(), LedgerError> {
    let mut write = database.prepare_cached(sql)?;
    for presence in presences {
        write.execute(params![
            presence.portal,
            presence.module.as_deref().unwrap_or_default(),
            presence.day.0,
            presence.visitor.to_string(),
            presence.user.map(|user| user.to_string()).unwrap_or_default(),
        ])?;
    }
    Ok(())
}

const PRESENT: &str =
    "INSERT OR IGNORE INTO presence (portal, module, day, visitor, user_hash) VALUES (?1, ?2, ?3, ?4, ?5)";
const ABSENT: &str =
    "DELETE FROM presence WHERE portal = ?1 AND module = ?2 AND day = ?3 AND visitor = ?4 AND user_hash = ?5";

fn write_totals(database: &Connection, days: &[(&str, &Total)]) -> Result<(), LedgerError> {
    let mut write = database.prepare_cached(&format!(
        "INSERT INTO usage_day ({TOTAL})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (portal, day, module) DO UPDATE SET
           zone = excluded.zone, guest = excluded.guest, external = excluded.external, internal = excluded.internal,
           bot = excluded.bot, converted = excluded.converted, page_views = excluded.page_views,
           actions = excluded.actions, duration_ms = excluded.duration_ms, revision = excluded.revision,
           sealed = excluded.sealed
         WHERE usage_day.sealed IS NULL AND usage_day.revision = excluded.revision - 1"
    ))?;
    for (portal, total) in days {
        let [guest, external, internal, bot] = total.sums.records;
        let written = write.execute(params![
            portal,
            total.day.0,
            total.module.as_deref().unwrap_or_default(),
            total.zone,
            guest,
            external,
            internal,
            bot,
            total.sums.converted,
            total.sums.page_views,
            total.sums.actions,
            total.sums.duration_ms,
            total.revision,
            total.sealed,
        ])?;
        if written == 0 {
            return Err(LedgerError::overtaken());
        }
    }
    Ok(())
}

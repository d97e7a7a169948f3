//! Rows of the tables, as they are written: all of a table in one statement, an array a column.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{LINE, NOBODY, SESSION, TOTAL};
use super::tables::PostgresTables;
use super::types::{At, Date, Id};
use crate::acts::Acts;
use crate::day::Day;
use crate::digest::Span;
use crate::entry::{Presence, SessionRow};
use crate::ledger::{LedgerError, Line, Total, words};

/// A column of rows, as an array.
macro_rules! column {
    ($rows:expr, $value:expr) => {
        $rows.iter().map($value).collect::<Vec<_>>()
    };
}

pub(super) fn lines(tables: &mut PostgresTables<'_, '_>, mut lines: Vec<&Line>) -> Result<(), LedgerError> {
    if lines.is_empty() {
        return Ok(());
    }
    // In the order of the index, which is that of time.
    lines.sort_unstable_by_key(|line| line.id);
    let sql = format!(
        "INSERT INTO usage_record ({LINE})
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::timestamptz[],
           $7::date[], $8::text[], $9::text[], $10::text[], $11::text[], $12::uuid[], $13::text[], $14::text[],
           $15::text[], $16::boolean[], $17::timestamptz[], $18::timestamptz[], $19::boolean[], $20::integer[],
           $21::date[], $22::uuid[], $23::text[], $24::text[])
         ON CONFLICT (id) DO UPDATE SET
           visitor = excluded.visitor, session = excluded.session, started = excluded.started, zone = excluded.zone,
           class = excluded.class, reason = excluded.reason, account = excluded.account,
           user_hash = excluded.user_hash, agent = excluded.agent, rule = excluded.rule, policy = excluded.policy,
           trial = excluded.trial, event_time = excluded.event_time, stored_time = excluded.stored_time,
           withdrawn = excluded.withdrawn, note = excluded.note"
    );
    tables.execute(
        &sql,
        &[
            &column!(lines, |line| Id(line.id)),
            &column!(lines, |line| line.portal.as_str()),
            &column!(lines, |line| line.module.as_deref().unwrap_or_default()),
            &column!(lines, |line| Id(line.visitor.unwrap_or(NOBODY))),
            &column!(lines, |line| line.session.map(Id)),
            &column!(lines, |line| line.started.map(At)),
            &column!(lines, |line| Date(line.day)),
            &column!(lines, |line| line.zone.as_str()),
            &column!(lines, |line| line.class.name()),
            &column!(lines, |line| line.reason.map_or(words::MANUAL, |reason| reason.name())),
            &column!(lines, |line| line.account.as_deref()),
            &column!(lines, |line| line.user.map(Id)),
            &column!(lines, |line| line.agent.as_deref()),
            &column!(lines, |line| line.rule.as_str()),
            &column!(lines, |line| line.policy.map(|policy| policy.to_string())),
            &column!(lines, |line| line.trial),
            &column!(lines, |line| At(line.event_time)),
            &column!(lines, |line| At(line.stored_time)),
            &column!(lines, |line| line.withdrawn),
            &column!(lines, |line| line.amount),
            &column!(lines, |line| line.corrects.map(Date)),
            &column!(lines, |line| line.of.map(Id)),
            &column!(lines, |line| line.author.as_deref()),
            &column!(lines, |line| line.note.as_deref()),
        ],
    )?;
    Ok(())
}

pub(super) fn sessions(tables: &mut PostgresTables<'_, '_>, mut rows: Vec<&SessionRow>) -> Result<(), LedgerError> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable_by_key(|row| row.id);
    let sql = format!(
        "INSERT INTO session ({SESSION})
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[],
           $7::timestamptz[], $8::date[], $9::text[], $10::boolean[], $11::boolean[], $12::uuid[], $13::text[],
           $14::text[], $15::bigint[], $16::bigint[], $17::date[], $18::text[], $19::text[], $20::boolean[],
           $21::timestamptz[])
         ON CONFLICT (id) DO UPDATE SET
           began = excluded.began, last_seen = excluded.last_seen, counted_day = excluded.counted_day,
           class = excluded.class, proven_guest = excluded.proven_guest, logged_out = excluded.logged_out,
           user_hash = excluded.user_hash, account = excluded.account, agent = excluded.agent,
           pages = excluded.pages, actions = excluded.actions, converted = excluded.converted, zone = excluded.zone,
           policy = excluded.policy, gone = excluded.gone, stored_time = excluded.stored_time"
    );
    tables.execute(
        &sql,
        &[
            &column!(rows, |row| Id(row.id)),
            &column!(rows, |row| row.portal.as_str()),
            &column!(rows, |row| row.module.as_deref().unwrap_or_default()),
            &column!(rows, |row| Id(row.visitor)),
            &column!(rows, |row| At(row.started)),
            &column!(rows, |row| row.began.name()),
            &column!(rows, |row| At(row.last_seen)),
            &column!(rows, |row| Date(row.counted_day)),
            &column!(rows, |row| row.class.name()),
            &column!(rows, |row| row.proven_guest),
            &column!(rows, |row| row.logged_out),
            &column!(rows, |row| row.user.map(Id)),
            &column!(rows, |row| row.account.as_deref()),
            &column!(rows, |row| row.agent.as_deref()),
            &column!(rows, |row| i64::from(row.pages)),
            &column!(rows, |row| i64::from(row.actions)),
            &column!(rows, |row| row.converted.map(Date)),
            &column!(rows, |row| row.zone.as_str()),
            &column!(rows, |row| row.policy.to_string()),
            &column!(rows, |row| row.gone),
            &column!(rows, |row| At(row.stored_time)),
        ],
    )?;
    Ok(())
}

pub(super) fn presences(tables: &mut PostgresTables<'_, '_>, rows: &[&Presence]) -> Result<(), LedgerError> {
    let sql = "INSERT INTO presence (portal, module, day, visitor, user_hash)
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::date[], $4::uuid[], $5::uuid[])
         ON CONFLICT DO NOTHING";
    presences_by(tables, sql, rows)
}

pub(super) fn absences(tables: &mut PostgresTables<'_, '_>, rows: &[&Presence]) -> Result<(), LedgerError> {
    let sql = "DELETE FROM presence WHERE ctid = ANY (ARRAY(
         SELECT found.ctid
         FROM UNNEST($1::text[], $2::text[], $3::date[], $4::uuid[], $5::uuid[]) p (portal, module, day, visitor, who),
           LATERAL (SELECT ctid FROM presence
             WHERE portal = p.portal AND module = p.module AND day = p.day AND visitor = p.visitor AND user_hash = p.who
             OFFSET 0) found))";
    presences_by(tables, sql, rows)
}

fn presences_by(tables: &mut PostgresTables<'_, '_>, sql: &str, rows: &[&Presence]) -> Result<(), LedgerError> {
    if rows.is_empty() {
        return Ok(());
    }
    tables.execute(
        sql,
        &[
            &column!(rows, |row| row.portal.as_str()),
            &column!(rows, |row| row.module.as_deref().unwrap_or_default()),
            &column!(rows, |row| Date(row.day)),
            &column!(rows, |row| Id(row.visitor)),
            &column!(rows, |row| Id(row.user.unwrap_or(NOBODY))),
        ],
    )?;
    Ok(())
}

pub(super) fn acts(tables: &mut PostgresTables<'_, '_>, acts: &[&Acts]) -> Result<(), LedgerError> {
    // One statement may not add to a row twice.
    let mut sums = BTreeMap::new();
    for (acts, act) in acts.iter().flat_map(|acts| acts.acts.iter().map(move |act| (acts, act))) {
        let what = (&act.room, &act.resource, act.action.as_deref().unwrap_or_default());
        let who = (act.class.name(), act.account.as_deref().unwrap_or_default(), act.user.unwrap_or(NOBODY));
        let place = (acts.portal.as_str(), acts.day, acts.at, act.module.as_deref().unwrap_or_default());
        *sums.entry((place, who, what)).or_insert(0i64) += i64::from(act.count);
    }
    if sums.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = sums.into_iter().collect();
    tables.execute(
        "INSERT INTO act (portal, day, at, module, class, account, user_hash, room, resource, action, count)
         SELECT * FROM UNNEST($1::text[], $2::date[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
           $7::uuid[], $8::text[], $9::text[], $10::text[], $11::bigint[])
         ON CONFLICT (portal, day, at, module, class, account, user_hash, room, resource, action)
         DO UPDATE SET count = act.count + excluded.count",
        &[
            &column!(rows, |((place, ..), _)| place.0),
            &column!(rows, |((place, ..), _)| Date(place.1)),
            &column!(rows, |((place, ..), _)| At(place.2)),
            &column!(rows, |((place, ..), _)| place.3),
            &column!(rows, |((_, who, _), _)| who.0),
            &column!(rows, |((_, who, _), _)| who.1),
            &column!(rows, |((_, who, _), _)| Id(who.2)),
            &column!(rows, |((.., what), _)| what.0.as_str()),
            &column!(rows, |((.., what), _)| what.1.as_str()),
            &column!(rows, |((.., what), _)| what.2),
            &column!(rows, |(_, count)| *count),
        ],
    )?;
    Ok(())
}

/// Digests that followed from what these days were.
pub(super) fn outdate(tables: &mut PostgresTables<'_, '_>, days: &BTreeSet<(&str, Day)>) -> Result<(), LedgerError> {
    if days.is_empty() {
        return Ok(());
    }
    let spans = |(portal, day): &(&'_ str, Day)| {
        [(portal.to_string(), Span::Day, *day), (portal.to_string(), Span::Month, day.month().first())]
    };
    let outdated: Vec<_> = days.iter().flat_map(spans).collect();
    // Those that follow from rows that stay.
    tables.execute(
        "DELETE FROM digest d USING UNNEST($1::text[], $2::text[], $3::date[]) o (portal, span, day)
         WHERE d.portal = o.portal AND d.kind = ANY('{hours,reach,visits}') AND d.span = o.span AND d.day = o.day",
        &[
            &column!(outdated, |(portal, ..)| portal.as_str()),
            &column!(outdated, |(_, span, _)| span.name()),
            &column!(outdated, |(.., day)| Date(*day)),
        ],
    )?;
    Ok(())
}

/// A day that is not as it was read is an error.
pub(super) fn totals(tables: &mut PostgresTables<'_, '_>, rows: &[(&str, &Total)]) -> Result<(), LedgerError> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO usage_day ({TOTAL})
         SELECT * FROM UNNEST($1::text[], $2::date[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
           $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
           $14::timestamptz[])
         ON CONFLICT (portal, day, module) DO UPDATE SET
           zone = excluded.zone, guest = excluded.guest, external = excluded.external, internal = excluded.internal,
           bot = excluded.bot, converted = excluded.converted, page_views = excluded.page_views,
           actions = excluded.actions, duration_ms = excluded.duration_ms, revision = excluded.revision,
           sealed = excluded.sealed
         WHERE usage_day.sealed IS NULL AND usage_day.revision = excluded.revision - 1"
    );
    let class = |number: usize| column!(rows, |(_, total)| total.sums.records[number]);
    let written = tables.execute(
        &sql,
        &[
            &column!(rows, |(portal, _)| *portal),
            &column!(rows, |(_, total)| Date(total.day)),
            &column!(rows, |(_, total)| total.module.as_deref().unwrap_or_default()),
            &column!(rows, |(_, total)| total.zone.as_str()),
            &class(0),
            &class(1),
            &class(2),
            &class(3),
            &column!(rows, |(_, total)| total.sums.converted),
            &column!(rows, |(_, total)| total.sums.page_views),
            &column!(rows, |(_, total)| total.sums.actions),
            &column!(rows, |(_, total)| total.sums.duration_ms),
            &column!(rows, |(_, total)| total.revision),
            &column!(rows, |(_, total)| total.sealed.map(At)),
        ],
    )?;
    if written == rows.len() as u64 { Ok(()) } else { Err(LedgerError::overtaken()) }
}

//! The tables' rows, for those who look.

use portalmeter_rules::time::Millis;
use postgres::Row;

use super::rows::{self, NOBODY};
use super::tables::PostgresTables;
use super::types::{At, Date, Id};
use crate::acts::Act;
use crate::day::Day;
use crate::digest::{Kind, Span};
use crate::ledger::digests::Keep;
use crate::ledger::look::{Acted, Begun, Counted, Days, Look, Present, Zones};
use crate::ledger::tables::utc_day;
use crate::ledger::{LedgerError, Total, words};
use crate::people::person;

impl Look for PostgresTables<'_, '_> {
    fn first_day(&mut self, portal: &str) -> Result<Option<Day>, LedgerError> {
        let sql = "SELECT MIN(day) FROM usage_day WHERE portal = $1";
        let found = self.query(sql, &[&portal], |row| Ok(row.try_get::<_, Option<Date>>(0)?))?;
        Ok(found.into_iter().flatten().next().map(|date| date.0))
    }

    fn totals(&mut self, portals: &[String], days: Days) -> Result<Vec<(String, Total)>, LedgerError> {
        let sql = format!(
            "SELECT {} FROM usage_day WHERE day >= $1 AND day < $2 AND (portal = ANY($3) OR $3 = '{{}}')
             ORDER BY portal COLLATE \"C\", day, module COLLATE \"C\"",
            rows::TOTAL
        );
        self.query(&sql, &[&Date(days.from), &Date(days.to), &portals], rows::total)
    }

    fn begun(&mut self, portal: &str, from: Millis, to: Millis) -> Result<Vec<Begun>, LedgerError> {
        let sql =
            format!("SELECT {BEGUN} FROM session WHERE portal = $1 AND started >= $2 AND started < $3 AND NOT gone");
        let found = self.query(&sql, &[&portal, &At(from), &At(to)], begun)?;
        Ok(on_their_days(found))
    }

    fn seen_since(&mut self, portal: &str, since: Millis) -> Result<Vec<Begun>, LedgerError> {
        let sql = format!(
            "SELECT {BEGUN} FROM session WHERE last_day >= $1 AND portal = $2 AND last_seen >= $3 AND NOT gone"
        );
        let found = self.query(&sql, &[&Date(utc_day(since)), &portal, &At(since)], begun)?;
        Ok(on_their_days(found))
    }

    fn counted(&mut self, portal: &str, days: Days) -> Result<Vec<Counted>, LedgerError> {
        let sql = "SELECT module, day, event_time, class, amount, zone, corrects IS NOT NULL FROM usage_record
                   WHERE portal = $1 AND day >= $2 AND day < $3 AND NOT withdrawn";
        let found = self.query(sql, &[&portal, &Date(days.from), &Date(days.to)], |row| {
            let counted = Counted {
                module: words::module(row.try_get(0)?),
                day: row.try_get::<_, Date>(1)?.0,
                at: row.try_get::<_, At>(2)?.0,
                class: words::class(row.try_get(3)?)?,
                amount: i64::from(row.try_get::<_, i32>(4)?),
            };
            let correction = row.try_get::<_, bool>(6)?.then(|| row.try_get::<_, String>(5)).transpose()?;
            Ok((counted, correction))
        })?;
        let mut zones = Zones::default();
        let within = |(counted, correction): (Counted, Option<String>)| match correction {
            Some(zone) => Counted { at: zones.within(&zone, counted.day, counted.at), ..counted },
            None => counted,
        };
        Ok(found.into_iter().map(within).collect())
    }

    fn present(&mut self, portal: &str, days: Days) -> Result<Vec<Present>, LedgerError> {
        let sql = "SELECT p.module, p.day, p.visitor, p.user_hash
                   FROM (SELECT DISTINCT module FROM usage_day WHERE portal = $1 AND day >= $2 AND day < $3) m
                   JOIN presence p ON p.portal = $1 AND p.module = m.module AND p.day >= $2 AND p.day < $3";
        self.query(sql, &[&portal, &Date(days.from), &Date(days.to)], |row| {
            let user = row.try_get::<_, Id>(3)?.0;
            Ok(Present {
                module: words::module(row.try_get(0)?),
                day: row.try_get::<_, Date>(1)?.0,
                visitor: person(row.try_get::<_, Id>(2)?.0),
                user: (user != NOBODY).then(|| person(user)),
            })
        })
    }

    fn acts(&mut self, portal: &str, days: Days) -> Result<Vec<Acted>, LedgerError> {
        let sql = "SELECT day, at, module, class, account, user_hash, room, resource, action, count FROM act
                   WHERE portal = $1 AND day >= $2 AND day < $3 ORDER BY day";
        self.query(sql, &[&portal, &Date(days.from), &Date(days.to)], |row| {
            let user = row.try_get::<_, Id>(5)?.0;
            let act = Act {
                module: words::module(row.try_get(2)?),
                class: words::class(row.try_get(3)?)?,
                account: words::module(row.try_get(4)?),
                user: (user != NOBODY).then_some(user),
                room: row.try_get(6)?,
                resource: row.try_get(7)?,
                action: words::module(row.try_get(8)?),
                count: u32::try_from(row.try_get::<_, i64>(9)?).unwrap_or(u32::MAX),
            };
            Ok(Acted { day: row.try_get::<_, Date>(0)?.0, at: row.try_get::<_, At>(1)?.0, act })
        })
    }

    fn digests(
        &mut self,
        portal: &str,
        (kind, span): (Kind, Span),
        days: Days,
    ) -> Result<Vec<(Day, Vec<u8>)>, LedgerError> {
        let sql = "SELECT day, body FROM digest
                   WHERE portal = $1 AND kind = $2 AND span = $3 AND day >= $4 AND day < $5 ORDER BY day";
        let of = [kind.name(), span.name()];
        self.query(sql, &[&portal, &of[0], &of[1], &Date(days.from), &Date(days.to)], |row| {
            Ok((row.try_get::<_, Date>(0)?.0, row.try_get(1)?))
        })
    }

    fn digested(&mut self, portal: &str, (kind, span): (Kind, Span), days: Days) -> Result<Vec<Day>, LedgerError> {
        let sql = "SELECT day FROM digest
                   WHERE portal = $1 AND kind = $2 AND span = $3 AND day >= $4 AND day < $5 ORDER BY day";
        let of = [kind.name(), span.name()];
        self.query(sql, &[&portal, &of[0], &of[1], &Date(days.from), &Date(days.to)], |row| {
            Ok(row.try_get::<_, Date>(0)?.0)
        })
    }
}

impl Keep for PostgresTables<'_, '_> {
    fn put(&mut self, portal: &str, (kind, span, day): (Kind, Span, Day), body: &[u8]) -> Result<(), LedgerError> {
        let sql = "INSERT INTO digest (portal, kind, span, day, body) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (portal, kind, span, day) DO UPDATE SET body = excluded.body";
        self.execute(sql, &[&portal, &kind.name(), &span.name(), &Date(day), &body])?;
        Ok(())
    }

    fn forget_acts(&mut self, portal: &str, day: Day) -> Result<(), LedgerError> {
        self.execute("DELETE FROM act WHERE portal = $1 AND day = $2", &[&portal, &Date(day)])?;
        Ok(())
    }

    fn forget_month(&mut self, portal: &str, first: Day) -> Result<(), LedgerError> {
        let sql = "DELETE FROM digest WHERE portal = $1 AND span = 'month' AND day = $2";
        self.execute(sql, &[&portal, &Date(first)])?;
        Ok(())
    }
}

const BEGUN: &str = "module, started, last_seen, class, account, user_hash, zone";

fn begun(row: &Row) -> Result<(Begun, String), LedgerError> {
    let session = Begun {
        module: words::module(row.try_get(0)?),
        day: Day::default(),
        started: row.try_get::<_, At>(1)?.0,
        last_seen: row.try_get::<_, At>(2)?.0,
        class: words::class(row.try_get(3)?)?,
        account: row.try_get(4)?,
        user: row.try_get::<_, Option<Id>>(5)?.map(|id| person(id.0)),
    };
    Ok((session, row.try_get(6)?))
}

fn on_their_days(found: Vec<(Begun, String)>) -> Vec<Begun> {
    let mut zones = Zones::default();
    found.into_iter().map(|(one, zone)| Begun { day: zones.day(&zone, one.started), ..one }).collect()
}

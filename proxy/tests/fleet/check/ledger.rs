//! The usage records that hold, out of an embedded ledger or out of Postgres.

use std::collections::BTreeMap;

use rusqlite::{Connection, OpenFlags};

use super::super::nodes::Node;
use super::super::servers::postgres::Postgres;
use super::super::truth::{Class, Reason};
use super::{Counts, Found, Place};

/// A usage record.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) place: Place,
    pub(crate) class: Class,
    pub(crate) reason: Reason,
    /// The user, by what the portal calls his company: each user has one.
    pub(crate) account: Option<String>,
    pub(crate) session: String,
    pub(crate) visitor: String,
    /// In milliseconds since 1970.
    pub(crate) event_time: i64,
}

fn open(node: &Node) -> Connection {
    let file = node.dir.join("data/portalmeter.db");
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}

const REASONS: [Reason; 5] = [Reason::Start, Reason::Midnight, Reason::Login, Reason::Relogin, Reason::UserSwitch];

impl Record {
    fn new(
        place: (String, String, i64),
        [class, reason]: [&str; 2],
        rest: (Option<String>, String, String, i64),
    ) -> Self {
        let (portal, module, day) = place;
        let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
        let (account, session, visitor, event_time) = rest;
        Self {
            place: (portal, module, date.to_string()),
            class: Class::ALL.into_iter().find(|known| known.name() == class).expect("a class"),
            reason: REASONS.into_iter().find(|known| known.name() == reason).expect("a reason"),
            account,
            session,
            visitor,
            event_time,
        }
    }
}

/// The records of a node's embedded ledger.
pub(crate) fn embedded(node: &Node) -> Vec<Record> {
    let database = open(node);
    let mut query = database
        .prepare(
            "SELECT portal, module, day, class, reason, account, session, visitor, event_time FROM usage_record \
             WHERE NOT withdrawn AND amount = 1",
        )
        .unwrap();
    let records = query.query_map([], |row| {
        let words: [String; 2] = [row.get(3)?, row.get(4)?];
        let place = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Record::new(place, [&words[0], &words[1]], (row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?)))
    });
    records.unwrap().map(Result::unwrap).collect()
}

/// The records in Postgres.
pub(crate) fn postgres(postgres: &Postgres) -> Vec<Record> {
    let mut client = postgres.connect().expect("Postgres answers");
    let rows = client
        .query(
            "SELECT portal, module, day - date '1970-01-01', class, reason, account, session::text, visitor::text, \
             (extract(epoch FROM event_time) * 1000)::bigint FROM usage_record WHERE NOT withdrawn AND amount = 1",
            &[],
        )
        .unwrap();
    let records = rows.iter().map(|row| {
        let place = (row.get(0), row.get(1), i64::from(row.get::<_, i32>(2)));
        Record::new(place, [row.get(3), row.get(4)], (row.get(5), row.get(6), row.get(7), row.get(8)))
    });
    records.collect()
}

/// A guest session that became external.
#[derive(Debug)]
pub(crate) struct Conversion {
    pub(crate) portal: String,
    pub(crate) module: String,
    pub(crate) account: Option<String>,
    pub(crate) session: String,
    /// In milliseconds since 1970.
    pub(crate) started: i64,
}

/// The conversions in a node's embedded ledger.
pub(crate) fn embedded_conversions(node: &Node) -> Vec<Conversion> {
    let database = open(node);
    let mut query = database
        .prepare(
            "SELECT portal, module, account, id, started FROM session WHERE converted IS NOT NULL AND NOT gone \
             ORDER BY started",
        )
        .unwrap();
    let conversions = query.query_map([], |row| {
        Ok(Conversion {
            portal: row.get(0)?,
            module: row.get(1)?,
            account: row.get(2)?,
            session: row.get(3)?,
            started: row.get(4)?,
        })
    });
    conversions.unwrap().map(Result::unwrap).collect()
}

/// The conversions in Postgres.
pub(crate) fn postgres_conversions(postgres: &Postgres) -> Vec<Conversion> {
    let mut client = postgres.connect().expect("Postgres answers");
    let rows = client
        .query(
            "SELECT portal, module, account, id::text, (extract(epoch FROM started) * 1000)::bigint FROM session \
             WHERE converted IS NOT NULL AND NOT gone ORDER BY started",
            &[],
        )
        .unwrap();
    let conversions = rows.iter().map(|row| Conversion {
        portal: row.get(0),
        module: row.get(1),
        account: row.get(2),
        session: row.get(3),
        started: row.get(4),
    });
    conversions.collect()
}

/// What records count. Conversions and page views are not theirs to know: they are taken from `others`.
pub(crate) fn found(source: &str, records: &[Record], others: &Found) -> Found {
    let mut counts: BTreeMap<Place, Counts> = BTreeMap::new();
    for (place, of) in &others.counts {
        let Counts { converted, page_views, .. } = *of;
        counts.insert(place.clone(), Counts { converted, page_views, ..Counts::default() });
    }
    for record in records {
        let counts = counts.entry(record.place.clone()).or_default();
        match record.class {
            Class::Guest => counts.guest += 1,
            Class::External => counts.external += 1,
            Class::Internal => counts.internal += 1,
            Class::Bot => counts.bot += 1,
        }
    }
    Found { source: source.to_owned(), counts }
}

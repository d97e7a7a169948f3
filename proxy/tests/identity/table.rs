//! Rows of a table: who sends what, and what the meter takes the sender for.

use std::fs;
use std::path::PathBuf;

use portalmeter_rules::id::{NameKey, Role};
use rusqlite::{Connection, OpenFlags};

use super::peer::ask_from;
use crate::faults::meter::until;
use crate::faults::stage::Stage;
use crate::faults::wire::Answer;

/// One page of one visitor.
pub(crate) struct Row {
    what: &'static str,
    sends: String,
    peer: Peer,
    method: &'static str,
    path: &'static str,
    /// `unknown`, `guest`, `external`, `external ann`, `internal bob`.
    is: &'static str,
}

/// Where a row's connection comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// 127.0.0.1, which the stage trusts, for a client of its own.
    Trusted,
    /// Another address of the loopback, which nobody trusts.
    Stranger,
}

/// A row: what is sent (fields separated by ` | `), and what that makes of the sender.
pub(crate) fn row(what: &'static str, sends: impl Into<String>, is: &'static str) -> Row {
    Row { what, sends: sends.into(), peer: Peer::Trusted, method: "GET", path: "/", is }
}

impl Row {
    /// The same from somebody who is not trusted.
    pub(crate) fn by_a_stranger(self) -> Self {
        Self { peer: Peer::Stranger, ..self }
    }

    pub(crate) fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    pub(crate) fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }
}

/// Who trusts 127.0.0.1 and nobody else.
pub(crate) const TRUSTED: &str = "127.0.0.1/32";

/// Sends each row as a visitor of its own, and compares what was recorded. Gives the answers.
#[track_caller]
pub(crate) fn holds(stage: &Stage, rows: &[Row]) -> Vec<Answer> {
    let before = records(stage).len();
    let mut answers = Vec::new();
    // Visitors of an earlier table are others.
    for (number, row) in (10..).skip(before).zip(rows) {
        let answer = send(stage, number, row);
        assert_eq!(answer.status, 200, "{}: {}", row.what, answer.head);
        answers.push(answer);
        until("its record is there", || records(stage).len() >= before + answers.len());
        let records = records(stage);
        assert_eq!(records.len(), before + answers.len(), "{}: one record a row", row.what);
        assert_eq!(records.last().unwrap(), row.is, "{}: {}", row.what, row.sends);
    }
    answers
}

/// Sends a row as visitor `number`.
pub(crate) fn send(stage: &Stage, number: u16, row: &Row) -> Answer {
    let [high, low] = number.to_be_bytes();
    let fields: String =
        row.sends.split(" | ").filter(|field| !field.is_empty()).flat_map(|field| [field, "\r\n"]).collect();
    let own = format!("X-Forwarded-For: 20.0.{high}.{low}\r\n");
    let own =
        if row.peer == Peer::Trusted && !fields.to_lowercase().contains("x-forwarded-for") { own.as_str() } else { "" };
    let request = format!(
        "{} {} HTTP/1.1\r\nHost: help.example\r\nUser-Agent: {BROWSER}\r\nAccept: text/html\r\n\
         Accept-Language: en-{number}\r\n{own}{fields}\r\n",
        row.method, row.path
    );
    let from = if row.peer == Peer::Trusted { [127, 0, 0, 1] } else { [127, 1, high, low] };
    ask_from(from, stage.proxy(), request.as_bytes())
}

/// A person's browser.
pub(crate) const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// People whose names are recognised in records.
const PEOPLE: [&str; 6] = ["ann", "bob", "eve", "7", "acme\\ann", "mallory"];

/// The records so far as rows say them, in order of time.
pub(crate) fn records(stage: &Stage) -> Vec<String> {
    let data = data(stage);
    let secret = fs::read(data.join("secret")).unwrap().trim_ascii().to_vec();
    let key = NameKey::from_secret(&secret);
    let name = |person: &str| key.name(Role::User, &[person.as_bytes()]).to_string();
    let database = Connection::open_with_flags(data.join("portalmeter.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut all = database
        .prepare("SELECT class, user_hash, rule FROM usage_record WHERE withdrawn = 0 ORDER BY event_time, stored_time")
        .unwrap();
    let all = all.query_map([], |row| {
        let (class, user, rule): (String, Option<String>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let user = user.map(|user| {
            let person = PEOPLE.iter().find(|person| name(person) == user);
            format!(" {}", person.map_or("somebody else", |person| *person))
        });
        let class = if class == "guest" && rule == "nobody said" { "unknown".to_owned() } else { class };
        Ok(class + user.as_deref().unwrap_or_default())
    });
    all.unwrap().collect::<Result<_, _>>().unwrap()
}

fn data(stage: &Stage) -> PathBuf {
    stage.setup.config.parent().unwrap().join("data")
}

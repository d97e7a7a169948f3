//! A row as an attack: what is sent, and what must come out of it.

use crate::fidelity::table::{Line, Row, unescaped};

#[derive(Debug)]
pub(crate) struct Attack {
    pub(crate) place: String,
    pub(crate) title: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether the client ends its side afterwards.
    pub(crate) ends: bool,
    pub(crate) expected: Vec<Expected>,
}

/// What comes out, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The portal reads this request whole, and its answer arrives.
    Forwarded { line: Vec<u8>, body: Vec<u8> },
    /// One of these statuses; the portal reads nothing whole, and the connection is closed.
    Refused(Vec<u16>),
    /// The connection is closed without another word.
    Closed,
}

impl Attack {
    pub(crate) fn of(row: &Row) -> Self {
        let mut attack = Self {
            place: row.place.clone(),
            title: row.title.clone(),
            bytes: Vec::new(),
            ends: false,
            expected: Vec::new(),
        };
        for line in &row.lines {
            match line {
                Line::Sent(bytes) => attack.bytes.extend_from_slice(bytes),
                Line::Expected(what) => attack.expected.push(Expected::of(&row.place, what)),
                Line::Happens(what) if what == "the client ends" => attack.ends = true,
                Line::Happens(what) => panic!("{}: `! {what}` says nothing", row.place),
                Line::Answered(_) => panic!("{}: the portal's answer is not a row's to say", row.place),
            }
        }
        assert!(!attack.expected.is_empty(), "{}: nothing is expected", row.place);
        attack
    }
}

impl Expected {
    /// `closed`, statuses such as `400` or `400 or 421`, or a request line with `, body …`.
    fn of(place: &str, what: &str) -> Self {
        if what == "closed" {
            return Self::Closed;
        }
        let statuses: Option<Vec<u16>> = what.split(" or ").map(|status| status.parse().ok()).collect();
        if let Some(statuses) = statuses {
            return Self::Refused(statuses);
        }
        let (line, body) = what.split_once(", body ").unwrap_or((what, ""));
        let line = format!("{line} HTTP/1.1");
        Self::Forwarded { line: unescaped(place, &line), body: unescaped(place, body) }
    }
}

//! A row as an exchange: what the client sends, what the portal does, what may differ.

use super::origin::{CASE, Step};
use super::table::{Line, Row, shown};

/// An exchange that is had twice: straight with the portal, and through the proxy.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) place: String,
    pub(crate) title: String,
    /// Its name on the wire.
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) client: Vec<Act>,
    pub(crate) portal: Vec<Step>,
    /// Differences that are known, each with its reason.
    pub(crate) known: Vec<(String, String)>,
    /// Whether the proxy refuses it though the portal would take it.
    pub(crate) refused: Option<Refusal>,
}

/// How the proxy refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It answers with this status itself.
    With(u16),
    /// It closes the connection.
    WithoutAWord,
}

/// What a client does, in order. In the end it reads the answer.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// Reads a head: goes on after a 1xx, and sends no more after an answer.
    Wait,
    /// Sends no more, and goes on reading.
    Shut,
}

impl Case {
    pub(crate) fn of(row: &Row, number: usize) -> Self {
        let id = format!("case-{number}");
        let mut case = Self {
            place: row.place.clone(),
            title: row.title.clone(),
            method: String::new(),
            client: Vec::new(),
            portal: Vec::new(),
            known: Vec::new(),
            refused: None,
            id,
        };
        for line in &row.lines {
            match line {
                Line::Sent(bytes) => case.send(bytes),
                Line::Answered(bytes) => match case.portal.last_mut() {
                    Some(Step::Send(sent)) => sent.extend_from_slice(bytes),
                    _ => case.portal.push(Step::Send(bytes.clone())),
                },
                Line::Happens(what) => case.happens(what),
                Line::Expected(what) => panic!("{}: `= {what}` has no place here", row.place),
            }
        }
        if !case.portal.iter().any(|step| matches!(step, Step::Body | Step::Note)) {
            case.portal.insert(0, Step::Body);
        }
        case
    }

    /// Sends more; the first line of all is followed by the case's name.
    fn send(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        if self.method.is_empty() {
            let method = bytes.split(|&byte| byte == b' ').next().unwrap_or_default();
            self.method = String::from_utf8_lossy(method).into_owned();
            bytes.extend_from_slice(format!("{CASE}: {}\r\n", self.id).as_bytes());
        }
        match self.client.last_mut() {
            Some(Act::Send(sent)) => sent.extend_from_slice(&bytes),
            _ => self.client.push(Act::Send(bytes)),
        }
    }

    fn happens(&mut self, what: &str) {
        match what {
            "the client waits" => self.client.push(Act::Wait),
            "the client sends no more" => self.client.push(Act::Shut),
            "the portal reads the body" => self.portal.push(Step::Body),
            "the portal notes the request" => self.portal.push(Step::Note),
            "the portal thinks" => self.portal.extend([Step::Body, Step::Think]),
            "the portal closes" => self.portal.push(Step::Close),
            "the portal resets" => self.portal.push(Step::Reset),
            _ if what.starts_with("refused without a word: ") => self.refused = Some(Refusal::WithoutAWord),
            _ if what.starts_with("refused with ") => {
                let status = what["refused with ".len()..].split(':').next().and_then(|status| status.parse().ok());
                let status = status.unwrap_or_else(|| panic!("{}: no status in `{what}`", self.place));
                self.refused = Some(Refusal::With(status));
            }
            _ => {
                let known = what.strip_prefix("differs ").and_then(|known| known.split_once(": "));
                let (what, why) = known.unwrap_or_else(|| panic!("{}: `! {what}` says nothing", self.place));
                self.known.push((what.to_owned(), why.to_owned()));
            }
        }
    }

    /// What the client sends, as a report shows it.
    pub(crate) fn sent(&self) -> String {
        let sends =
            self.client.iter().filter_map(|act| if let Act::Send(bytes) = act { Some(shown(bytes)) } else { None });
        sends.collect::<Vec<_>>().join(" … ")
    }
}

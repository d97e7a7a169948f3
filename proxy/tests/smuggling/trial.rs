//! An attack is made, and proxy, portal and meter are asked what they made of it.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::attack::{Attack, Expected};
use super::frames::{Frames, Outcome};
use super::lenient::{Lenient, Whole};
use super::streams::Stream;
use crate::faults::meter::{Counted, Running};
use crate::faults::wire::Wire;
use crate::fidelity::message::Connection;
use crate::fidelity::table::shown;

/// Everybody who is asked.
pub(crate) struct Trial {
    pub(crate) portal: Lenient,
    pub(crate) running: Running,
    pub(crate) _folder: TempDir,
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

impl Trial {
    /// What is wrong with what came out. In the end an honest browser must get its own page.
    pub(crate) fn of(&self, attack: &Attack, honest: &str) -> Vec<String> {
        let expected = attack.expected.iter().filter_map(Expected::whole).collect();
        self.judge(expected, honest, |wrong| self.attack(attack, wrong))
    }

    /// The same over HTTP/2.
    pub(crate) fn of_stream(&self, stream: &Stream, honest: &str) -> Vec<String> {
        let whole = |(line, body): (&str, &str)| Whole {
            line: format!("{line} HTTP/1.1").into_bytes(),
            body: body.as_bytes().to_vec(),
        };
        let expected = stream.read.map(whole);
        self.judge(expected.clone().into_iter().collect(), honest, |wrong| {
            let outcome = self.send(stream);
            let right = match (&outcome, &expected) {
                (Outcome::Answered { status: 200, body, ended: true }, Some(whole)) => body.starts_with(&whole.line),
                (Outcome::Answered { status, .. }, None) => *status >= 400,
                (Outcome::Refused, expected) => expected.is_none(),
                _ => false,
            };
            if !right {
                wrong.push(format!("it came to {outcome:?}"));
            }
        })
    }

    /// What is wrong with a request whose header is good and whose body is not. The portal may have read and
    /// answered it before that shows, and the answer may have been thrown away unmetered.
    pub(crate) fn of_late_stream(&self, stream: &Stream, honest: &str) -> Vec<String> {
        self.portal.take();
        let before = self.metered();
        self.send(stream);
        let mut seen = Vec::new();
        let asked = Instant::now();
        // It comes at once if it comes at all.
        while seen.is_empty() && asked.elapsed() < Duration::from_secs(1) {
            std::thread::sleep(Duration::from_millis(5));
            seen = self.portal.take();
        }
        let mut wrong = Vec::new();
        self.honest(honest, &mut wrong);
        let metered = (self.metered() - before) as usize;
        seen.extend(self.portal.take());
        if seen.len() > 2 || metered > seen.len() || seen.iter().any(|seen| seen.line.starts_with(b"GET /smuggled")) {
            wrong.push(format!("the portal read {}, and {metered} were metered", told(&seen)));
        }
        wrong
    }

    /// An honest browser's page, which must be its own.
    fn honest(&self, page: &str, wrong: &mut Vec<String>) -> Whole {
        let line = format!("GET {page} HTTP/1.1");
        let mut fresh = Connection::to(self.running.setup.proxy);
        let sent = fresh.send(format!("{line}\r\nHost: portal.test\r\nUser-Agent: {FIREFOX}\r\n\r\n").as_bytes());
        let answer = sent.and_then(|()| fresh.answer("GET"));
        let body = answer.as_ref().ok().and_then(Option::as_ref).map(|answer| shown(&answer.body.bytes));
        if body != Some(format!("{line}|")) {
            wrong.push(format!("an honest request afterwards got {answer:?}"));
        }
        Whole { line: line.into_bytes(), body: Vec::new() }
    }

    /// What is wrong with what an attack came to, of which the portal should read what is `expected`.
    fn judge(&self, mut expected: Vec<Whole>, honest: &str, attack: impl FnOnce(&mut Vec<String>)) -> Vec<String> {
        let mut wrong = Vec::new();
        self.portal.take();
        let before = self.metered();
        attack(&mut wrong);
        expected.push(self.honest(honest, &mut wrong));
        let seen = self.portal.take();
        if seen != expected {
            wrong.push(format!("the portal read {}", told(&seen)));
        }
        let metered = self.metered() - before;
        if metered != seen.len() as u64 {
            wrong.push(format!("the portal read {} requests, and {metered} were metered", seen.len()));
        }
        wrong
    }

    fn send(&self, stream: &Stream) -> Outcome {
        let Ok(mut frames) = Frames::to(self.running.setup.proxy) else { return Outcome::Refused };
        let fields: Vec<(&[u8], &[u8])> = stream.fields.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        let only = stream.data.is_empty() && stream.trailers.is_empty();
        // The proxy may close before it has read all.
        let _ = frames.headers(1, &fields, only);
        for (number, data) in stream.data.iter().enumerate() {
            let _ = frames.data(1, data, stream.trailers.is_empty() && number + 1 == stream.data.len());
        }
        if !stream.trailers.is_empty() {
            let _ = frames.headers(1, &stream.trailers, true);
        }
        frames.outcome(1)
    }

    fn attack(&self, attack: &Attack, wrong: &mut Vec<String>) {
        let mut connection = Connection::to(self.running.setup.proxy);
        // The proxy may have refused before it read all.
        let _ = connection.send(&attack.bytes);
        if attack.ends {
            connection.shut();
        }
        for expected in &attack.expected {
            let answer = match connection.answer(&expected.method()) {
                Ok(answer) => answer,
                // What was not read yet when the proxy closed is answered with a reset.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
                Err(error) => {
                    wrong.push(format!("instead of {expected:?} nothing could be read: {error}"));
                    return;
                }
            };
            let status = answer.as_ref().map(|answer| answer.head.status());
            let body = answer.as_ref().map(|answer| answer.body.bytes.clone()).unwrap_or_default();
            let right = match expected {
                Expected::Closed => status.is_none(),
                Expected::Refused(statuses) => status.is_some_and(|status| statuses.contains(&status)),
                Expected::Forwarded { line, .. } => {
                    status == Some(200) && (line.starts_with(b"HEAD ") || body.starts_with(line))
                }
            };
            if !right {
                wrong.push(format!("instead of {expected:?} came {status:?} {}", shown(&body)));
                return;
            }
        }
        let refused = matches!(attack.expected.last(), Some(Expected::Refused(_)));
        if refused && !matches!(connection.head(), Ok(None)) {
            wrong.push("after the refusal the connection is not closed".to_owned());
        }
    }

    /// Exchanges that the meter has seen, counted or not.
    pub(crate) fn metered(&self) -> u64 {
        let asked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = Wire::to(self.running.setup.admin).unwrap().ask(asked).unwrap();
        let text = String::from_utf8(answer.body).unwrap();
        let seen = ["portalmeter_observations_total{", "portalmeter_unobserved_total{"];
        let lines = text.lines().filter(|line| seen.iter().any(|name| line.starts_with(name)));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// The honest browser's pages are in the report and nothing else is: who attacks names no browser, and is
    /// one bot at most.
    pub(crate) fn has_counted(&self, pages: i64) {
        let counted = self.running.settled();
        let told = Counted { guest: 1, bot: counted.bot.min(1), page_views: pages, ..Counted::default() };
        assert_eq!(counted, told, "the report, and what the honest browser got");
    }
}

impl Expected {
    fn whole(&self) -> Option<Whole> {
        match self {
            Self::Forwarded { line, body } => Some(Whole { line: line.clone(), body: body.clone() }),
            _ => None,
        }
    }

    fn method(&self) -> String {
        match self {
            Self::Forwarded { line, .. } if line.starts_with(b"HEAD ") => "HEAD".to_owned(),
            _ => "GET".to_owned(),
        }
    }
}

fn told(seen: &[Whole]) -> String {
    let each: Vec<String> = seen.iter().map(|seen| format!("`{}|{}`", shown(&seen.line), shown(&seen.body))).collect();
    format!("[{}]", each.join(", "))
}

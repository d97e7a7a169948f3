//! One case on one connection, between two requests of somebody else's that must keep their own answers.

use std::net::SocketAddr;

use super::case::{Act, Case};
use super::message::{Answer, Connection};
use super::origin::{CASE, Origin, Seen};

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None`: the connection was closed without an answer.
    pub(crate) answer: Option<Answer>,
    /// What reached the portal.
    pub(crate) seen: Vec<Seen>,
    /// Whether the connection served another request.
    pub(crate) open: bool,
    /// What should never be.
    pub(crate) wrong: Vec<String>,
}

/// Has the exchange with whoever listens at `to`.
pub(crate) fn exchange(case: &Case, to: SocketAddr, origin: &Origin) -> Outcome {
    origin.on(&case.id, case.portal.clone());
    origin.take(&case.id);
    let mut wrong = Vec::new();
    let mut connection = Connection::to(to);
    if !neighbour(&mut connection, "before", &mut wrong) {
        wrong.push("the request before it was not answered".to_owned());
    }
    let answer = ask(case, &mut connection).unwrap_or_else(|error| {
        wrong.push(format!("the answer could not be read: {error}"));
        None
    });
    let closes =
        |answer: &Answer| answer.head.text("connection").is_some_and(|said| said.eq_ignore_ascii_case("close"));
    let usable = answer.as_ref().is_some_and(|answer| answer.body.whole && !closes(answer));
    let open = usable && neighbour(&mut connection, "after", &mut wrong);
    neighbour(&mut Connection::to(to), "beside", &mut wrong);
    Outcome { answer, seen: origin.take(&case.id), open, wrong }
}

fn ask(case: &Case, connection: &mut Connection) -> std::io::Result<Option<Answer>> {
    let mut interim = Vec::new();
    for act in &case.client {
        match act {
            // A portal that has answered already may have closed.
            Act::Send(bytes) => drop(connection.send(bytes)),
            Act::Shut => connection.shut(),
            Act::Wait => {
                let Some(head) = connection.head()? else { return Ok(None) };
                if head.status() >= 200 {
                    let body = connection.body(head.of_answer(&case.method));
                    return Ok(Some(Answer { interim, head, body }));
                }
                interim.push(head);
            }
        }
    }
    let answer = connection.answer(&case.method)?;
    Ok(answer.map(|mut answer| {
        interim.append(&mut answer.interim);
        Answer { interim, ..answer }
    }))
}

/// Whether another request on the connection was answered; if with a stranger's answer, that is wrong.
pub(crate) fn neighbour(connection: &mut Connection, who: &str, wrong: &mut Vec<String>) -> bool {
    let request = format!("GET /{who} HTTP/1.1\r\nHost: portal.test\r\n{CASE}: {who}\r\n\r\n");
    if connection.send(request.as_bytes()).is_err() {
        return false;
    }
    match connection.answer("GET") {
        Ok(Some(answer)) if answer.body.bytes == who.as_bytes() && answer.head.status() == 200 => true,
        Ok(Some(answer)) => {
            wrong.push(format!("the request {who} it got {answer:?}"));
            true
        }
        Ok(None) | Err(_) => false,
    }
}

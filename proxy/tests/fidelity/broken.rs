//! Answers that are none, and what must not come of them.

use std::net::SocketAddr;

use super::case::Case;
use super::exchange::neighbour;
use super::message::Connection;
use super::origin::{CASE, Origin};
use super::table::{self, Line, shown};

/// Gives every answer of a table; panics with what the browser should not have got. What a row that waits for
/// something `not_yet` done comes to is not looked at.
pub(crate) fn run(file: &str, text: &str, origin: &Origin, proxy: SocketAddr, not_yet: &[&str]) {
    let mut told = Vec::new();
    for (number, row) in table::rows(file, text).into_iter().enumerate() {
        let expected =
            row.lines.iter().find_map(|line| if let Line::Expected(what) = line { Some(what) } else { None });
        let expected = expected.unwrap_or_else(|| panic!("{}: nothing is expected", row.place)).clone();
        let mut answer = row.clone();
        answer.lines.retain(|line| !matches!(line, Line::Expected(_)));
        let case = Case::of(&answer, number);
        let as_yet = case.waits_for.as_ref().is_some_and(|what| not_yet.contains(&what.as_str()));
        origin.on(&case.id, case.portal.clone());
        let mut connection = Connection::to(proxy);
        let request = format!("GET /a HTTP/1.1\r\nHost: portal.test\r\n{CASE}: {}\r\n\r\n", case.id);
        connection.send(request.as_bytes()).unwrap();
        let got = match connection.answer("GET") {
            Ok(Some(answer)) if answer.body.bytes.is_empty() || answer.head.status() == 502 => {
                answer.head.status().to_string()
            }
            Ok(Some(answer)) => format!("{} {}", answer.head.status(), shown(&answer.body.bytes)),
            other => format!("{other:?}"),
        };
        let mut wrong = Vec::new();
        // The connections that are kept are few; one with something left in it would be met.
        for _ in 0..4 {
            if !neighbour(&mut Connection::to(proxy), "beside", &mut wrong) {
                wrong.push("the next request got no answer".to_owned());
            }
        }
        if got != expected && !as_yet {
            wrong.push(format!("the browser got `{got}`, not `{expected}`"));
        }
        told.extend(wrong.iter().map(|wrong| format!("\n{}: {}\n  {wrong}", row.place, row.title)));
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

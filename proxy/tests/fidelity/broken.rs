//! Answers that are none, and what must not come of them.

use super::case::Case;
use super::exchange::neighbour;
use super::message::Connection;
use super::origin::CASE;
use super::stage::Stage;
use super::table::{self, Line, shown};

/// Gives every answer of a table; panics with what the browser should not have got.
pub(crate) fn run(file: &str, text: &str, stage: &Stage) {
    let mut told = Vec::new();
    for (number, row) in table::rows(file, text).into_iter().enumerate() {
        let expected =
            row.lines.iter().find_map(|line| if let Line::Expected(what) = line { Some(what) } else { None });
        let expected = expected.unwrap_or_else(|| panic!("{}: nothing is expected", row.place)).clone();
        let mut answer = row.clone();
        answer.lines.retain(|line| !matches!(line, Line::Expected(_)));
        let case = Case::of(&answer, number);
        stage.origin.on(&case.id, case.portal.clone());
        let mut connection = Connection::to(stage.proxy);
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
            if !neighbour(&mut Connection::to(stage.proxy), "beside", &mut wrong) {
                wrong.push("the next request got no answer".to_owned());
            }
        }
        if got != expected {
            wrong.push(format!("the browser got `{got}`, not `{expected}`"));
        }
        told.extend(wrong.iter().map(|wrong| format!("\n{}: {}\n  {wrong}", row.place, row.title)));
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

//! `portalmeter recount`.

use std::fs;

use portalmeter_meter::ledger::sqlite::SqliteLedger;
use serde_json::Value;

use super::books::{Books, today};
use super::told::Told;

fn recount(books: &Books, day: portalmeter_meter::day::Day, more: &str) -> Told {
    books.ask(format!("recount --month {} {more}", day.month()).trim_end())
}

#[test]
fn nothing_is_found_in_honest_books() {
    let books = Books::new();
    let told = recount(&books, today(), "");
    assert_eq!((told.code, told.out.as_str()), (0, ""), "{told:?}");
    assert!(told.aside.ends_with(": nothing is amiss, but no journal was compared\n"), "{}", told.aside);
    let told = recount(&books, today(), "--output json");
    let answer: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&answer["findings"], told.code), (&Value::Array(Vec::new()), 0));
    assert!(answer["looked_at"]["files"].as_u64().unwrap() > 0);
}

#[test]
fn each_thing_that_was_changed_is_found_and_told() {
    let day = today().plus(-3);
    let record = format!("portal = 'support' AND class = 'external' AND day = {}", day.0);
    let total = format!("portal = 'support' AND day = {}", day.0);
    let tampered = |sql: String| {
        let books = Books::new();
        books.tamper(&sql);
        books
    };
    for (books, line) in [
        (
            tampered(format!("DELETE FROM usage_record WHERE {record}")),
            "total external: expected 0, the sum of its records, found 1",
        ),
        (
            tampered(format!("UPDATE usage_day SET external = 4 WHERE {total}")),
            "total external: expected 1, the sum of its records, found 4",
        ),
        (
            tampered(format!("UPDATE usage_record SET class = 'bot' WHERE {record}")),
            "total bot: expected 1, the sum of its records, found 0",
        ),
        (tampered(format!("UPDATE usage_record SET withdrawn = 1 WHERE {record}")), "total external: expected 0"),
        (tampered(format!("UPDATE usage_record SET reason = 'login' WHERE {record}")), "record id of "),
        (tampered(format!("UPDATE usage_record SET amount = 2 WHERE {record}")), "record amount of "),
    ] {
        let told = recount(&books, day, "");
        let wanted = format!("support {day}: {line}");
        assert_eq!(told.code, 1, "{told:?}");
        assert!(told.out.lines().any(|found| found.starts_with(&wanted)), "no `{wanted}` in {}", told.out);
    }
}

#[test]
fn a_record_that_was_added_is_found() {
    let books = Books::new();
    let day = today().plus(-3);
    let columns = "portal, module, visitor, session, started, day, zone, class, reason, rule, policy, trial, event_time, stored_time, withdrawn, amount";
    let values = columns.replace("class", "'external'");
    books.tamper(&format!(
        "INSERT INTO usage_record (id, {columns}) SELECT 'ffffffffffffffffffffffffffffffff', {values} FROM usage_record \
         WHERE portal = 'support' AND class = 'guest' AND day = {} LIMIT 1",
        day.0
    ));
    let told = recount(&books, day, "--output csv");
    assert_eq!(told.code, 1);
    for part in ["total,external,", "record,id of ffffffff", "duplicate,of "] {
        assert!(
            told.out.lines().any(|line| line.starts_with(&format!("support,,{day},{part}"))),
            "{part}: {}",
            told.out
        );
    }
}

#[test]
fn a_days_file_that_was_edited_is_found() {
    let books = Books::new();
    let day = today().plus(-3);
    let path = books.files().join(format!("support-{day}.csv"));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen(",UTC,2,1,", ",UTC,2,0,", 1)).unwrap();
    let told = recount(&books, day, "");
    assert_eq!(told.code, 1);
    let file = format!("support {day}: file support-{day}.csv: expected ");
    let row = format!("support {day}: row external in support-{day}.csv: expected 1, found 0");
    assert!(told.out.starts_with(&file) && told.out.contains(&row), "{}", told.out);
    let told = recount(&books, day, "--portal embedded");
    assert_eq!(told.code, 0, "{told:?}");
}

#[test]
fn an_archive_that_nothing_was_archived_in_yet_is_empty() {
    let books = Books::empty("[journal]\narchive = \"archive\"");
    books.fill(&mut SqliteLedger::create(&books.data_dir()).unwrap());
    for more in ["", "--archive archive"] {
        let told = recount(&books, today(), more);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(told.aside.ends_with("but no journal was compared\n"), "{told:?}");
    }
    assert_eq!(recount(&books, today(), "--archive archiv").code, 1);
}

#[test]
fn what_cannot_be_asked_is_told() {
    let books = Books::new();
    assert_eq!(books.ask("recount --month 2026-3").code, 2);
    assert_eq!(books.ask("recount").code, 2);
    let none = Books::empty("");
    let told = recount(&none, today(), "");
    assert_eq!(told.code, 1);
    assert!(told.aside.contains("there is no ledger yet"), "{told:?}");
}

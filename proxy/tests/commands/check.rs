//! `portalmeter check`, and where store and ledger are.

use std::net::TcpListener;

use super::books::Books;
use super::told::Told;

fn check(more: &str) -> Told {
    Books::empty(more).ask("check")
}

#[test]
fn a_ledger_that_answers_is_told_with_its_id() {
    let told = Books::new().ask("check");
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("\nthe ledger at data answers; its id is "), "{}", told.out);
}

#[test]
fn one_that_is_not_there_yet_is_no_matter() {
    let told = check("");
    assert_eq!(told.code, 0, "{told:?}");
    assert!(
        told.out.contains("\nthe ledger at data: there is no ledger yet: `portalmeter run` makes it\n"),
        "{}",
        told.out
    );
    assert!(told.out.contains("\n  store      embedded\n  ledger     embedded\n"), "{}", told.out);
}

#[test]
fn one_that_is_away_is_a_warning_without_its_password() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = check(&format!("[ledger]\nurl = \"postgres://pm:hunter2@{nobody}/usage?connect_timeout=2\"\n"));
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains(&format!("  ledger     postgres://{nobody}/usage\n")), "{}", told.out);
    assert!(
        told.aside.contains(&format!("warning: the ledger at postgres://{nobody}/usage: the ledger is away")),
        "{told:?}"
    );
    assert!(told.aside.contains("whoever may read this file has the password"), "{told:?}");
    assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
}

#[test]
fn one_that_is_newer_or_damaged_is_an_error() {
    let books = Books::new();
    let database = rusqlite::Connection::open(books.data_dir().join("portalmeter.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    let told = books.ask("check");
    assert_eq!(told.code, 1);
    assert!(told.aside.contains("error: the ledger at data: the ledger has schema 999, newer than"), "{told:?}");
    std::fs::write(books.data_dir().join("portalmeter.db"), vec![b'x'; 8192]).unwrap();
    let told = books.ask("check");
    assert!(told.code == 1 && told.aside.contains("the ledger is damaged"), "{told:?}");
}

#[test]
fn a_password_is_not_shown_where_an_error_quotes_its_line() {
    let told = check("[store]\nurl = \"redis://pm:hunter2@d b\"\n");
    assert_eq!(told.code, 1);
    assert!(
        told.aside.contains("names a server that cannot be") && told.aside.contains("redis://pm:*******@d b"),
        "{told:?}"
    );
    assert!(!format!("{told:?}").contains("hunter2"), "{told:?}");
}

#[test]
fn a_portal_that_moves_to_another_zone_is_told() {
    let books = Books::new();
    let told = books.ask("check");
    assert!(told.code == 0 && !told.out.contains("moves"), "{told:?}");
    let file = books.data_dir().with_file_name("portalmeter.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replacen("name = \"support\"\n", "name = \"support\"\ntimezone = \"Asia/Kolkata\"\n", 1);
    std::fs::write(&file, text).unwrap();
    let told = books.ask("check");
    let tomorrow = super::books::today().plus(1);
    let line = format!(
        "\nsupport moves from UTC to Asia/Kolkata: that applies from its day {tomorrow} on, at {tomorrow}T00:00:00Z\n"
    );
    assert!(told.code == 0 && told.out.contains(&line), "{line}: {told:?}");
}

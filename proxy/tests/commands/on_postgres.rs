//! The same commands where the ledger is a Postgres.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use portalmeter_meter::ledger::Ledger;
use portalmeter_meter::ledger::postgres::PostgresLedger;

use super::books::{Books, today};
use crate::postgres::Postgres;

/// A server with the books in a schema of their own.
fn books(server: &Postgres) -> Books {
    let url = server.schema();
    let books = Books::empty(&format!("[ledger]\nurl = \"{url}\"\n"));
    assert!(books.ask("check").out.contains("there is no ledger yet"));
    books.fill(&mut PostgresLedger::new(&url).unwrap());
    books
}

#[test]
fn the_books_are_kept_in_postgres_as_in_sqlite() {
    let server = Postgres::start();
    let books = books(&server);
    let told = books.ask("check");
    assert!(told.code == 0 && told.out.contains("answers; its id is "), "{told:?}");
    assert_eq!(books.counted("support", today()), (2, 1));
    let recount = format!("recount --month {}", today().month());
    assert_eq!(books.ask(&recount).code, 0, "{:?}", books.ask(&recount));

    let day = today().plus(-4);
    let told = books
        .ask(&format!("correct --portal support --day {day} --class guest --amount -1 --author ann --reason a_test"));
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!((books.counted("support", day), books.counted("support", today())), ((2, 1), (1, 1)));
    let found = books.ask(&recount);
    assert_eq!(found.code, 0, "{found:?}");

    let ledger = books.path().join("portalmeter.toml");
    let schema = std::fs::read_to_string(ledger).unwrap();
    let schema = schema.split("search_path%3D").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let day = today();
    server.sql(&format!(
        "DELETE FROM {schema}.usage_record WHERE portal = 'support' AND class = 'external' AND day = '{day}'"
    ));
    let found = books.ask(&recount);
    let line = format!("support {day}: total external: expected 0, the sum of its records, found 1");
    assert!(found.code == 1 && found.out.lines().any(|one| one == line), "{found:?}");

    server.stop();
    let told = books.ask("report --day today");
    assert!(told.code == 1 && told.aside.contains("the ledger is away"), "{told:?}");
    let said_so = |told: &super::told::Told| told.aside.contains("try again when it answers");
    assert!(said_so(&told) && !told.aside.contains("it is tried again"), "{told:?}");
    let told = books.ask(&recount);
    assert!(told.code == 1 && said_so(&told), "{told:?}");
    let told = books.ask("check");
    assert!(told.code == 0 && told.aside.contains("nothing in it was checked") && said_so(&told), "{told:?}");
    let told = books.ask("correct --portal support --day today --class bot --amount 1 --author ann --reason x");
    assert!(told.code == 1 && told.out.is_empty() && told.aside.contains("the ledger is away"), "{told:?}");
    assert!(said_so(&told) && told.aside.ends_with("\nnothing was booked\n"), "{told:?}");
}

#[test]
fn check_says_who_may_not_write() {
    let server = Postgres::start();
    server.sql("CREATE ROLE reader LOGIN");
    let url = server.schema();
    let schema = url.split("search_path%3D").nth(1).unwrap().to_owned();
    server.sql(&format!("GRANT USAGE ON SCHEMA {schema} TO reader"));
    let books = Books::empty(&format!("[ledger]\nurl = \"{}\"\n", url.replacen("//postgres@", "//reader@", 1)));
    let told = books.ask("check");
    let cure = format!("may not write in schema `{schema}`: GRANT");
    assert!(told.code == 1 && told.aside.contains(&cure), "{told:?}");

    PostgresLedger::new(&url).unwrap().id().unwrap();
    server.sql(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader"));
    let told = books.ask("check");
    assert!(told.code == 1 && told.aside.contains(&cure), "{told:?}");
    assert_eq!(books.ask("report --day today").code, 0, "who may read may ask");
    server.sql(&format!("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO reader"));
    assert_eq!(books.ask("check").code, 0);
}

#[test]
fn a_server_that_says_nothing_is_told_while_it_is_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://pm@{}/usage?sslmode=disable", silent.local_addr().unwrap());
    let books = Books::empty(&format!("[ledger]\nurl = \"{url}\"\n"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
    let command = command.current_dir(books.path()).args(["report", "--day", "today"]);
    let mut asking = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(asking.stderr.take().unwrap()).lines().map_while(Result::ok);
    let told = said.into_iter().find(|line| line.contains("the ledger has not answered for 10 s"));
    asking.kill().unwrap();
    asking.wait().unwrap();
    assert!(told.is_some());
}

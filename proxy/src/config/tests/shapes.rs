//! Syntax, keys, types and units.

use super::*;

#[test]
fn an_unknown_key_is_answered_with_the_nearest_one() {
    for (more, marked, hint) in [
        ("contracted_session = 5\n", "contracted_session", "did you mean `contracted_sessions`?"),
        ("[portal.sesion]\nlogin = \"count\"\n", "sesion", "did you mean `session`?"),
        ("[portal.session]\nidle_timout = \"30m\"\n", "idle_timout", "did you mean `idle_timeout`?"),
        ("colour = 3\n", "colour", "one of `name`"),
    ] {
        error(&portal(more), marked, &format!("unknown key `{marked}`"), hint);
    }
    error(&format!("dta_dir = \"x\"\n{}", portal("")), "dta_dir", "unknown key `dta_dir`", "did you mean `data_dir`?");
}

#[test]
fn wrong_types_are_told_in_the_words_of_toml() {
    errors_in_a_portal(&[
        ("paths = \"/csp\"\n", "\"/csp\"", "expected a list, found text", "[\"/csp\"]"),
        ("paths = [7]\n", "7", "expected text, found a number", "\"7\""),
        ("timezone = 1\n", "1\n", "expected text, found a number", "quotes: \"1\""),
        ("default = \"yes\"\n", "\"yes\"", "expected true or false, found text", "without quotes"),
        ("contracted_sessions = \"5\"\n", "\"5\"", "expected a whole number, found text", "digits"),
        ("contracted_sessions = -5\n", "-5", "`-5` is below zero", "0 or more"),
        ("session = 3\n", "3\n", "expected a table, found a number", ""),
    ]);
    let single = portal("").replace("[[portal]]", "[portal]");
    error(&single, "[portal]", "expected a list, found a table", "[[portal]]");
}

#[test]
fn broken_syntax_is_pointed_at() {
    let problems = read(&portal("timezone = Europe/Berlin\n")).unwrap_err();
    let first = problems.iter().next().unwrap();
    assert_eq!((first.line(), first.column().is_some()), (Some(6), true), "{problems}");
    let problems = read(&portal("name = \"again\"\n")).unwrap_err();
    assert!(problems.to_string().contains("duplicate key"), "{problems}");
    assert_eq!(problems.iter().next().unwrap().line(), Some(6));
    assert!(read("[[[").is_err() && read("\u{0}").is_err() && read("a.b.c = {").is_err());
}

#[test]
fn a_duration_or_size_without_a_unit_is_answered_with_what_to_write() {
    errors_in_a_portal(&[
        ("[portal.session]\nidle_timeout = 1800\n", "1800", "`1800` has no unit", "write \"30m\""),
        ("[portal.session]\nidle_timeout = \"1800\"\n", "\"1800\"", "`1800` has no unit", "write \"30m\""),
        ("[portal.session]\nmax_duration = \"4 hours\"\n", "\"4 hours\"", "is not a duration", "such as \"30m\""),
        ("[portal.session]\nidle_timeout = true\n", "true", "expected a duration, found boolean", "\"30m\""),
        ("[portal.session]\nidle_timeout = \"0s\"\n", "\"0s\"", "no length", "\"30m\""),
        ("[journal]\nmax_size = 1048576\n", "1048576", "`1048576` has no unit", "\"1048576B\""),
        ("[journal]\nmax_size = \"1KiB\"\n", "\"1KiB\"", "no room", "16MiB"),
        ("[flush]\ninterval = \"0s\"\n", "\"0s\"", "interval of nothing", "10s"),
        ("[server]\ndrain = 10\n", "10\n", "`10` has no unit", "write \"10s\""),
    ]);
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = "[server]\nlisten = [\"8080\"]\nthreds = 2\n[[portal]]\nname = \"Support!\"\nhosts = \"a\"\n\
                upstream = [\"ftp://x\"]\ntimezone = \"Europe/Berlim\"\n";
    let problems = read(text).unwrap_err();
    let places: Vec<_> = problems.iter().map(Problem::line).collect();
    assert_eq!(places, [2, 3, 5, 6, 7, 8].map(Some), "{problems}");
}

#[test]
fn what_could_not_be_read_is_not_missed() {
    error(&portal("").replace("upstream", "upstraem"), "upstraem", "unknown key", "did you mean `upstream`?");
}

#[test]
fn a_problem_says_file_line_and_column() {
    let problems = read(&portal("timezone = \"Europe/Berlim\"\n")).unwrap_err();
    let told = problems.to_string();
    assert!(told.starts_with("portalmeter.toml:6:12: `Europe/Berlim` is not an IANA time zone"), "{told}");
    assert!(told.contains("did you mean `Europe/Berlin`?"), "{told}");
    let report = format!("{:?}", miette::Report::new(problems.iter().next().unwrap().clone()));
    assert!(report.contains("portalmeter.toml:6:12") && report.contains("Berlin"), "{report}");
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let dir = folder();
    let load = |name: &str| load(&dir.path().join(name), &environment).unwrap_err().to_string();
    assert!(load("absent.toml").contains("cannot read"));
    fs::write(dir.path().join("latin.toml"), b"data_dir = \"d\xe9\"\n").unwrap();
    assert!(load("latin.toml").contains(":1:14: not UTF-8"), "{}", load("latin.toml"));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_no_harm() {
    let text = portal("timezone = \"Europe/Berlin\"\n").replace('\n', "\r\n");
    assert!(read(&text).is_ok());
    assert!(read(&format!("\u{feff}{text}")).is_ok());
    let wrong = read(&text.replace("Berlin", "Berlim")).unwrap_err();
    let place = wrong.iter().next().map(|problem| (problem.line(), problem.column()));
    assert_eq!(place, Some((Some(6), Some(12))), "{wrong}");
}

#[test]
fn columns_are_counted_in_characters() {
    error(&portal("[portal.roles]\nexternal = [\"Kundschaft für Zürich\", \"a,b\"]\n"), "\"a,b\"", "not a role", "");
}

//! The contract's example works, and each bad input gets its message at its place, with a hint.

use std::fs;
use std::path::Path;
use std::time::Duration;

use portalmeter_meter::policy::{DayRollover, Login};
use portalmeter_rules::facts::{Headers, Origin, Request, Response};
use portalmeter_rules::identity::SourceKind;
use portalmeter_rules::roles::Unmapped;
use portalmeter_rules::visitor::Mode;

use super::*;

mod engagement;
mod good;
mod places;
mod products;
mod servers;
mod shapes;
mod users;

/// A folder with the files that configurations name.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(dir.path().join(name), content).unwrap();
    write("secret", "0123456789abcdef0123456789abcdef\n");
    write("old", "fedcba9876543210fedcba9876543210\n");
    write("short", "abc");
    write("hs", "a shared secret\n");
    write("idp.pem", PUBLIC_KEY);
    write("broken.pem", "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n");
    write("jwks.json", "{\"keys\":[]}");
    write(
        "agents.jwks",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE\"}]}",
    );
    write("accounts.csv", "id,name\n");
    write("password", "hun:t@er2\n");
    write("redis.url", "redis://pm:hun%3At%40er2@db\n");
    write("ann.totp", "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ\n");
    write("empty", "\n");
    write("ca.pem", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    dir
}

/// An Ed25519 public key.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "PM_SECRET" => "0123456789abcdef0123456789abcdef",
        "PM_PASSWORD" => "hun:t@er2",
        "PM_REDIS" => "redis://pm:hun%3At%40er2@db",
        "PM_POSTGRES" => "postgres://pm:hun%3At%40er2@db/usage",
        "PM_EMBEDDED" => "embedded",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(text: &str) -> Result<(Config, Vec<Problem>), Problems> {
    read_in(folder().path(), text)
}

fn read_in(dir: &Path, text: &str) -> Result<(Config, Vec<Problem>), Problems> {
    parse(text, dir, &environment)
}

fn good(text: &str) -> Config {
    match read(text) {
        Ok((config, _)) => config,
        Err(problems) => panic!("{problems}"),
    }
}

/// A portal that is fine, with more of it.
fn portal(more: &str) -> String {
    format!("secret = {{ file = \"secret\" }}\n{PORTAL}{more}")
}

const PORTAL: &str = "[[portal]]\nname = \"support\"\nhosts = [\"a.example\"]\nupstream = [\"http://10.0.0.5:8000\"]\n";

/// Asserts that `text` gives exactly one problem: at the place of the `nth` (from 0) `marked` text, with `message` and `hint` within.
#[track_caller]
fn only(text: &str, marked: (&str, usize), is_error: bool, message: &str, hint: &str) {
    let problems: Vec<Problem> = match read(text) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems.iter().cloned().collect(),
    };
    let shown: Vec<String> =
        problems.iter().map(|it| format!("{:?}:{:?} {it} | {:?}", it.line(), it.column(), it.hint())).collect();
    let [problem] = problems.as_slice() else { panic!("{} problems: {shown:#?}\nin {text}", problems.len()) };
    let (at, _) = text.match_indices(marked.0).nth(marked.1).unwrap_or_else(|| panic!("no `{}` in {text}", marked.0));
    let line = text[..at].matches('\n').count() + 1;
    let column = text[..at].chars().rev().take_while(|&char| char != '\n').count() + 1;
    assert_eq!((problem.line(), problem.column()), (Some(line), Some(column)), "{shown:?}\nin {text}");
    assert_eq!(problem.is_error(), is_error, "{shown:?}");
    assert!(problem.message().contains(message), "`{message}` is not in {shown:?}");
    assert!(problem.hint().unwrap_or_default().contains(hint), "`{hint}` is not in {shown:?}");
}

#[track_caller]
fn error(text: &str, marked: &str, message: &str, hint: &str) {
    only(text, (marked, 0), true, message, hint);
}

#[track_caller]
fn warning(text: &str, marked: &str, message: &str, hint: &str) {
    only(text, (marked, 0), false, message, hint);
}

/// One case a row: what is added to a good portal, what of it is pointed at, message, hint.
#[track_caller]
fn errors_in_a_portal(cases: &[(&str, &str, &str, &str)]) {
    for (more, marked, message, hint) in cases {
        error(&portal(more), marked, message, hint);
    }
}

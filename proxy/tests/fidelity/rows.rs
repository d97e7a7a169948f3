//! Has every exchange of a table both ways, and tells what differs that should not.

use std::collections::BTreeSet;

use super::case::{Case, Refusal};
use super::compare::{Difference, differences};
use super::exchange::{Outcome, exchange};
use super::stage::Stage;
use super::table;

/// Has the exchanges of a table; panics with all that differs but is not known to.
pub(crate) fn run(file: &str, text: &str, stage: &Stage) {
    let origin = &stage.origin;
    let mut told = Vec::new();
    for (number, row) in table::rows(file, text).iter().enumerate() {
        let case = Case::of(row, number);
        let (direct, proxied) = (exchange(&case, origin.address, origin), exchange(&case, stage.proxy, origin));
        let differences = match case.refused {
            None => differences(&direct, &proxied),
            Some(how) => refusal(how, &direct, &proxied),
        };
        let found: BTreeSet<&str> = differences.iter().map(|(what, _)| what.as_str()).collect();
        let known: BTreeSet<&str> = case.known.iter().map(|(what, _)| what.as_str()).collect();
        let (new, gone): (Vec<_>, Vec<_>) = (found.difference(&known).collect(), known.difference(&found).collect());
        if new.is_empty() && gone.is_empty() {
            continue;
        }
        told.push(format!("\n{}: {}\n  sent {}", case.place, case.title, case.sent()));
        for (what, how) in differences.iter().filter(|(what, _)| !known.contains(what.as_str())) {
            told.push(format!("  {what}: {how}"));
        }
        told.extend(gone.iter().map(|what| format!("  {what} no longer differs: take the mark away")));
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// What is wrong with a refusal: the portal must have answered directly, and never see it from the proxy whole.
fn refusal(how: Refusal, direct: &Outcome, proxied: &Outcome) -> Vec<Difference> {
    let mut wrong = Vec::new();
    let status = proxied.answer.as_ref().map(|answer| answer.head.status());
    if status.map_or(Refusal::WithoutAWord, Refusal::With) != how {
        wrong.push(("refusal".to_owned(), format!("the proxy says {status:?}, expected {how:?}")));
    }
    if direct.answer.is_none() {
        wrong.push(("refusal".to_owned(), "the portal does not answer it either".to_owned()));
    }
    if status.is_some() && !proxied.seen.is_empty() {
        wrong.push(("refusal".to_owned(), "it reached the portal".to_owned()));
    }
    if proxied.open {
        wrong.push(("refusal".to_owned(), "the connection stays open".to_owned()));
    }
    wrong
}

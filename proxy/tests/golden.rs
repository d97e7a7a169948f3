//! Every count that `metering.md` states, as tables that a billing clerk could read and correct
//! (`tests/golden/*.md`; its README tells the words), run through `portalmeter replay`.
//!
//! After each step of a case the log so far is replayed, so that every number is checked when it
//! comes about. `PORTALMETER_GOLDEN=words` runs only the cases with these words in their titles.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod golden {
    pub(crate) mod case;
    pub(crate) mod clock;
    pub(crate) mod config;
    pub(crate) mod log;
    pub(crate) mod phrase;
    pub(crate) mod read;
    pub(crate) mod replay;
    pub(crate) mod told;
}

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use golden::case::Case;
use golden::{read, replay, told};

#[test]
fn every_golden_case_counts_what_its_table_says() {
    let cases = wanted(cases());
    assert!(!cases.is_empty(), "there are no golden cases");
    let wrong = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = check(case);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}\n{} of {} cases differ", wrong.join("\n"), wrong.len(), cases.len());
}

#[test]
fn a_wrong_number_is_shown_in_its_table() {
    let text = "## one page is one session\n> law\n\
        | time | browser | what | guest | billable |\n|---|---|---|---|---|\n\
        | 09:00 | A | guest page | 2 | 1 |\n";
    let case = read::cases(Path::new("made-up.md"), text).unwrap().remove(0);
    let told = check(&case).unwrap();
    assert!(told.contains("2, but counted 1"), "{told}");
    assert!(told.contains("made-up.md:1"), "{told}");
}

#[test]
fn a_table_that_cannot_be_read_says_where() {
    let text =
        "## a case\n> law\n| time | browser | what | gest |\n|---|---|---|---|\n| 09:00 | A | guest page | 1 |\n";
    let error = read::cases(Path::new("made-up.md"), text).unwrap_err();
    assert_eq!(error, "made-up.md:3: `gest` is not a column");
}

/// Enough to keep a small machine busy; most of the time goes into starting processes.
const THREADS: usize = 4;

/// Replays a case; what differs, as text.
fn check(case: &Case) -> Option<String> {
    let counted = replay::replay(case);
    told::difference(case, &counted)
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| is_table(path)).collect();
    files.sort();
    let read = |path: &PathBuf| read::cases(path, &std::fs::read_to_string(path).unwrap());
    files.iter().flat_map(|path| read(path).unwrap_or_else(|wrong| panic!("{wrong}"))).collect()
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("README.md")
}

fn wanted(mut cases: Vec<Case>) -> Vec<Case> {
    if let Ok(words) = std::env::var("PORTALMETER_GOLDEN") {
        cases.retain(|case| case.title.contains(&words));
    }
    cases
}

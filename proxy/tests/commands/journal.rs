//! `portalmeter journal`.

use std::fs;

use portalmeter_meter::journal::{Journal, Limits};
use portalmeter_meter::store::NodeId;
use serde_json::Value;
use tempfile::TempDir;

use super::told::portalmeter;

/// A folder with a journal of three entries, cut off in a fourth.
fn torn() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeId([7; 8]);
    let journal = Journal::create(folder.path(), node, Limits::default()).unwrap();
    for number in 1..=4 {
        journal.append(number, |bytes| bytes.extend_from_slice(b"an entry"));
    }
    assert!(journal.close());
    let segments = fs::read_dir(folder.path().join(node.to_string())).unwrap().map(|file| file.unwrap().path());
    let segment = segments.into_iter().find(|path| path.extension().is_some_and(|it| it == "journal")).unwrap();
    let file = fs::File::options().write(true).open(&segment).unwrap();
    file.set_len(file.metadata().unwrap().len() - 3).unwrap();
    (folder, node.to_string())
}

#[test]
fn a_journal_is_shown_with_what_is_torn() {
    let (folder, node) = torn();
    let told = portalmeter(folder.path(), ["journal", "show", &node]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("3 entries") && told.out.contains("13 bytes behind the last whole one"), "{told:?}");
    let told = portalmeter(folder.path(), ["journal", "show", "--output", "json", &node]);
    let answer: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&answer["segments"][0]["entries"], &answer["segments"][0]["torn_bytes"]), (&3.into(), &13.into()));
}

#[test]
fn the_journals_of_all_nodes_in_a_folder_are_shown() {
    let (folder, node) = torn();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let told = portalmeter(folder.path(), ["journal", "show", "."]);
    assert!(told.code == 0 && told.out.contains(&node) && told.out.contains("3 entries"), "{told:?}");
    let told = portalmeter(folder.path(), ["journal", "show", "empty"]);
    assert!(told.code == 1 && told.aside.contains("empty holds no *.journal"), "{told:?}");
}

#[test]
fn what_is_no_journal_is_told() {
    let (folder, _) = torn();
    fs::write(folder.path().join("x.journal"), "nothing of the kind").unwrap();
    let told = portalmeter(folder.path(), ["journal", "show", "x.journal"]);
    assert_eq!((told.code, told.out.as_str()), (1, "x.journal: no journal, 19 bytes\n"));
    let told = portalmeter(folder.path(), ["journal", "show", "gone"]);
    assert!(told.code == 1 && told.aside.contains("gone cannot be read"), "{told:?}");
    assert_eq!(portalmeter(folder.path(), ["journal", "show"]).code, 2);
    assert_eq!(portalmeter(folder.path(), ["journal"]).code, 2);
}

//! Journals of many nodes, read as one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use portalmeter_meter::journal::in_order::{About, InOrder};
use portalmeter_meter::journal::{Journal, Limits};
use portalmeter_meter::store::NodeId;

const ONE: NodeId = NodeId([1; 8]);
const TWO: NodeId = NodeId([2; 8]);

/// Entries (number, time) of a node, a segment for each list of them.
fn journal(dir: &Path, node: NodeId, segments: &[&[(u64, i64)]]) {
    // A segment is named after the last entry of its first write: each is a journal of its own, moved together.
    let folder = dir.join(node.to_string());
    fs::create_dir_all(&folder).unwrap();
    for entries in segments {
        let made = tempfile::tempdir().unwrap();
        let journal = Journal::create(made.path(), node, Limits::default()).unwrap();
        for (number, at) in *entries {
            journal.append(*number, |bytes| bytes.extend_from_slice(format!("{number} {at}").as_bytes()));
        }
        assert!(journal.close());
        for file in fs::read_dir(made.path().join(node.to_string())).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|it| it == "journal") {
                fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}

fn decode(bytes: &[u8]) -> Option<(u64, i64, i64)> {
    let (number, at) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
    Some((number.parse().ok()?, at.parse().ok()?, at.parse().ok()?))
}

/// Times in the order they come, and what was found.
fn read(folders: &[&Path]) -> (Vec<i64>, About) {
    let folders: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    let mut all = InOrder::find(&folders, &decode).unwrap();
    let times = all.by_ref().map(|entry| entry.unwrap().2).collect();
    (times, all.about().clone())
}

#[test]
fn entries_of_many_nodes_come_in_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), ONE, &[&[(1, 10), (2, 40)], &[(3, 50), (4, 90)]]);
    journal(dir.path(), TWO, &[&[(1, 20), (2, 30), (3, 60)]]);
    let (times, about) = read(&[dir.path()]);
    assert_eq!(times, [10, 20, 30, 40, 50, 60, 90]);
    assert_eq!((about.nodes, about.entries, about.first, about.cut), (2, 7, Some(10), None));
    assert!(about.gaps.is_empty() && about.unreadable == 0);
}

#[test]
fn archived_segments_go_before_those_that_are_not_yet() {
    let (live, archive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    journal(live.path(), ONE, &[&[(1, 10), (2, 20)], &[(3, 30)]]);
    let folder = live.path().join(ONE.to_string());
    let first =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).min().unwrap();
    fs::rename(folder.join(&first), archive.path().join(format!("{ONE}-{first}"))).unwrap();
    let (times, about) = read(&[archive.path(), live.path()]);
    assert_eq!((times, about.nodes), (vec![10, 20, 30], 1));
    // While it was copied it is in both.
    fs::copy(archive.path().join(format!("{ONE}-{first}")), folder.join(&first)).unwrap();
    assert_eq!(read(&[archive.path(), live.path()]).0, [10, 20, 30]);
    assert_eq!(read(&[&folder]).0, [10, 20, 30], "a node's own folder");
}

#[test]
fn what_is_missing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), ONE, &[&[(1, 10), (2, 20)], &[(7, 70)]]);
    journal(dir.path(), TWO, &[&[(5, 30)]]);
    let (times, about) = read(&[dir.path()]);
    assert_eq!(times, [10, 20, 30, 70]);
    let [gap] = about.gaps.as_slice() else { panic!("{about:?}") };
    assert_eq!((gap.node, gap.after, gap.before, gap.from, gap.upto), (ONE, 2, 7, 20, 70));
    assert_eq!(about.cut, Some(30), "the first of node two is gone");
}

#[test]
fn what_is_none_of_ours_is_left_out_and_told() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), ONE, &[&[(1, 10)]]);
    let folder = dir.path().join(ONE.to_string());
    fs::write(folder.join("zz.journal"), "somebody else's file").unwrap();
    fs::write(folder.join("acknowledged"), "1\n").unwrap();
    fs::create_dir(dir.path().join("not-a-node")).unwrap();
    let (times, about) = read(&[dir.path()]);
    assert_eq!((times, about.damage.foreign), (vec![10], 1));
    let folders = [dir.path().join("gone")];
    assert!(InOrder::<i64>::find(&folders, &decode).is_err_and(|error| error.to_string().contains("gone")));
}

#[test]
fn a_segment_that_is_archived_while_it_waits_is_found_there() {
    let (live, archive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    journal(live.path(), ONE, &[&[(1, 10)], &[(2, 20)]]);
    let folders = [archive.path().to_owned(), live.path().to_owned()];
    let mut all = InOrder::find(&folders, &decode).unwrap();
    for file in fs::read_dir(live.path().join(ONE.to_string())).unwrap() {
        let file = file.unwrap();
        let name = format!("{ONE}-{}", file.file_name().to_string_lossy());
        fs::rename(file.path(), archive.path().join(name)).unwrap();
    }
    assert_eq!(all.by_ref().map(|entry| entry.unwrap().2).collect::<Vec<_>>(), [10, 20]);
}

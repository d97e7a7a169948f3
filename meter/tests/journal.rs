//! What a journal keeps, and what its reader makes of files that a crash or somebody else left.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use portalmeter_meter::journal::reader::{self, Damage, Retention};
use portalmeter_meter::journal::{Journal, Limits, Room};
use portalmeter_meter::store::NodeId;

const NODE: NodeId = NodeId([7; 8]);
/// Length and checksum before each entry.
const FRAME: u64 = 8;
/// What a segment begins with.
const MAGIC: u64 = 8;

fn journal(dir: &Path) -> Journal {
    Journal::create(dir, NODE, Limits::default()).unwrap()
}

fn append(journal: &Journal, number: u64, text: &str) {
    journal.append(number, |bytes| bytes.extend_from_slice(text.as_bytes()));
}

fn write(journal: &Journal, number: u64, text: &str) {
    append(journal, number, text);
    while journal.health().waiting > 0 {
        std::thread::yield_now();
    }
}

/// One journal of three entries of five bytes, its process gone.
fn gone(dir: &Path) -> PathBuf {
    let journal = journal(dir);
    for (number, text) in [(1, "first"), (2, "2.222"), (3, "third")] {
        append(&journal, number, text);
    }
    journal.close();
    segments(dir).remove(0)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir.join(NODE.to_string())).unwrap().map(|file| file.unwrap().path());
    let mut segments: Vec<PathBuf> = files.filter(|path| path.extension().is_some()).collect();
    segments.sort();
    segments
}

fn read(dir: &Path) -> (Vec<String>, Damage) {
    let mut entries = Vec::new();
    let mut damage = Damage::default();
    for dead in reader::dead(dir).unwrap() {
        damage = dead.read(&mut |bytes| entries.push(String::from_utf8(bytes.to_vec()).unwrap())).unwrap();
    }
    (entries, damage)
}

fn retention(archive: Option<PathBuf>) -> Retention {
    Retention { keep: Duration::from_mins(45), archive, archive_keep: Duration::from_hours(2400) }
}

/// An hour after a file was written.
fn an_hour_after(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap() + Duration::from_hours(1)
}

#[test]
fn what_was_appended_is_read_in_order() {
    let dir = tempfile::tempdir().unwrap();
    gone(dir.path());
    let (entries, damage) = read(dir.path());
    assert_eq!(entries, ["first", "2.222", "third"]);
    assert_eq!(damage, Damage::default());
}

#[test]
fn a_torn_tail_is_cut_at_every_byte_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let segment = gone(dir.path());
    let whole = fs::read(&segment).unwrap();
    let entry = FRAME + 5;
    assert_eq!(whole.len() as u64, MAGIC + 3 * entry);
    for length in (0..whole.len() as u64).rev() {
        fs::write(&segment, &whole[..length as usize]).unwrap();
        let (entries, damage) = read(dir.path());
        let left = length.saturating_sub(MAGIC);
        assert_eq!(entries.len() as u64, left / entry, "{length} bytes");
        let torn = if length < MAGIC { length } else { left % entry };
        assert_eq!(damage, Damage { torn_bytes: torn, ..Damage::default() }, "{length} bytes");
    }
}

#[test]
fn what_is_damaged_costs_nothing_of_what_stands_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let segment = gone(dir.path());
    let whole = fs::read(&segment).unwrap();
    let entry = (FRAME + 5) as usize;
    for bit in 0..8 * 3 * entry {
        let mut bytes = whole.clone();
        bytes[MAGIC as usize + bit / 8] ^= 1 << (bit % 8);
        fs::write(&segment, bytes).unwrap();
        let (entries, damage) = read(dir.path());
        let lost = bit / 8 / entry;
        let left: Vec<_> = ["first", "2.222", "third"]
            .into_iter()
            .enumerate()
            .filter(|(at, _)| *at != lost)
            .map(|(_, one)| one)
            .collect();
        assert_eq!(entries, left, "bit {bit}");
        let (torn_bytes, damaged_bytes) = if lost == 2 { (FRAME + 5, 0) } else { (0, FRAME + 5) };
        assert_eq!(damage, Damage { torn_bytes, damaged_bytes, foreign: 0 }, "bit {bit}");
    }
}

#[test]
fn what_is_removed_under_us_is_begun_anew_and_told_at_the_end() {
    for what in ["", "0000000000000001.journal"] {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::create(dir.path(), NodeId([1; 8]), Limits::default()).unwrap();
        journal.know(&[]).unwrap();
        append(&journal, 1, "first");
        assert!(journal.wait_written(1, Duration::from_mins(1)));
        match what {
            "" => fs::remove_dir_all(journal.folder()).unwrap(),
            file => fs::remove_file(journal.folder().join(file)).unwrap(),
        }
        append(&journal, 2, "again");
        assert!(journal.wait_written(2, Duration::from_mins(1)));
        assert!(reader::is_being_written(journal.folder()), "its new folder is its own");
        assert!(!journal.close(), "what was removed may be missed");
        assert_eq!(read(dir.path()).0, ["again"]);
    }
}

#[test]
fn a_length_beyond_reason_asks_for_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let segment = gone(dir.path());
    let mut bytes = fs::read(&segment).unwrap();
    bytes[MAGIC as usize..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(&segment, bytes).unwrap();
    assert_eq!(read(dir.path()).0, ["2.222", "third"]);
}

#[test]
fn a_file_of_somebody_else_is_left_alone_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let segment = gone(dir.path());
    fs::write(segment.with_file_name("0000000000000000.journal"), "somebody else's words").unwrap();
    fs::write(segment.with_file_name("notes.txt"), "no segment at all").unwrap();
    let (entries, damage) = read(dir.path());
    assert_eq!(entries, ["first", "2.222", "third"]);
    assert_eq!(damage, Damage { foreign: 1, ..Damage::default() });
}

#[test]
fn a_damaged_segment_costs_nothing_of_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::create(dir.path(), NODE, Limits { segment: 1, ..Limits::default() }).unwrap();
    for (number, text) in [(1, "one"), (2, "two"), (3, "three")] {
        write(&journal, number, text);
    }
    journal.close();
    let segments = segments(dir.path());
    assert_eq!(segments.len(), 3);
    fs::write(&segments[1], "pm").unwrap();
    let (entries, damage) = read(dir.path());
    assert_eq!(entries, ["one", "three"]);
    assert_eq!(damage.torn_bytes, 2);
}

#[test]
fn at_a_bound_entries_are_counted_as_lost_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    // Each entry takes 8 + 92 bytes; the bound is looked at before an entry is taken.
    let journal = Journal::create(dir.path(), NODE, Limits { disk: 250, ..Limits::default() }).unwrap();
    for number in 1..=5 {
        append(&journal, number, &"x".repeat(92));
    }
    assert_eq!(journal.health().lost, 2);
    assert!(journal.wait_written(5, Duration::from_mins(1)), "nobody waits for what is not journaled");
    assert_eq!(journal.health().room(), Room::None);
    journal.freed(100);
    assert_eq!(journal.health().room(), Room::Scarce);
    journal.freed(100);
    assert_eq!(journal.health().room(), Room::Ample);
    journal.close();
    assert_eq!(read(dir.path()).0.len(), 3);
}

/// Puts a file where the node's folder was.
fn block(dir: &Path) {
    let folder = dir.join(NODE.to_string());
    fs::remove_dir_all(&folder).unwrap();
    fs::write(folder, "").unwrap();
}

#[test]
fn what_waits_is_bounded_while_the_disk_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::create(dir.path(), NODE, Limits { buffer: 1000, ..Limits::default() }).unwrap();
    // Without its folder no segment can be made.
    block(dir.path());
    append(&journal, 1, "held by the writer");
    while journal.health().failure.is_none() {
        std::thread::yield_now();
    }
    for number in 2..=100 {
        append(&journal, number, &"x".repeat(92));
    }
    let health = journal.health();
    assert_eq!(health.lost, 99 - 10);
    assert!(health.stalled);

    fs::remove_file(dir.path().join(NODE.to_string())).unwrap();
    while journal.health().waiting > 0 {
        std::thread::yield_now();
    }
    assert_eq!(journal.health().failure, None);
    journal.close();
    assert_eq!(read(dir.path()).0.len(), 1 + 10);
}

#[test]
fn an_entry_too_long_to_be_read_again_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path());
    append(&journal, 1, "short");
    append(&journal, 2, &"x".repeat(65 << 10));
    append(&journal, 3, "short again");
    assert_eq!(journal.health().lost, 1);
    journal.close();
    assert_eq!(read(dir.path()).0, ["short", "short again"]);
}

#[test]
fn it_ends_though_the_disk_takes_nothing_and_says_what_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path());
    block(dir.path());
    append(&journal, 1, "never written");
    assert!(!journal.close());
}

#[test]
fn a_journal_that_is_written_is_nobody_elses_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path());
    write(&journal, 1, "mine");
    assert!(reader::dead(dir.path()).unwrap().is_empty());
    assert!(journal.close());
    assert_eq!(reader::dead(dir.path()).unwrap().len(), 1);
}

#[test]
fn a_segment_that_is_being_written_stays_however_old_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path());
    write(&journal, 1, "before a quiet night");
    let later = an_hour_after(&segments(dir.path())[0]);
    assert_eq!(reader::tidy(dir.path(), &retention(None), later).unwrap(), 0);
    write(&journal, 2, "in the morning");
    journal.close();
    assert_eq!(read(dir.path()).0, ["before a quiet night", "in the morning"]);
}

#[test]
fn old_segments_go_and_their_room_is_free_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::create(dir.path(), NODE, Limits { segment: 1, ..Limits::default() }).unwrap();
    write(&journal, 1, "one");
    write(&journal, 2, "two");
    let (full, later) = (journal.health().disk, an_hour_after(&segments(dir.path())[1]));
    journal.freed(reader::tidy(dir.path(), &retention(None), later).unwrap());
    assert_eq!(segments(dir.path()).len(), 1);
    assert!(journal.health().disk < full);
    journal.close();
}

#[test]
fn the_folder_of_a_process_that_is_gone_goes_with_its_last_segment() {
    let dir = tempfile::tempdir().unwrap();
    let segment = gone(dir.path());
    let (bytes, later) = (fs::metadata(&segment).unwrap().len(), an_hour_after(&segment));
    let archive = dir.path().join("archive");
    assert_eq!(reader::tidy(dir.path(), &retention(Some(archive.clone())), later).unwrap(), bytes);
    assert!(!dir.path().join(NODE.to_string()).exists());
    assert_eq!(fs::read_dir(archive).unwrap().count(), 1);
}

//! Usage files: what they say, that they are there whole or not at all, and that what is sealed stays.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod paper;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::flush::{Files, FlushError, Manifest, Writer, sha256};
use portalmeter_meter::ledger::Line;
use portalmeter_meter::record::Reason;
use portalmeter_meter::session::Class;
use portalmeter_meter::usage::State;
use portalmeter_rules::id::Name;
use support::paper::Paper;
use tempfile::TempDir;

const DAY_MS: i64 = 86_400_000;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Noon of a day in UTC.
fn noon(text: &str) -> i64 {
    Zone::utc().start(day(text)) + DAY_MS / 2
}

fn line(number: u8, portal: &str, module: Option<&str>, on: &str) -> Line {
    Line {
        id: Name([number; 16]),
        portal: portal.to_owned(),
        module: module.map(str::to_owned),
        visitor: Some(Name([number; 16])),
        session: Some(Name([number; 16])),
        started: Some(noon(on)),
        day: day(on),
        zone: "UTC".to_owned(),
        class: Class::Guest,
        reason: Some(Reason::Start),
        account: None,
        user: None,
        agent: None,
        rule: "none".to_owned(),
        policy: None,
        trial: false,
        event_time: noon(on),
        stored_time: noon(on),
        withdrawn: false,
        amount: 1,
        corrects: None,
        of: None,
        author: None,
        note: None,
    }
}

/// A folder for files, a ledger, and who writes.
struct Desk {
    dir: TempDir,
    ledger: Paper,
    writer: Writer,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { writer: writer(dir.path()), ledger: Paper::default(), dir }
    }

    fn write(&mut self, now: i64) -> portalmeter_meter::flush::Wrote {
        self.writer.write(&mut self.ledger, &["support".to_owned()], now).unwrap()
    }

    /// Writes, and nothing fails; how many days and months were changed.
    fn changes(&mut self, now: i64) -> u64 {
        let wrote = self.write(now);
        assert!(wrote.failed.is_empty() && !wrote.busy, "{wrote:?}");
        wrote.changed
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn manifest(&self, stem: &str) -> Manifest {
        Manifest::read(self.dir.path(), stem).unwrap().unwrap_or_else(|| panic!("no manifest of {stem}"))
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.dir.path()).unwrap().map(|file| file.unwrap());
        let read = |file: &fs::DirEntry| fs::read(file.path()).unwrap_or_default();
        let all = files.map(|file| (file.file_name().into_string().unwrap(), read(&file)));
        all.filter(|(name, _)| name != ".portalmeter.lock").collect()
    }
}

fn writer(dir: &Path) -> Writer {
    let dir = dir.to_owned();
    Writer::new(Files { dir, csv: true, jsonl: true }, DAY_MS)
}

#[test]
fn a_day_has_its_rows_in_both_formats_and_a_manifest_that_vouches_for_them() {
    let mut desk = Desk::new();
    for (number, module) in [(1, "chat"), (2, "chat"), (3, "search")] {
        desk.ledger.add(line(number, "support", Some(module), "2026-03-12"));
    }
    assert_eq!(desk.changes(noon("2026-03-12")), 1);
    let csv = desk.read("support-2026-03-12.csv");
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].starts_with("portal,module,day,timezone,guest,"), "{csv}");
    assert_eq!((rows.len(), &rows[1][..34]), (3, "support,chat,2026-03-12,UTC,2,0,0,"));
    let jsonl = desk.read("support-2026-03-12.jsonl");
    assert_eq!(jsonl.lines().count(), 2);
    let manifest = desk.manifest("support-2026-03-12");
    assert_eq!(
        (manifest.portal.as_str(), manifest.day.as_deref(), manifest.month.clone()),
        ("support", Some("2026-03-12"), None)
    );
    assert_eq!((manifest.state, manifest.rows, manifest.totals.guest), (State::Open, 2, 3));
    assert_eq!((manifest.timezone.as_str(), manifest.revision), ("UTC", 3));
    assert_eq!(manifest.as_of, "2026-03-12T12:00:00Z");
    let [first, second] = manifest.files.as_slice() else { panic!("{manifest:?}") };
    assert_eq!((first.name.as_str(), first.bytes), ("support-2026-03-12.csv", csv.len() as u64));
    assert_eq!((first.sha256.as_str(), second.sha256.as_str()), (&*sha256(csv.as_bytes()), &*sha256(jsonl.as_bytes())));
}

#[test]
fn what_has_not_changed_is_not_written_again() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    assert_eq!(desk.changes(noon("2026-03-12")), 1);
    let (before, asked) = (desk.files(), desk.ledger.asked);
    assert_eq!(desk.changes(noon("2026-03-12") + 10_000), 0);
    assert_eq!(desk.ledger.asked, asked, "the ledger is not even asked for usage");
    // Another process, or a revision that changed nothing that shows.
    desk.writer = writer(desk.dir.path());
    assert_eq!(desk.changes(noon("2026-03-12") + 20_000), 0);
    desk.ledger.day("support", None, day("2026-03-12"), "UTC").revision += 1;
    assert_eq!(desk.changes(noon("2026-03-12") + 30_000), 0);
    assert_eq!(desk.files(), before);
    desk.ledger.add(line(2, "support", None, "2026-03-12"));
    assert_eq!(desk.changes(noon("2026-03-12") + 40_000), 1);
    assert_eq!(desk.manifest("support-2026-03-12").as_of, "2026-03-12T12:00:40Z");
}

#[test]
fn a_sealed_day_is_written_as_such_once_and_never_again() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    desk.changes(noon("2026-03-12"));
    desk.ledger.seal_upto("support", "2026-03-12");
    assert_eq!(desk.changes(noon("2026-03-13")), 1);
    assert!(desk.read("support-2026-03-12.csv").ends_with("sealed\n"));
    assert_eq!(desk.manifest("support-2026-03-12").state, State::Sealed);

    // Whatever becomes of it is evidence.
    let path = desk.dir.path().join("support-2026-03-12.csv");
    fs::write(&path, "edited").unwrap();
    desk.writer = writer(desk.dir.path());
    assert_eq!(desk.changes(noon("2026-03-13")), 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "edited");
    // If it is gone it comes back.
    fs::remove_file(&path).unwrap();
    desk.writer = writer(desk.dir.path());
    assert_eq!(desk.changes(noon("2026-03-13")), 1);
    assert!(desk.read("support-2026-03-12.csv").ends_with("sealed\n"));
}

#[test]
fn a_sealed_day_that_the_ledger_no_longer_agrees_with_is_left_alone_and_told() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    desk.ledger.seal_upto("support", "2026-03-12");
    desk.changes(noon("2026-03-13"));
    let before = desk.files();
    desk.ledger.day("support", None, day("2026-03-12"), "UTC").sums.records[0] = 5;
    desk.ledger.day("support", None, day("2026-03-12"), "UTC").revision += 1;
    desk.writer = writer(desk.dir.path());
    let wrote = desk.write(noon("2026-03-13"));
    assert!(
        matches!(wrote.failed.as_slice(), [FlushError::Disagrees(what)] if what == "support-2026-03-12"),
        "{wrote:?}"
    );
    assert_eq!(desk.files(), before);
}

#[test]
fn a_ledger_that_lags_does_not_open_what_another_has_sealed() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    desk.ledger.seal_upto("support", "2026-03-12");
    desk.changes(noon("2026-03-13"));
    let before = desk.files();
    let mut lagging = Paper::default();
    lagging.add(line(2, "support", None, "2026-03-12"));
    let wrote = writer(desk.dir.path()).write(&mut lagging, &["support".to_owned()], noon("2026-03-13")).unwrap();
    assert!(wrote.failed.is_empty() && wrote.changed == 0, "{wrote:?}");
    assert_eq!(desk.files(), before);
}

#[test]
fn a_month_has_its_files_once_its_last_day_is_sealed() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    desk.ledger.add(line(2, "support", None, "2026-03-31"));
    desk.ledger.seal_upto("support", "2026-03-30");
    desk.changes(noon("2026-03-31"));
    assert!(!desk.dir.path().join("support-2026-03.csv").exists());
    desk.ledger.seal_upto("support", "2026-03-31");
    assert_eq!(desk.changes(noon("2026-04-01")), 2, "the last day, and the month");
    let manifest = desk.manifest("support-2026-03");
    assert_eq!((manifest.month.as_deref(), manifest.day), (Some("2026-03"), None));
    assert_eq!((manifest.state, manifest.rows, manifest.totals.guest), (State::Sealed, 1, 2));
    assert!(desk.read("support-2026-03.csv").contains("support,,2026-03,UTC,2,"));
    assert_eq!(desk.changes(noon("2026-04-01")), 0);
}

#[test]
fn a_month_that_ends_without_a_visitor_has_its_files_too() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    desk.ledger.seal_upto("support", "2026-03-12");
    desk.changes(noon("2026-03-20"));
    desk.changes(noon("2026-04-01"));
    assert!(!desk.dir.path().join("support-2026-03.csv").exists(), "its last day may still be sealed");
    assert_eq!(desk.changes(noon("2026-04-02")), 1);
    assert_eq!(desk.manifest("support-2026-03").totals.guest, 1);
}

#[test]
fn foreign_files_are_left_alone() {
    let mut desk = Desk::new();
    for name in ["invoice.csv", "support-2026-03-12.csv.bak", "support-2026-03-12.draft", ".hidden"] {
        fs::write(desk.dir.path().join(name), name).unwrap();
    }
    fs::create_dir(desk.dir.path().join("archive")).unwrap();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    desk.changes(noon("2026-03-12"));
    let files = desk.files();
    for name in ["invoice.csv", "support-2026-03-12.csv.bak", "support-2026-03-12.draft", ".hidden"] {
        assert_eq!(files[name], name.as_bytes());
    }
    assert_eq!(files.len(), 8, "{:?}", files.keys());
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_the_others_are_written() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-11"));
    desk.ledger.add(line(2, "support", None, "2026-03-12"));
    let in_the_way = desk.dir.path().join("support-2026-03-12.csv");
    fs::create_dir(&in_the_way).unwrap();
    fs::write(in_the_way.join("full"), "").unwrap();
    let wrote = desk.write(noon("2026-03-12"));
    assert_eq!(wrote.changed, 1);
    assert!(matches!(wrote.failed.as_slice(), [FlushError::File { path, .. }] if *path == in_the_way), "{wrote:?}");
    assert!(!desk.dir.path().join("support-2026-03-12.manifest.json").exists(), "nobody vouches for half of it");
    fs::remove_dir_all(&in_the_way).unwrap();
    assert_eq!(desk.changes(noon("2026-03-12")), 1);
}

#[test]
fn a_ledger_that_is_away_changes_no_file() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    desk.changes(noon("2026-03-12"));
    let before = desk.files();
    desk.ledger.away = true;
    let failed = desk.writer.write(&mut desk.ledger, &[], noon("2026-03-12")).unwrap_err();
    assert!(matches!(failed, FlushError::Ledger(_)), "{failed}");
    assert_eq!(desk.files(), before);
}

#[test]
fn nodes_take_turns_and_nobody_waits_for_one_that_is_stopped() {
    let mut desk = Desk::new();
    desk.ledger.add(line(1, "support", None, "2026-03-12"));
    let held = fs::File::create(desk.dir.path().join(".portalmeter.lock")).unwrap();
    held.lock().unwrap();
    let now = noon("2026-03-12");
    assert!(desk.write(now).busy && desk.write(now + 60_000).busy);
    let wrote = desk.write(now + 6 * 60_000);
    assert_eq!((wrote.busy, wrote.changed), (false, 1));
    drop(held);
    // What it wrote meanwhile, from an older view, is seen and mended.
    let mut older = desk.manifest("support-2026-03-12");
    older.as_of = "2026-03-12T11:00:00Z".to_owned();
    older.rows = 0;
    fs::write(desk.dir.path().join("support-2026-03-12.manifest.json"), serde_json::to_vec(&older).unwrap()).unwrap();
    assert_eq!(desk.changes(now + 7 * 60_000), 1);
    assert_eq!(desk.manifest("support-2026-03-12").rows, 1);
}

#[test]
fn years_of_days_are_written_a_few_at_a_time() {
    let mut desk = Desk::new();
    for back in 0..150 {
        let on = day("2026-03-12").plus(-back).to_string();
        desk.ledger.add(line(1, "support", None, &on));
    }
    desk.ledger.seal_upto("support", "2026-03-11");
    let wrote = desk.write(noon("2026-03-12"));
    assert_eq!((wrote.changed, wrote.more), (64, true));
    assert!(desk.dir.path().join("support-2026-03-12.csv").exists(), "the newest come first");
    while desk.write(noon("2026-03-12")).more {}
    assert_eq!(desk.changes(noon("2026-03-12")), 0);
    let names: Vec<String> = desk.files().into_keys().collect();
    assert_eq!(names.iter().filter(|name| name.ends_with("manifest.json")).count(), 150 + 5, "days, and whole months");
}

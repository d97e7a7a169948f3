//! The recount finds nothing in honest books, and each thing that was changed in them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod paper;
}

use std::collections::BTreeMap;
use std::fs;

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::flush::{Files, Manifest, Writer};
use portalmeter_meter::ledger::Line;
use portalmeter_meter::ledger::Position;
use portalmeter_meter::observation::Scope;
use portalmeter_meter::record::{Reason, record_id, session_id};
use portalmeter_meter::recount::{Counted, Counters, Finding, Looked, Question, What, recount};
use portalmeter_meter::session::Class;
use portalmeter_meter::usage::{self, Sums};
use portalmeter_rules::id::Name;
use support::paper::Paper;
use tempfile::TempDir;

const HOUR: i64 = 3_600_000;

/// Books of a month, with usage files.
struct Books {
    ledger: Paper,
    dir: TempDir,
}

fn berlin() -> Zone {
    Zone::named("Europe/Berlin").unwrap()
}

/// A record of a visitor's session that began so many hours into a day.
fn record(visitor: u8, module: Option<&str>, day: Day, hour: i64, class: Class) -> Line {
    let scope = Scope { portal: "support".into(), module: module.map(Into::into) };
    let (visitor, started) = (Name([visitor; 16]), berlin().start(day) + hour * HOUR);
    let session = session_id(&scope, visitor, started);
    Line {
        id: record_id(session, started, day, Reason::Start),
        portal: "support".to_owned(),
        module: module.map(str::to_owned),
        visitor: Some(visitor),
        session: Some(session),
        started: Some(started),
        day,
        zone: "Europe/Berlin".to_owned(),
        class,
        reason: Some(Reason::Start),
        account: None,
        user: None,
        agent: None,
        rule: "identity 1: cookie".to_owned(),
        policy: None,
        trial: false,
        event_time: started,
        stored_time: started + 1_000,
        withdrawn: false,
        amount: 1,
        corrects: None,
        of: None,
        author: None,
        note: None,
    }
}

/// A correction of a record, booked on a day.
fn correction(of: &Line, number: u8, amount: i32, day: Day) -> Line {
    Line { id: Name([number; 16]), day, amount, corrects: Some(of.day), of: Some(of.id), ..of.clone() }
}

fn by_hand(number: u8, amount: i32, day: &str, corrects: &str) -> Line {
    Line {
        id: Name([number; 16]),
        visitor: None,
        session: None,
        started: None,
        reason: None,
        amount,
        corrects: Some(corrects.parse().unwrap()),
        author: Some("ann".to_owned()),
        note: Some("a test that ran on the live portal".to_owned()),
        ..record(0, None, day.parse().unwrap(), 0, Class::Guest)
    }
}

impl Books {
    /// Days of March, some with modules, the clocks' change among them, all sealed but the last.
    fn honest() -> Self {
        let mut ledger = Paper::default();
        let first: Day = "2026-03-01".parse().unwrap();
        for (number, day) in (0..31).map(|more| first.plus(more)).enumerate() {
            let visitor = number as u8 + 1;
            ledger.add(record(visitor, None, day, 0, Class::Guest));
            ledger.add(record(visitor, None, day, 22, Class::External));
            ledger.add(record(visitor, Some("chat"), day, 5, Class::Bot));
            ledger.add(Line { withdrawn: true, ..record(visitor, Some("chat"), day, 7, Class::Guest) });
        }
        ledger.seal_upto("support", "2026-03-30");
        let mut books = Self { ledger, dir: tempfile::tempdir().unwrap() };
        books.write();
        books
    }

    fn files(&self) -> Files {
        Files { dir: self.dir.path().to_owned(), csv: true, jsonl: true }
    }

    fn write(&mut self) {
        let now = berlin().start("2026-03-31".parse().unwrap()) + 20 * HOUR;
        let mut writer = Writer::new(self.files(), 24 * HOUR);
        while writer.write(&mut self.ledger, &["support".to_owned()], now).unwrap().more {}
    }

    fn recount(&mut self) -> (Vec<Finding>, Looked) {
        self.recount_with(None)
    }

    fn recount_with(&mut self, counters: Option<&mut dyn Counters>) -> (Vec<Finding>, Looked) {
        self.recount_at(berlin().start("2026-03-31".parse().unwrap()) + 20 * HOUR, counters)
    }

    fn recount_at(&mut self, now: i64, counters: Option<&mut dyn Counters>) -> (Vec<Finding>, Looked) {
        let files = self.files();
        let month = "2026-03".parse().unwrap();
        let question = Question { month, portals: &[], files: Some(&files), journals: None, now };
        let mut found = Vec::new();
        let looked = recount(&mut self.ledger, counters, &question, &mut |finding| found.push(finding)).unwrap();
        (found, looked)
    }

    /// The only thing that is found.
    #[track_caller]
    fn finds(&mut self, what: What, day: &str, expected: &str, found: &str) {
        let (all, _) = self.recount();
        let day: Day = day.parse().unwrap();
        let [one] = all.as_slice() else { panic!("{} findings: {all:#?}", all.len()) };
        assert_eq!((one.what, one.day, one.portal.as_str()), (what, day, "support"), "{one}");
        assert!(one.expected.contains(expected) && one.found.contains(found), "{one}");
    }
}

#[test]
fn an_honest_month_has_nothing_to_find() {
    let (found, looked) = Books::honest().recount();
    assert_eq!(found, []);
    assert_eq!((looked.totals, looked.lines, looked.files, looked.left_out.as_slice()), (62, 93, 62, &[][..]));
}

#[test]
fn a_record_that_was_deleted_is_found() {
    let mut books = Books::honest();
    let at = books.ledger.lines.iter().position(|line| line.class == Class::External).unwrap();
    let gone = books.ledger.lines.remove(at);
    books.finds(What::Total, &gone.day.to_string(), "0, the sum of its records", "1");
}

#[test]
fn a_record_that_was_added_is_found() {
    let mut books = Books::honest();
    let another = record(77, None, "2026-03-12".parse().unwrap(), 3, Class::External);
    books.ledger.lines.push(another);
    books.finds(What::Total, "2026-03-12", "2, the sum", "1");
}

#[test]
fn records_on_a_day_or_of_a_portal_without_a_total_are_found() {
    let mut books = Books::honest();
    let elsewhere =
        Line { portal: "other".to_owned(), ..record(77, None, "2026-03-12".parse().unwrap(), 3, Class::External) };
    books.ledger.lines.push(elsewhere);
    let (found, _) = books.recount();
    let told: Vec<(&str, What)> = found.iter().map(|one| (one.portal.as_str(), one.what)).collect();
    assert!(told.contains(&("other", What::Total)) && told.contains(&("other", What::Record)), "{found:?}");
}

#[test]
fn a_counter_that_was_changed_is_found() {
    let mut books = Books::honest();
    let total = books.ledger.day("support", None, "2026-03-31".parse().unwrap(), "");
    (total.sums.records[0], total.revision) = (7, total.revision + 1);
    books.finds(What::Total, "2026-03-31", "1, the sum", "7");
    // On a sealed day the files give it away too.
    let mut books = Books::honest();
    books.ledger.day("support", None, "2026-03-12".parse().unwrap(), "").sums.records[0] = 7;
    let (found, _) = books.recount();
    assert_eq!(found[0].what, What::Total);
    assert!(found[1..].iter().all(|one| one.what == What::Row) && found.len() > 4, "{found:#?}");
}

#[test]
fn a_record_that_says_of_itself_what_cannot_be_is_found() {
    let change = |change: fn(&mut Line)| {
        let mut books = Books::honest();
        change(&mut books.ledger.lines[4 * 11]);
        books
    };
    let day = "2026-03-12";
    change(|line| line.id = Name([1; 16])).finds(What::Record, day, "follows from session, day and reason", "0101");
    change(|line| line.reason = Some(Reason::Midnight)).finds(What::Record, day, "follows from session", "");
    change(|line| line.event_time += 30 * HOUR).finds(What::Record, day, "2026-03-13, on which it was", "2026-03-12");
    let (found, _) = change(|line| line.event_time -= 1).recount();
    let told: Vec<&str> = found.iter().map(|one| one.which.split(' ').next().unwrap()).collect();
    assert_eq!(told, ["day", "time"], "{found:#?}");
    change(|line| line.zone = "Europe/Atlantis".to_owned()).finds(What::Record, day, "IANA", "Atlantis");
    change(|line| line.visitor = Some(Name([9; 16]))).finds(What::Record, day, "which follows from portal", "");
}

#[test]
fn what_was_counted_twice_is_found() {
    let mut books = Books::honest();
    let mut twin = books.ledger.lines[4 * 11].clone();
    twin.id = Name([1; 16]);
    let first = books.ledger.lines[4 * 11].id;
    books.ledger.add(twin);
    fs::remove_dir_all(books.dir.path()).unwrap();
    let (found, looked) = books.recount();
    let duplicate = found.iter().find(|one| one.what == What::Duplicate).unwrap();
    let ids = [first.to_string(), Name([1; 16]).to_string()];
    assert!(ids.iter().any(|id| duplicate.which.contains(id)) && ids.contains(&duplicate.found), "{duplicate}");
    assert!(looked.left_out[0].contains("no folder"), "{looked:?}");
}

#[test]
fn corrections_that_add_up_are_nothing_to_find() {
    let mut books = Books::honest();
    let of = books.ledger.lines[0].clone();
    let open: Day = "2026-03-31".parse().unwrap();
    // Taken back; and, of a record that came after its day was sealed, added and made another class.
    books.ledger.add(correction(&of, 200, -1, open));
    let late = record(99, None, "2026-03-02".parse().unwrap(), 4, Class::Guest);
    books.ledger.add(correction(&late, 201, 1, open));
    books.ledger.add(correction(&late, 202, -1, open));
    books.ledger.add(Line { class: Class::External, ..correction(&late, 203, 1, open) });
    books.ledger.add(by_hand(204, -3, "2026-03-31", "2026-02-11"));
    books.write();
    assert_eq!(books.recount().0, []);
}

#[test]
fn corrections_that_do_not_match_are_found() {
    let with = |lines: &dyn Fn(&Line) -> Vec<Line>| {
        let mut books = Books::honest();
        let of = books.ledger.lines[0].clone();
        for line in lines(&of) {
            books.ledger.add(line);
        }
        books.write();
        books
    };
    let open: Day = "2026-03-31".parse().unwrap();
    with(&|of| vec![correction(of, 200, 1, open)]).finds(What::Correction, "2026-03-31", "come to 1 or 0", "2");
    let twice = with(&|of| vec![correction(of, 200, -1, open), correction(of, 201, -1, open)]);
    { twice }.finds(What::Correction, "2026-03-31", "come to 1 or 0", "-1");
    let elsewhere = |of: &Line| vec![Line { corrects: Some(of.day.plus(1)), ..correction(of, 200, -1, open) }];
    with(&elsewhere).finds(What::Correction, "2026-03-31", "the record's own day", "2026-03-01 and 2026-03-02");
    let nobodys = |_: &Line| vec![Line { author: None, ..by_hand(200, 2, "2026-03-31", "2026-03-01") }];
    with(&nobodys).finds(What::Correction, "2026-03-31", "an author and a reason", "none");
}

#[test]
fn a_days_file_that_was_edited_is_found() {
    let mut books = Books::honest();
    let path = books.dir.path().join("support-2026-03-12.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen(",1,1,0,0,", ",1,0,0,0,", 1)).unwrap();
    let (found, _) = books.recount();
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("support 2026-03-12: file support-2026-03-12.csv: expected "), "{told:#?}");
    assert_eq!(told[1], "support 2026-03-12: row external in support-2026-03-12.csv: expected 1, found 0");

    // One that says the same, in other words.
    fs::write(&path, text.replace('\n', "\r\n")).unwrap();
    books.finds(What::File, "2026-03-12", "SHA-256", "SHA-256");
    fs::write(&path, "").unwrap();
    assert_eq!(books.recount().0.len(), 2);
    fs::remove_file(&path).unwrap();
    books.finds(What::File, "2026-03-12", "bytes", "No such file");
}

#[test]
fn a_file_that_was_edited_with_its_manifest_is_found() {
    let mut books = Books::honest();
    for format in ["csv", "jsonl"] {
        let path = books.dir.path().join(format!("support-2026-03-12.{format}"));
        let text = fs::read_to_string(&path)
            .unwrap()
            .replace("Berlin,1,1,0,0,", "Berlin,1,0,0,0,")
            .replace("\"external\":1", "\"external\":0");
        fs::write(&path, text).unwrap();
    }
    let mut manifest = Manifest::read(books.dir.path(), "support-2026-03-12").unwrap().unwrap();
    for file in &mut manifest.files {
        let content = fs::read(books.dir.path().join(&file.name)).unwrap();
        (file.bytes, file.sha256) = (content.len() as u64, portalmeter_meter::flush::sha256(&content));
    }
    manifest.totals.external = 0;
    let text = serde_json::to_vec(&manifest).unwrap();
    fs::write(books.dir.path().join("support-2026-03-12.manifest.json"), text).unwrap();
    let (found, _) = books.recount();
    assert_eq!(found.iter().filter(|one| one.what == What::Row).count(), 3, "{found:#?}");
    fs::write(books.dir.path().join("support-2026-03-12.manifest.json"), "{").unwrap();
    books.finds(What::File, "2026-03-12", "a manifest", "EOF");
    fs::remove_file(books.dir.path().join("support-2026-03-12.manifest.json")).unwrap();
    books.finds(What::File, "2026-03-12", "for it is sealed", "none");
}

#[test]
fn files_of_an_open_day_that_are_behind_are_no_finding() {
    let mut books = Books::honest();
    books.ledger.add(record(88, None, "2026-03-31".parse().unwrap(), 9, Class::Guest));
    let (found, looked) = books.recount();
    assert_eq!(found, []);
    assert_eq!(looked.left_out, ["support-2026-03-31: its files are still behind the ledger"]);
}

#[test]
fn a_months_files_are_looked_at_too() {
    let mut books = Books::honest();
    books.ledger.seal_upto("support", "2026-03-31");
    books.write();
    let path = books.dir.path().join("support-2026-03.csv");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(books.recount().0, []);
    fs::write(&path, text.replace("Berlin,31,31,", "Berlin,31,30,")).unwrap();
    let (found, _) = books.recount();
    let told: Vec<&str> = found.iter().map(|one| one.which.split(' ').next().unwrap()).collect();
    assert_eq!(told, ["support-2026-03.csv", "external"], "{found:#?}");
    fs::remove_file(books.dir.path().join("support-2026-03.manifest.json")).unwrap();
    books.finds(What::File, "2026-03-01", "for it is sealed", "none");
}

/// Counters that say what they were told to.
struct Board {
    days: Vec<Counted>,
    last: Position,
    pauses: u32,
    /// Becomes right after so many pauses.
    heals: Option<(u32, Vec<Counted>)>,
}

impl Board {
    /// What the ledger has, of portals and of modules.
    fn honest(books: &mut Books) -> Self {
        let days: Vec<_> = books.ledger.days.values().cloned().collect();
        let of_portal = |day: Day| {
            let mut sums = Sums::default();
            for total in days.iter().filter(|total| total.day == day) {
                sums.records.iter_mut().zip(total.sums.records).for_each(|(sum, count)| *sum += count);
                sums.converted += total.sums.converted;
            }
            fields(&sums)
        };
        let modules = days.iter().filter(|total| total.module.is_some()).map(|total| Counted {
            module: total.module.clone(),
            day: total.day,
            fields: fields(&total.sums),
        });
        let portals = days.iter().filter(|total| total.module.is_none());
        let portals = portals.map(|total| Counted { module: None, day: total.day, fields: of_portal(total.day) });
        Self { days: portals.chain(modules).collect(), last: Position::START, pauses: 0, heals: None }
    }

    fn of(&mut self, module: Option<&str>, day: &str) -> &mut BTreeMap<String, String> {
        let day: Day = day.parse().unwrap();
        &mut self.days.iter_mut().find(|one| one.day == day && one.module.as_deref() == module).unwrap().fields
    }

    fn set(&mut self, module: Option<&str>, day: &str, field: &str, value: &str) {
        self.of(module, day).insert(field.to_owned(), value.to_owned());
    }
}

/// The fields of a hash that commits have added up: none that stayed 0.
fn fields(sums: &Sums) -> BTreeMap<String, String> {
    let counts = usage::Counters::of(sums).of_records().into_iter().filter(|field| field.1 != 0);
    counts.map(|(field, count)| (field.to_owned(), count.to_string())).collect()
}

impl Counters for Board {
    fn last(&mut self, _: &str) -> Result<Position, String> {
        Ok(self.last)
    }

    fn days(&mut self, _: &str) -> Result<Vec<Counted>, String> {
        Ok(self.days.clone())
    }

    fn pause(&mut self) {
        self.pauses += 1;
        if let Some((after, days)) = &self.heals
            && self.pauses == *after
        {
            self.days.clone_from(days);
        }
    }
}

#[test]
fn counters_of_the_store_that_are_the_ledgers_are_nothing_to_find() {
    let mut books = Books::honest();
    let mut board = Board::honest(&mut books);
    let (found, looked) = books.recount_with(Some(&mut board));
    assert_eq!((found, looked.counters, board.pauses), (Vec::new(), 62, 0));
    // A sealed day's are not kept for ever.
    board.days.retain(|one| one.day > "2026-03-20".parse().unwrap());
    assert_eq!(books.recount_with(Some(&mut board)).0, []);
}

#[test]
fn a_counter_of_the_store_that_was_changed_is_found() {
    let mut books = Books::honest();
    let mut board = Board::honest(&mut books);
    board.set(Some("chat"), "2026-03-12", "bot", "9");
    let (found, _) = books.recount_with(Some(&mut board));
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["support/chat 2026-03-12: counter bot: expected 1, as the ledger has it, found 9"]);
    assert_eq!(board.pauses, 0, "nothing repairs a sealed day");

    let mut board = Board::honest(&mut books);
    let right = board.days.clone();
    board.set(None, "2026-03-31", "guest", "9");
    assert_eq!(books.recount_with(Some(&mut board)).0.len(), 1);
    assert!(board.pauses > 3, "of an open day it may be on its way");
    (board.heals, board.pauses) = (Some((2, right)), 0);
    assert_eq!(books.recount_with(Some(&mut board)).0, []);

    board.days.retain(|one| one.day < "2026-03-31".parse().unwrap());
    board.heals = None;
    let (found, _) = books.recount_with(Some(&mut board));
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let portals = "guest 1 external 1 bot 1 guest_raw 2 billable 2";
    let gone = |of: &str, counts: &str| {
        format!("{of} 2026-03-31: counter hash: expected {counts}, as the ledger has it, found no counters")
    };
    assert_eq!(told, [gone("support", portals), gone("support/chat", "bot 1 guest_raw 1")]);
}

#[test]
fn each_number_of_a_sealed_days_hash_is_compared() {
    let day = "2026-03-12";
    for (field, value, expected) in
        [("billable", "7", "2"), ("guest_raw", "1", "2"), ("converted", "4", "1"), ("billable", "abc", "2")]
    {
        let mut books = Books::honest();
        books.ledger.day("support", None, day.parse().unwrap(), "").sums.converted = 1;
        fs::remove_dir_all(books.dir.path()).unwrap();
        let mut board = Board::honest(&mut books);
        assert_eq!(books.recount_with(Some(&mut board)).0, []);
        board.set(None, day, field, value);
        let (found, _) = books.recount_with(Some(&mut board));
        let found_words = if value == "abc" { "`abc`, which is no number" } else { value };
        let line =
            format!("support {day}: counter {field}: expected {expected}, as the ledger has it, found {found_words}");
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [line]);
    }
    let mut books = Books::honest();
    let mut board = Board::honest(&mut books);
    board.of(None, day).remove("billable");
    board.set(None, day, "page_views", "who knows");
    let (found, _) = books.recount_with(Some(&mut board));
    let line = format!("support {day}: counter billable: expected 2, as the ledger has it, found no such field");
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [line]);
}

#[test]
fn a_sealed_days_hash_is_missed_as_long_as_it_is_listed_and_kept() {
    let mut books = Books::honest();
    let mut board = Board::honest(&mut books);
    let day: Day = "2026-03-12".parse().unwrap();
    let sealed = berlin().end(day) + 6 * HOUR;
    for module in [None, Some("chat")] {
        books.ledger.day("support", module, day, "").sealed = Some(sealed);
    }
    board.of(None, "2026-03-12").clear();
    let (found, looked) = books.recount_at(sealed + 33 * 24 * HOUR, Some(&mut board));
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((one.which.as_str(), one.found.as_str(), looked.counters), ("hash", "no counters", 61));
    assert_eq!(books.recount_at(sealed + 35 * 24 * HOUR, Some(&mut board)).0, [], "it has expired");
    board.days.retain(|one| one.module.is_some() || one.day != day);
    assert_eq!(books.recount_at(sealed + HOUR, Some(&mut board)).0, [], "a Redis that lost all lists none");
}

#[test]
fn counters_are_not_compared_while_entries_are_on_their_way() {
    let mut books = Books::honest();
    let mut board = Board::honest(&mut books);
    board.last = Position { at: 1, number: 0, stream: 0 };
    board.set(None, "2026-03-31", "guest", "9");
    let (found, looked) = books.recount_with(Some(&mut board));
    assert_eq!(found, []);
    assert_eq!(looked.left_out, ["support: the store's counters: entries are on their way to the ledger"]);
}

//! Files and commands beside a meter that runs.

use std::fs;

use super::told::portalmeter;
use crate::faults::meter::{Counted, until};
use crate::faults::stage::{Given, Stage, get};

const FILES: &str = "[flush]\ninterval = \"100ms\"\nfiles = { dir = \"usage\" }\n";

/// The only file in a folder whose name ends so.
fn file(folder: &std::path::Path, end: &str) -> Option<String> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|file| file.path());
    let mut named = files.filter(|path| path.to_string_lossy().ends_with(end));
    named.next().and_then(|path| fs::read_to_string(path).ok())
}

#[test]
fn files_corrections_and_recounts_beside_a_running_meter() {
    let stage = Stage::new(&Given { portal: FILES, ..Given::default() });
    let folder = stage.setup.config.parent().unwrap();
    let usage = folder.join("usage");
    for number in 1..=3 {
        stage.ask(&get(number, "/", ""));
    }
    until("the file has three guests", || {
        file(&usage, ".csv").is_some_and(|csv| csv.contains(",UTC,3,0,0,0,"))
            && file(&usage, ".manifest.json").is_some_and(|text| text.contains("\"guest\": 3"))
    });
    let recount = || portalmeter(folder, ["recount", "--month", "this"]);
    assert_eq!(recount().code, 0, "{:?}", recount());

    let words = "correct --portal help --day today --class guest --amount 2 --author ann --reason lost";
    let told = portalmeter(folder, words.split(' '));
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(stage.settled(), Counted { page_views: 3, ..Counted::guests(5) });
    stage.ask(&get(4, "/", ""));
    until("the file has the correction too", || file(&usage, ".csv").is_some_and(|csv| csv.contains(",UTC,6,0,0,0,")));
    stage.running.signal("-TERM");
    until("the last word is in the file", || recount().aside.contains("nothing is amiss"));
    assert_eq!(recount().code, 0, "{:?}", recount());
}

#[test]
fn journals_give_away_what_was_changed_in_records_and_totals_alike() {
    // So short-lived that what was seen is soon beyond doubt.
    let (portal, journal) = ("session.idle_timeout = \"2s\"\n", "keep = \"2s\"\narchive = \"archive\"\n");
    let stage = Stage::new(&Given { portal, journal, ..Given::default() });
    let folder = stage.setup.config.parent().unwrap();
    for number in 1..=3 {
        stage.ask(&get(number, "/", ""));
    }
    stage.ask(&get(1, "/again", ""));
    assert_eq!(stage.settled().guest, 3);
    let recount = || portalmeter(folder, ["recount", "--month", "this"]);
    let json = || -> serde_json::Value {
        let told = portalmeter(folder, ["recount", "--month", "this", "--output", "json"]);
        serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}"))
    };
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    let honest = recount();
    assert_eq!(honest.code, 0, "{honest:?}");
    assert_eq!(json()["looked_at"]["observations"], 4);

    let database = rusqlite::Connection::open(folder.join("data/portalmeter.db")).unwrap();
    let change = |sql: &str| assert!(database.execute(sql, []).unwrap() > 0, "{sql} changed nothing");
    let ids: Vec<String> = {
        let mut ask = database.prepare("SELECT id FROM usage_record ORDER BY id").unwrap();
        ask.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    database.execute_batch("BEGIN").unwrap();
    change(&format!("DELETE FROM usage_record WHERE id = '{}'", ids[0]));
    change(&format!("UPDATE usage_record SET class = 'bot' WHERE id = '{}'", ids[1]));
    change("UPDATE usage_day SET guest = 1, bot = 1");
    database.execute_batch("COMMIT").unwrap();
    let told = recount();
    assert_eq!(told.code, 1, "{told:?}");
    let lines: Vec<&str> = told.out.lines().collect();
    assert_eq!(lines.len(), 2, "{told:?}");
    assert!(
        lines[0].contains(&format!("changed {}: expected guest, start, ", ids[1]))
            && lines[0].contains("found bot, start")
    );
    assert!(lines[1].contains(&format!("missing {}: expected guest, start, ", ids[0])), "{told:?}");
}

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

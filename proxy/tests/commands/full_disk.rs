//! Usage files on a disk that is full.

use std::fs;

use portalmeter_meter::flush::{Files, FlushError, Manifest, Writer, sha256};
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{Correction, Ledger};

use super::books::{Books, now, today};
use crate::faults::mount::Mount;

#[test]
fn on_a_full_disk_the_last_whole_files_stay() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(dir.path(), "2m") else { return };
    let books = Books::new();
    let mut ledger = SqliteLedger::create(&books.data_dir()).unwrap();
    let usage = mount.at.join("usage");
    let mut writer = Writer::new(Files { dir: usage.clone(), csv: true, jsonl: true }, 24 * 3_600_000);
    let portals = ["support".to_owned(), "embedded".to_owned()];
    let mut write = |ledger: &mut SqliteLedger| writer.write(ledger, &portals, now()).unwrap();
    assert!(write(&mut ledger).failed.is_empty());
    let stem = format!("support-{}", today());
    let whole = || {
        let manifest = Manifest::read(&usage, &stem).unwrap().unwrap();
        let is = |name: &str, sum: &str| sha256(&fs::read(usage.join(name)).unwrap()) == sum;
        assert!(manifest.files.iter().all(|file| is(&file.name, &file.sha256)), "{manifest:?}");
        manifest.totals.guest
    };
    assert_eq!(whole(), 2);

    let ballast = mount.fill();
    let correction = Correction {
        id: Correction::new_id(now()).unwrap(),
        portal: "support".to_owned(),
        module: None,
        day: today(),
        zone: portalmeter_meter::day::Zone::utc(),
        class: portalmeter_meter::session::Class::Guest,
        amount: 40.try_into().unwrap(),
        account: None,
        trial: false,
        author: "ann".to_owned(),
        note: "a test".to_owned(),
    };
    ledger.correct(&correction, now()).unwrap();
    let wrote = write(&mut ledger);
    assert!(wrote.failed.iter().all(|error| matches!(error, FlushError::File { .. })), "{wrote:?}");
    assert!(!wrote.failed.is_empty(), "there was room: {wrote:?}");
    assert_eq!(whole(), 2);
    let left = fs::read_dir(&usage).unwrap().flatten().map(|file| file.file_name().into_string().unwrap());
    assert!(left.into_iter().all(|name| !name.contains("draft")), "a draft is left");

    fs::remove_file(ballast).unwrap();
    assert!(write(&mut ledger).failed.is_empty());
    assert_eq!(whole(), 42);
}

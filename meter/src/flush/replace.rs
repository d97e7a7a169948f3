//! A file is there whole or as it was before: written beside, synced, renamed, and the folder synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What the names of drafts begin with; the rest is random, for nodes that share a folder.
const DRAFT: &str = ".portalmeter-";
/// How they end.
const SUFFIX: &str = ".draft";
/// No write takes so long: whoever began an older draft is gone.
const STALE: Duration = Duration::from_hours(1);

/// Puts `content` under `name` in `dir`. What was there stays until all of the new is on disk.
pub(super) fn replace(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let draft = dir.join(format!("{DRAFT}{:016x}{SUFFIX}", u64::from_le_bytes(random)));
    let put = write_new(&draft, content).and_then(|()| fs::rename(&draft, dir.join(name)));
    if put.is_err() {
        let _nothing_to_remove = fs::remove_file(&draft);
    }
    put?;
    File::open(dir)?.sync_all()
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Removes drafts of processes that were killed in the middle of one.
pub(super) fn remove_stale_drafts(dir: &Path, now: SystemTime) -> io::Result<()> {
    for file in fs::read_dir(dir)? {
        let file = file?;
        let name = file.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(DRAFT) && name.ends_with(SUFFIX));
        if !ours {
            continue;
        }
        let age = file.metadata().and_then(|about| about.modified()).map(|then| now.duration_since(then));
        if matches!(age, Ok(Ok(age)) if age > STALE) {
            // Another node may have been quicker.
            let _gone = fs::remove_file(file.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_left_beside_the_file() {
        let dir = tempfile::tempdir().unwrap();
        for content in ["one", "another"] {
            replace(dir.path(), "a.csv", content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(dir.path().join("a.csv")).unwrap(), content);
        }
        fs::create_dir(dir.path().join("b.csv")).unwrap();
        fs::write(dir.path().join("b.csv/full"), "").unwrap();
        assert!(replace(dir.path(), "b.csv", b"x").is_err(), "a folder is in its place");
        assert_eq!(names(dir.path()), ["a.csv", "b.csv"]);
    }

    #[test]
    fn drafts_of_the_dead_are_removed_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".portalmeter-1.draft", ".portalmeter.lock", "invoice.draft", ".other-1.draft"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let now = fs::metadata(dir.path().join("invoice.draft")).unwrap().modified().unwrap();
        remove_stale_drafts(dir.path(), now).unwrap();
        assert_eq!(names(dir.path()).len(), 4, "somebody may be writing it");
        remove_stale_drafts(dir.path(), now + STALE + Duration::from_secs(1)).unwrap();
        assert_eq!(names(dir.path()), [".other-1.draft", ".portalmeter.lock", "invoice.draft"]);
    }
}

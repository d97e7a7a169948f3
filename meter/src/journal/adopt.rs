//! Journals of nodes that never come back, beside our own: sent again with it when the store forgets, and archived.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use portalmeter_rules::time::Millis;

use super::{ACKNOWLEDGED, Acknowledged, LOCK, POLICIES, SEGMENT, reader};

/// Copies committed segments into their node's folder below `dir`, as old as they are, and puts down that all in it was
/// committed at `now`, or was before. Nothing is left behind that whoever owns `dir` cannot open.
pub fn adopt(dir: &Path, segments: &[PathBuf], now: Millis) -> io::Result<()> {
    for segment in segments {
        let (Some(node), Some(from)) = (reader::node_of(segment), segment.parent()) else { continue };
        let folder = dir.join(node.to_string());
        if reader::is_being_written(&folder) || is_same(from, &folder) {
            continue;
        }
        fs::create_dir_all(&folder)?;
        give(&folder, dir).inspect_err(|_| drop(fs::remove_dir(&folder)))?;
        // Held, nobody tidies the folder away while it has no segment yet.
        let lock = folder.join(LOCK);
        let held = File::options().create(true).truncate(false).write(true).open(&lock)?;
        give(&lock, dir)?;
        held.try_lock()?;
        // An archive has none: those that came with the node's folder stay.
        let policies = from.join(POLICIES);
        if policies.exists() {
            put(&folder.join(POLICIES), dir, |draft| fs::copy(&policies, draft).map(drop))?;
        }
        put(&folder.join(name_of(segment)), dir, |draft| {
            fs::copy(segment, draft)?;
            File::options().write(true).open(draft)?.set_modified(fs::metadata(segment)?.modified()?)
        })?;
        if !folder.join(ACKNOWLEDGED).exists() {
            let all = Acknowledged { upto: u64::MAX, at: now };
            put(&folder.join(ACKNOWLEDGED), dir, |draft| fs::write(draft, all.to_string()))?;
        }
    }
    Ok(())
}

/// What a segment is called in its node's folder: in an archive the node's name comes first.
fn name_of(segment: &Path) -> PathBuf {
    let name = segment.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Path::new(name.split_once('-').map_or(&*name, |(_, number)| number)).with_extension(SEGMENT)
}

/// Makes a file that is there as a whole or not at all.
fn put(file: &Path, dir: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let draft = file.with_added_extension("draft");
    make(&draft)?;
    give(&draft, dir)?;
    fs::rename(&draft, file)
}

/// Gives a file to who owns `dir`: an operator may be somebody else.
fn give(file: &Path, dir: &Path) -> io::Result<()> {
    let (ours, theirs) = (fs::metadata(file)?, fs::metadata(dir)?);
    if (ours.uid(), ours.gid()) == (theirs.uid(), theirs.gid()) {
        return Ok(());
    }
    chown(file, Some(theirs.uid()), Some(theirs.gid()))
}

fn is_same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).ok().zip(fs::canonicalize(other).ok()).is_some_and(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_an_archive_is_put_beside_what_came_from_the_nodes_folder() {
        let at = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = at.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        let node = "8a1c5e7f00112233";
        write(&format!("lost/{node}/policies"), "as they were");
        let second = write(&format!("lost/{node}/0002.journal"), "second");
        let first = write(&format!("archive/{node}-0001.journal"), "first");
        write("journal/ours/lock", "");
        let journal = at.path().join("journal");

        adopt(&journal, &[second], 7).unwrap();
        adopt(&journal, &[first], 8).unwrap();

        let kept = |file: &str| fs::read_to_string(journal.join(node).join(file)).unwrap();
        assert_eq!((kept("0001.journal"), kept("0002.journal")), ("first".to_owned(), "second".to_owned()));
        assert_eq!(kept(POLICIES), "as they were");
        assert_eq!(Acknowledged::read(&kept(ACKNOWLEDGED)), Acknowledged { upto: u64::MAX, at: 7 });
    }
}

//! A torn write that cannot be cut off. Alone in its binary: a process started beside other tests holds their
//! journals' locks for the moment between fork and exec.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test says why it was skipped")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portalmeter_meter::journal::{Journal, Limits, reader};
use portalmeter_meter::store::NodeId;

const NODE: NodeId = NodeId([7; 8]);

fn append(journal: &Journal, number: u64, text: &str) {
    journal.append(number, |bytes| bytes.extend_from_slice(text.as_bytes()));
}

fn write(journal: &Journal, number: u64, text: &str) {
    append(journal, number, text);
    while journal.health().waiting > 0 {
        std::thread::yield_now();
    }
}

fn segment(journals: &Path) -> PathBuf {
    let files = fs::read_dir(journals.join(NODE.to_string())).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some()).min().unwrap()
}

/// An ext4 file system in a file, unmounted at the end.
struct Mount(PathBuf);

impl Mount {
    fn new(dir: &Path) -> Option<Self> {
        let (image, at) = (dir.join("image"), dir.join("mounted"));
        fs::create_dir(&at).unwrap();
        fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
        let mounted = works(Command::new("mkfs.ext4").arg("-q").arg(&image))
            && works(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&at));
        if !mounted {
            println!("skipped: mkfs.ext4 and mount are not permitted here");
        }
        mounted.then_some(Self(at))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        works(Command::new("umount").arg("-l").arg(&self.0));
    }
}

fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
fn nothing_is_written_behind_a_torn_write_that_cannot_be_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::new(dir.path()) else { return };
    let (journals, ballast) = (mount.0.join("journal"), mount.0.join("ballast"));
    let journal = Journal::create(&journals, NODE, Limits::default()).unwrap();
    write(&journal, 1, "before");
    let torn = segment(&journals);
    // To an append-only file an open one still writes, and nobody cuts it.
    assert!(works(Command::new("chattr").arg("+a").arg(&torn)));
    let room = fs::File::create(&ballast).unwrap();
    let mut size: u64 = 0;
    while std::os::unix::fs::FileExt::write_all_at(&room, &[b'x'; 1 << 12], size).is_ok() {
        size += 1 << 12;
    }
    room.set_len(size - (20 << 10)).unwrap();
    room.sync_all().unwrap();

    let long = "x".repeat(60 << 10);
    append(&journal, 2, &long);
    while journal.health().failure.is_none() {
        std::thread::yield_now();
    }
    drop(room);
    fs::remove_file(ballast).unwrap();
    write(&journal, 3, "behind");
    assert!(journal.close());
    assert!(works(Command::new("chattr").arg("-a").arg(&torn)));
    let mut lengths = Vec::new();
    let dead = reader::dead(&journals).unwrap().remove(0);
    let damage = dead.read(&mut |bytes| lengths.push(bytes.len())).unwrap();
    assert_eq!(lengths, ["before".len(), long.len(), "behind".len()]);
    assert!(damage.torn_bytes > 0, "the write was torn");
}

//! File systems of the test's own, unmounted whatever happens. Needs root; where there is none, says so.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system.
pub(crate) struct Mount {
    pub(crate) at: PathBuf,
    frozen: bool,
}

impl Mount {
    /// A file system in memory, `size` as mount takes it.
    pub(crate) fn tmpfs(dir: &Path, size: &str) -> Option<Self> {
        Self::of(dir, &["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
    }

    /// An ext4 file system in a file.
    pub(crate) fn ext4(dir: &Path) -> Option<Self> {
        let image = dir.join("image");
        File::create(&image).unwrap().set_len(32 << 20).unwrap();
        let name = image.to_str().unwrap();
        if !works(Command::new("mkfs.ext4").args(["-q", name])) {
            println!("skipped: mkfs.ext4 cannot be run here");
            return None;
        }
        Self::of(dir, &["-o", "loop", name])
    }

    fn of(dir: &Path, what: &[&str]) -> Option<Self> {
        let at = dir.join("mounted");
        fs::create_dir_all(&at).unwrap();
        if works(Command::new("mount").args(what).arg(&at)) {
            return Some(Self { at, frozen: false });
        }
        println!("skipped: `mount {}` is not permitted here", what.join(" "));
        None
    }

    /// Fills it to the last byte; gives back the file that does.
    pub(crate) fn fill(&self) -> PathBuf {
        let ballast = self.at.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        for chunk in [64 << 10, 4 << 10, 512, 1] {
            while file.write_all(&vec![b'x'; chunk]).is_ok() {}
        }
        ballast
    }

    /// Nothing below `folder` can be written, made or removed any more, by open files neither.
    pub(crate) fn harden(folder: &Path, hard: bool) -> bool {
        works(Command::new("chattr").args(["-R", if hard { "+i" } else { "-i" }]).arg(folder))
    }

    /// Whoever writes waits.
    pub(crate) fn freeze(&mut self) -> bool {
        self.frozen = works(Command::new("fsfreeze").arg("-f").arg(&self.at));
        self.frozen
    }

    pub(crate) fn thaw(&mut self) {
        self.frozen = !works(Command::new("fsfreeze").arg("-u").arg(&self.at));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.frozen {
            self.thaw();
        }
        Self::harden(&self.at.join("data"), false);
        if !works(Command::new("umount").arg(&self.at)) {
            works(Command::new("umount").arg("-l").arg(&self.at));
        }
    }
}

fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

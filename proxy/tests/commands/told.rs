//! A command's answer.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) aside: String,
}

/// Runs `portalmeter` in a folder.
pub(crate) fn portalmeter(folder: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
    let output = command.current_dir(folder).args(args).env("NO_COLOR", "1").stdin(Stdio::null()).output().unwrap();
    Told {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        aside: String::from_utf8(output.stderr).unwrap(),
    }
}

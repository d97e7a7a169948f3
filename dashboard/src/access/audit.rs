//! Who did what and when: a line in the log, and one in a file that only we read and write.
//!
//! The file is opened for each batch of lines, so it may be moved away at any time, as by logrotate. It is written by a thread of its
//! own: no request waits for a disk.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use portalmeter_rules::time::Millis;
use serde::Serialize;

/// The file's name, in `data_dir`.
pub const AUDIT_FILE: &str = "audit.jsonl";

/// Takes down what people do.
pub(super) struct Audit {
    to: Option<Writer>,
}

/// The thread that writes.
struct Writer {
    /// Taken at the end.
    lines: Option<SyncSender<String>>,
    /// Says that all is written.
    done: Mutex<Receiver<()>>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    who: &'a str,
    how: &'a str,
    action: &'a str,
    detail: &'a str,
}

/// So many lines wait for a slow disk. Further ones are in the log alone, which says so.
const WAITING: usize = 1_024;
/// So long the end waits for a slow disk.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Longer texts are cut: who fails to log in may have sent anything as a name.
const LONGEST_NAME: usize = 64;
const LONGEST_DETAIL: usize = 1_024;

impl Audit {
    /// In the log alone.
    pub(super) fn nowhere() -> Self {
        Self { to: None }
    }

    /// Into this file as well.
    pub(super) fn to(file: PathBuf) -> Self {
        let (lines, waiting) = mpsc::sync_channel(WAITING);
        let (told, done) = mpsc::sync_channel(1);
        let write = move || {
            write_down(&file, &waiting);
            let _nobody_waits = told.try_send(());
        };
        match std::thread::Builder::new().name("audit".to_owned()).spawn(write) {
            Ok(_) => Self { to: Some(Writer { lines: Some(lines), done: Mutex::new(done) }) },
            Err(error) => {
                tracing::error!(%error, "the audit file is not written: there is no thread for it");
                Self::nowhere()
            }
        }
    }

    /// Takes down what somebody did.
    pub(super) fn note(&self, now: Millis, who: &str, how: &str, action: &'static str, detail: &str) {
        let (who, detail) = (cut(who, LONGEST_NAME), cut(detail, LONGEST_DETAIL));
        tracing::info!(target: "portalmeter::audit", who, how, action, detail, "somebody did something");
        let Some(lines) = self.to.as_ref().and_then(|to| to.lines.as_ref()) else { return };
        let time = Timestamp::from_millisecond(now).unwrap_or_default().to_string();
        let Ok(mut line) = serde_json::to_string(&Line { time, who, how, action, detail }) else { return };
        line.push('\n');
        match lines.try_send(line) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => tracing::error!("an audit line is in the log alone: the disk is too slow"),
            Err(TrySendError::Disconnected(_)) => tracing::error!("an audit line is in the log alone: nobody writes"),
        }
    }
}

/// What was taken down is written, if the disk lets it.
impl Drop for Audit {
    fn drop(&mut self) {
        let Some(to) = &mut self.to else { return };
        to.lines = None;
        let done = to.done.get_mut().unwrap_or_else(PoisonError::into_inner);
        if done.recv_timeout(LAST_WORDS).is_err() {
            tracing::error!("the last audit lines are in the log alone: the disk is too slow");
        }
    }
}

fn write_down(file: &Path, waiting: &Receiver<String>) {
    while let Ok(first) = waiting.recv() {
        let batch: String = std::iter::once(first).chain(waiting.try_iter().take(WAITING)).collect();
        if let Err(error) = append(file, &batch) {
            tracing::error!(file = %file.display(), %error, "audit lines are in the log alone");
        }
    }
}

fn append(file: &Path, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

fn cut(text: &str, longest: usize) -> &str {
    let end = text.char_indices().nth(longest).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_done_is_a_line_that_only_we_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(AUDIT_FILE);
        let audit = Audit::to(file.clone());
        audit.note(1_790_000_000_000, "ann", "session", "export", "usage of March\n{\"who\":\"bob\"}");
        audit.note(1_790_000_000_001, &"ü".repeat(1_000), "password", "login_failed", &"x".repeat(100_000));
        drop(audit);
        let text = fs::read_to_string(&file).unwrap();
        let [first, second] = text.lines().collect::<Vec<_>>().try_into().unwrap();
        let wanted = r#"{"time":"2026-09-21T14:13:20Z","who":"ann","how":"session","action":"export","detail":"usage of March\n{\"who\":\"bob\"}"}"#;
        assert_eq!(first, wanted);
        assert!(second.len() < 2_000, "{}", second.len());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn lines_go_on_in_a_new_file_when_the_old_one_is_moved_away() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(AUDIT_FILE);
        for name in ["first", "second"] {
            let audit = Audit::to(file.clone());
            audit.note(0, name, "token", "export", "");
            drop(audit);
            fs::rename(&file, dir.path().join(name)).unwrap();
        }
        assert!(fs::read_to_string(dir.path().join("second")).unwrap().contains("second"));
    }

    #[test]
    fn a_folder_that_is_not_there_keeps_nobody_waiting() {
        let audit = Audit::to(PathBuf::from("/nonexistent/audit.jsonl"));
        for _ in 0..3 * WAITING {
            audit.note(0, "ann", "token", "export", "");
        }
    }
}

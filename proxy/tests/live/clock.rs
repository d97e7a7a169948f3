//! Waiting for what has to come, and other people's clocks.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Nothing that has to come takes longer, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let asked = Instant::now();
    while !is_so() {
        assert!(asked.elapsed() < PATIENCE, "it did not come about that {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// A zone in which it is about noon, so that no midnight falls into a test.
pub(crate) fn noon() -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let ahead = 12 - i64::try_from(seconds / 3600 % 24).unwrap();
    // POSIX counts hours to the west.
    format!("Etc/GMT{:+}", -ahead)
}

/// Midnight is tested with Debian's faketime.
pub(crate) fn need_faketime() {
    let found = Command::new("faketime").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(found.is_ok(), "this test needs faketime: run `make test`, or `apt-get install faketime`");
}

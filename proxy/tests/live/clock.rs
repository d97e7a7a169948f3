//! Waiting for what has to come, and other people's clocks.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Nothing that has to come takes longer, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(1);

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

/// The environment of a program whose clock says another time at its start, in UTC, and then goes on.
///
/// That is done by Debian's faketime. It would stay between us and the program, and keep our signals; so
/// it is only asked where its library is.
pub(crate) fn beginning_at(time: &str) -> [(&'static str, String); 4] {
    let output = Command::new("faketime").args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]).output();
    let library = output.ok().filter(|output| output.status.success());
    let Some(library) = library.and_then(|output| String::from_utf8(output.stdout).ok()) else {
        panic!("this test needs faketime: run `make test`, or `apt-get install faketime`");
    };
    [
        ("LD_PRELOAD", library.trim().to_owned()),
        ("FAKETIME", format!("@{time}")),
        // Only the wall clock is another; timers go by the machine's.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("TZ", "UTC".to_owned()),
    ]
}

//! Waiting for what has to come, and other people's clocks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
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
pub(crate) fn beginning_at(time: &str) -> Vec<(&'static str, String)> {
    let mut faked = faked();
    faked.push(("FAKETIME", format!("@{time}")));
    faked
}

/// The environment of a program whose clock is ahead by so many seconds.
pub(crate) fn ahead_by(seconds: i64) -> Vec<(&'static str, String)> {
    let mut faked = faked();
    faked.push(("FAKETIME", format!("{seconds:+}")));
    faked
}

/// That is done by Debian's faketime. It would stay between us and the program, and keep our signals; so
/// it is only asked where its library is, once.
fn faked() -> Vec<(&'static str, String)> {
    static LIBRARY: OnceLock<String> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        // More than once, for it fails where an earlier process of its number left its shared memory behind.
        (0..5).find_map(|_| library()).unwrap_or_else(|| {
            panic!("this test needs faketime: run `make test`, or `apt-get install faketime`");
        })
    });
    vec![
        ("LD_PRELOAD", library.clone()),
        // Only the wall clock is another; timers go by the machine's.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("TZ", "UTC".to_owned()),
    ]
}

fn library() -> Option<String> {
    let output = Command::new("faketime").args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| path.trim().to_owned())
}

/// What faketime says when a process has the number of one that left its shared memory behind.
pub(crate) const TAKEN: &str = "libfaketime: In ft_shm_create()";

/// Takes away what faketime keeps for a process, which it cannot do itself when it is killed.
pub(crate) fn forget(process: u32) {
    for kept in [format!("faketime_shm_{process}"), format!("sem.faketime_sem_{process}")] {
        let _ = fs::remove_file(Path::new("/dev/shm").join(kept));
    }
}

/// The hands of a program's clock on 2026-03-12: it stands still until the test moves it, so that a
/// test has the law's two seconds and half hours to the millisecond and waits for none of them.
pub(crate) struct Hands {
    file: PathBuf,
    /// Milliseconds since midnight.
    now: Mutex<u64>,
}

impl Hands {
    /// It is nine in the morning. `folder` keeps the time.
    pub(crate) fn new(folder: &Path) -> Self {
        let hands = Self { file: folder.join("clock"), now: Mutex::new(9 * 3_600_000) };
        hands.pass(0);
        hands
    }

    /// Lets so many milliseconds pass.
    pub(crate) fn pass(&self, milliseconds: u64) {
        let mut now = self.now.lock().unwrap();
        *now += milliseconds;
        let (days, time) = (*now / 86_400_000, *now % 86_400_000);
        let day = jiff::civil::date(2026, 3, 12) + jiff::Span::new().days(i64::try_from(days).unwrap());
        let (hours, minutes, rest) = (time / 3_600_000, time / 60_000 % 60, time % 60_000);
        // Half a millisecond more, for it is read as a binary fraction.
        let said = format!("{day} {hours:02}:{minutes:02}:{:02}.{:03}5\n", rest / 1_000, rest % 1_000);
        let new = self.file.with_extension("new");
        fs::write(&new, said).unwrap();
        fs::rename(&new, &self.file).unwrap();
    }

    /// The environment of a program that looks at this clock.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut faked = faked();
        faked.push(("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap().to_owned()));
        faked.push(("FAKETIME_NO_CACHE", "1".to_owned()));
        faked
    }
}

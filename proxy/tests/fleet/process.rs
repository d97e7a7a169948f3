//! A process of the run's own: it gets signals by its id, and is gone with its value.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

/// Longer than anything takes on a machine that has other work to do.
const PATIENCE: Duration = Duration::from_mins(2);

/// Waits until something holds; fails with `what` if it never does.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Process {
    /// Starts it, its output going to the end of `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{} does not start ({error}): run `make test`, which installs it", command.get_program().display())
        });
        Self { child, log: log.to_owned() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // It is our child and was not waited for, so its id is nobody else's.
        let id = Pid::from_child(&self.child);
        kill_process(id, signal).unwrap();
    }

    /// The same to it and its children, which it may have several of; says which those are.
    pub(crate) fn signal_family(&self, signal: Signal) -> Vec<Pid> {
        self.signal(signal);
        let children = self.children();
        for child in &children {
            let _ = kill_process(*child, signal);
        }
        children
    }

    /// It and its children get what time others leave, as if it ran elsewhere. Niceness is not enough: who is nice ends
    /// its turn of some milliseconds first.
    pub(crate) fn yields(&self) {
        for process in self.children().into_iter().chain([Pid::from_child(&self.child)]) {
            let process = process.as_raw_nonzero().to_string();
            let _ = Command::new("chrt").args(["--all-tasks", "--idle", "--pid", "0", &process]).status();
        }
    }

    /// The cores' time that all its threads took.
    pub(crate) fn cpu(&self) -> Duration {
        let told = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // Behind the name, which may hold anything: the 14th and 15th of all, in hundredths of a second.
        let behind = told.rsplit(')').next().unwrap_or_default();
        let ticks = behind.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    fn children(&self) -> Vec<Pid> {
        let mine = self.child.id().to_string();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let children = processes.filter_map(|process| {
            let id = process.file_name().to_str()?.parse().ok()?;
            let status = fs::read_to_string(process.path().join("status")).ok()?;
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim();
            (parent == mine).then(|| Pid::from_raw(id)).flatten()
        });
        children.collect()
    }

    /// `kill -9`, and waits for its end.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it has ended.
    pub(crate) fn end(&mut self, what: &str) -> ExitStatus {
        let mut status = None;
        until(what, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The last lines of what it said.
    pub(crate) fn last_words(&self, lines: usize) -> String {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        let said: Vec<&str> = said.lines().collect();
        said[said.len().saturating_sub(lines)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

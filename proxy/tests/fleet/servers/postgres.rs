//! A Postgres server that is thrown away.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use postgres::{Client, NoTls};
use rustix::process::{Signal, kill_process};

use super::super::address::free_address;
use super::super::process::{Process, until};

/// One server, which may be stopped and started again on the same port and data.
#[derive(Debug)]
pub(crate) struct Postgres {
    pub(crate) address: SocketAddr,
    dir: PathBuf,
    programs: PathBuf,
    /// It refuses to run as root; then it is this user's and this group's.
    as_whom: Option<(u32, u32)>,
    running: Option<Process>,
}

impl Postgres {
    /// Starts one that keeps its data below `dir`.
    pub(crate) fn start(dir: &Path) -> Self {
        let address = free_address();
        let as_whom = rustix::process::geteuid().is_root().then(|| user("postgres"));
        // It walks there as another user.
        fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
        let dir = dir.join("postgres");
        fs::create_dir_all(&dir).unwrap();
        if let Some((user, group)) = as_whom {
            chown(&dir, Some(user), Some(group)).unwrap();
        }
        let mut postgres = Self { address, dir, programs: programs(), as_whom, running: None };
        let mut make = postgres.command("initdb");
        // What is written survives all that is done here but a power failure.
        make.args(["--no-sync", "--auth=trust", "--username=meter", "--encoding=UTF8", "--locale=C", "-D"]);
        make.arg(postgres.dir.join("data"));
        let made = make.output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        postgres.start_again();
        postgres
    }

    /// Starts it on what it left, and waits until it has recovered.
    pub(crate) fn start_again(&mut self) {
        let mut command = self.command("postgres");
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        command.arg("-D").arg(self.dir.join("data")).args(["-h", &host, "-p", &port, "-k", "", "-F"]);
        self.running = Some(Process::start(&mut command, &self.dir.join("log")));
        until("Postgres starts", || {
            let running = self.running.as_mut().unwrap();
            assert!(!running.has_ended(), "Postgres ended at its start: {}", running.last_words(20));
            self.connect().is_some()
        });
    }

    /// Ends it: `Signal::INT` is a fast shutdown, `Signal::QUIT` an immediate one, after which it has to recover.
    pub(crate) fn stop(&mut self, signal: Signal) {
        if let Some(mut running) = self.running.take() {
            running.signal(signal);
            running.end("Postgres ends");
        }
    }

    /// It gets what time others leave.
    pub(crate) fn yields(&self) {
        self.running.iter().for_each(Process::yields);
    }

    /// It does nothing for a while.
    pub(crate) fn pause(&self, away: Duration) {
        let Some(running) = &self.running else { return };
        let paused = running.signal_family(Signal::STOP);
        std::thread::sleep(away);
        // Those that were paused, children it has lost included.
        running.signal(Signal::CONT);
        for process in paused {
            let _ = kill_process(process, Signal::CONT);
        }
    }

    /// Where the ledger is, by this way.
    pub(crate) fn url(through: SocketAddr) -> String {
        format!("postgres://meter@{through}/postgres?sslmode=disable")
    }

    pub(crate) fn connect(&self) -> Option<Client> {
        Client::connect(&format!("{}&connect_timeout=20", Self::url(self.address)), NoTls).ok()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        if let Some((user, group)) = self.as_whom {
            command.uid(user).gid(group);
        }
        command.current_dir(&self.dir);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Killed, it would leave its shared memory behind.
        self.stop(Signal::QUIT);
    }
}

/// Debian has them beside each other, by version.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    found.max().unwrap_or_default()
}

fn user(name: &str) -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let mut numbers = line.into_iter().flat_map(|line| line.split(':').skip(1).take(2)).filter_map(|n| n.parse().ok());
    numbers.next().zip(numbers.next()).expect("there is a user postgres: run `make test`, which installs it")
}

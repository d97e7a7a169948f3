//! A `portalmeter run` of the test's own: started, asked, killed, started again.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::wire::{Answer, Wire};

#[path = "../support/address.rs"]
mod address;

pub(crate) use address::free_address;

/// Where one is, and how it is configured; what it keeps outlives each process.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) config: PathBuf,
    pub(crate) proxy: SocketAddr,
    pub(crate) admin: SocketAddr,
    log: PathBuf,
}

/// A running process, killed at the latest when it is dropped.
pub(crate) struct Running {
    pub(crate) setup: Setup,
    child: Child,
}

/// What has been counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) guest: i64,
    pub(crate) external: i64,
    pub(crate) internal: i64,
    pub(crate) bot: i64,
    pub(crate) page_views: i64,
}

impl Counted {
    pub(crate) fn guests(guest: i64) -> Self {
        Self { guest, page_views: guest, ..Self::default() }
    }

    pub(crate) fn externals(external: i64) -> Self {
        Self { external, page_views: external, ..Self::default() }
    }
}

/// Longer than anything takes on a machine that has other work to do.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

/// Waits until something holds; fails with `what` if it never does.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(POLL);
    }
}

/// How a setup differs from the plainest one.
pub(crate) struct Options<'o> {
    pub(crate) upstream: SocketAddr,
    pub(crate) data_dir: &'o Path,
    pub(crate) trusted: &'o str,
    pub(crate) drain: &'o str,
    pub(crate) max_wait: &'o str,
    pub(crate) hosts: &'o str,
    pub(crate) server: &'o str,
    /// Lines of the journal's table.
    pub(crate) journal: &'o str,
    /// The upstream as it is written, if not by its address.
    pub(crate) named: &'o str,
    pub(crate) also: &'o str,
    /// Configuration behind the portal's own lines.
    pub(crate) portal: &'o str,
}

impl<'o> Options<'o> {
    pub(crate) fn of(upstream: SocketAddr, data_dir: &'o Path) -> Self {
        Self {
            upstream,
            data_dir,
            trusted: "127.0.0.0/8",
            drain: "5s",
            max_wait: "20ms",
            hosts: "*",
            server: "",
            journal: "",
            named: "",
            also: "",
            portal: "",
        }
    }
}

impl Setup {
    /// Writes the configuration into `dir`.
    pub(crate) fn new(dir: &Path, options: &Options<'_>) -> Self {
        let (proxy, admin) = (free_address(), free_address());
        let Options { upstream, data_dir, trusted, drain, max_wait, hosts, server, journal, named, also, portal } =
            options;
        let upstream = if named.is_empty() { upstream.to_string() } else { (*named).to_owned() };
        let also = if also.is_empty() { String::new() } else { format!(", \"{also}\"") };
        let text = format!(
            "data_dir = \"{}\"\n\
             [server]\nlisten = [\"{proxy}\"]\nthreads = 2\ntrusted_proxies = [\"{trusted}\"]\ndrain = \"{drain}\"\n{server}\n\
             [admin]\nlisten = \"{admin}\"\n\
             [journal]\nmax_wait = \"{max_wait}\"\n{journal}\n\
             [[portal]]\nname = \"help\"\nexperience = \"service_portal\"\nhosts = [\"{hosts}\"]\n\
             upstream = [\"http://{upstream}\"{also}]\n{portal}\n",
            data_dir.display()
        );
        let config = dir.join("portalmeter.toml");
        fs::write(&config, text).unwrap();
        Self { config, proxy, admin, log: dir.join("log") }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
        command.arg("run").arg("--config").arg(&self.config).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    /// Starts it without waiting for anything.
    pub(crate) fn spawn(&self) -> Running {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let child = self.command().stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Running { setup: self.clone(), child }
    }

    /// Starts it, and waits until it is ready and takes visitors.
    pub(crate) fn start(&self) -> Running {
        let mut running = self.spawn();
        until("it starts", || {
            assert!(!running.has_ended(), "it ended at its start: {}", self.log());
            running.readiness().is_some() && Wire::to(self.proxy).is_ok()
        });
        running
    }

    /// Runs it to its end, which is to come by itself; exit code and standard error.
    pub(crate) fn run_to_the_end(&self) -> (Option<i32>, String) {
        let output = self.command().output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// What the ledger holds, by `report`.
    pub(crate) fn counted(&self) -> Counted {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
        command.args(["report", "--from", "yesterday", "--to", "2999-01-01", "--output", "json", "--config"]);
        let output = command.arg(&self.config).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let total = |name: &str| report["totals"][name].as_i64().unwrap_or_default();
        Counted {
            guest: total("guest"),
            external: total("external"),
            internal: total("internal"),
            bot: total("bot"),
            page_views: total("page_views"),
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Running {
    fn admin(&self, path: &str) -> Option<Answer> {
        let asked = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        Wire::to(self.setup.admin).ok()?.ask(asked.as_bytes()).ok()
    }

    /// What `/readyz` says: status code, and its document.
    pub(crate) fn readiness(&self) -> Option<(u16, Value)> {
        let answer = self.admin("/readyz")?;
        Some((answer.status, serde_json::from_slice(&answer.body).ok()?))
    }

    /// Whether it calls itself degraded for this reason, and still takes traffic.
    pub(crate) fn is_degraded_by(&self, what: &str) -> bool {
        let Some((code, said)) = self.readiness() else { return false };
        let problems = said["problems"].as_array().cloned().unwrap_or_default();
        code == 200 && said["status"] == "degraded" && problems.iter().any(|problem| problem["what"] == what)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.readiness().is_some_and(|(code, said)| code == 200 && said["status"] == "ready")
    }

    /// A metric's value, by its name behind `portalmeter_`, labels and all.
    pub(crate) fn metric(&self, name: &str) -> i64 {
        let text = String::from_utf8(self.admin("/metrics").unwrap().body).unwrap();
        let value = |line: &str| -> Option<i64> {
            let rest = line.strip_prefix("portalmeter_")?.strip_prefix(name)?;
            rest.starts_with([' ', '{']).then(|| rest.rsplit(' ').next()?.parse().ok())?
        };
        text.lines().filter_map(value).sum()
    }

    /// What is counted once nothing waits any more.
    pub(crate) fn settled(&self) -> Counted {
        until("nothing waits", || self.metric("commit_backlog") == 0);
        self.setup.counted()
    }

    /// Memory that it holds, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Whether it holds a file open whose path ends so.
    pub(crate) fn has_open(&self, file: &str) -> bool {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id())).into_iter().flatten().flatten();
        open.filter_map(|open| fs::read_link(open.path()).ok()).any(|path| path.ends_with(file))
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits for its end; how it ended, and how long that took.
    pub(crate) fn end(mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        until("it ends", || self.has_ended());
        (self.child.wait().unwrap(), begun.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the log:\n{}", self.setup.log());
        }
    }
}

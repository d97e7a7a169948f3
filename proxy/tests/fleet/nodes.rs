//! The nodes: `portalmeter run` several times over, each with data of its own, before one portal.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::address::free_address;
use super::clock;
use super::plan;
use super::process::{Process, until};

/// How the nodes of a fleet are configured.
#[derive(Debug, Clone)]
pub(crate) struct Settings<'s> {
    pub(crate) dir: &'s Path,
    pub(crate) program: &'s Path,
    pub(crate) upstream: SocketAddr,
    pub(crate) zone: &'s str,
    /// How a node reaches them; it may have a way of its own.
    pub(crate) store: String,
    pub(crate) ledger: String,
    /// Its clock is ahead by so many seconds, or behind.
    pub(crate) ahead: i64,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) listen: SocketAddr,
    pub(crate) dir: PathBuf,
    admin: SocketAddr,
    program: PathBuf,
    ahead: i64,
    running: Mutex<Option<Process>>,
}

impl Node {
    /// Configures node `number`, and starts it.
    pub(crate) fn start(number: usize, settings: &Settings<'_>) -> Self {
        let dir = settings.dir.join(format!("node-{number}"));
        fs::create_dir_all(&dir).unwrap();
        let (listen, admin) = (free_address(), free_address());
        // They share it, or none would know the other's cookies. A busy disk must not decide what is known: pages wait
        // for the journal as long as it takes.
        let secret = settings.dir.join("secret");
        if !secret.exists() {
            fs::write(&secret, "a secret of thirty-two bytes, yes").unwrap();
        }
        let Settings { upstream, zone, store, ledger, .. } = settings;
        let mut text = format!(
            "data_dir = \"data\"\nsecret = {{ file = \"{}\" }}\n\
             [server]\nlisten = [\"{listen}\"]\nthreads = 1\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
             [admin]\nlisten = \"{admin}\"\n[store]\nurl = \"{store}\"\n[journal]\nmax_wait = \"10s\"\n\
             [ledger]\nurl = \"{ledger}\"\n\
             [flush]\ninterval = \"1s\"\nfiles = {{ dir = \"usage\", formats = [\"csv\", \"jsonl\"] }}\n",
            secret.display()
        );
        for portal in plan::ALL {
            text.push_str(&portal.configured(*upstream, zone));
        }
        fs::write(dir.join("portalmeter.toml"), text).unwrap();
        let (program, ahead) = (settings.program.to_owned(), settings.ahead);
        let node = Self { listen, dir, admin, program, ahead, running: Mutex::default() };
        node.start_again();
        node
    }

    /// The cores' time that it took since it was started.
    pub(crate) fn cpu(&self) -> Duration {
        self.running.lock().unwrap().as_ref().map(Process::cpu).unwrap_or_default()
    }

    /// Starts it on what it left, without waiting for anything.
    pub(crate) fn spawn(&self) {
        let mut command = self.command("run");
        command.env("RUST_LOG", "info");
        if self.ahead != 0 {
            command.envs(clock::ahead_by(self.ahead));
        }
        *self.running.lock().unwrap() = Some(Process::start(&mut command, &self.dir.join("log")));
    }

    /// Starts it on what it left, and waits until it takes visitors.
    pub(crate) fn start_again(&self) {
        self.spawn();
        until("a node is ready", || {
            let mut running = self.running.lock().unwrap();
            let process = running.as_mut().unwrap();
            if process.has_ended() {
                let said = process.last_words(40);
                assert!(said.contains(clock::TAKEN), "a node ended at its start: {said}");
                drop(running);
                self.spawn();
                return false;
            }
            drop(running);
            self.admin("/readyz").is_some_and(|(status, _)| status == 200) && TcpStream::connect(self.listen).is_ok()
        });
    }

    /// `node-0` and so on.
    pub(crate) fn name(&self) -> String {
        self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// `kill -9`.
    pub(crate) fn kill(&self) {
        let Some(mut running) = self.running.lock().unwrap().take() else { return };
        running.kill();
        if self.ahead != 0 {
            clock::forget(running.id());
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(running) = &*self.running.lock().unwrap() {
            running.signal(signal);
        }
    }

    /// Asks it to end, and waits for it.
    pub(crate) fn end(&self) {
        self.signal(Signal::TERM);
        let Some(mut running) = self.running.lock().unwrap().take() else { return };
        let status = running.end("a node ends");
        assert!(status.success(), "a node ended with {status}: {}", running.last_words(40));
    }

    /// A metric's value, by its name behind `portalmeter_`, the sum over all labels; none if it does not answer.
    pub(crate) fn metric(&self, name: &str) -> Option<i64> {
        let (_, text) = self.admin("/metrics")?;
        let value = |line: &str| -> Option<i64> {
            let rest = line.strip_prefix("portalmeter_")?.strip_prefix(name)?;
            rest.starts_with([' ', '{']).then(|| rest.rsplit(' ').next()?.parse().ok())?
        };
        Some(text.lines().filter_map(value).sum())
    }

    /// What `report` says of the days from `from` to the day before `to`.
    pub(crate) fn report(&self, from: &str, to: &str) -> Value {
        let mut command = self.command("report");
        command.args(["--from", from, "--to", to, "--output", "json"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "report: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The lines of its log that are more than information.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let alarming = |line: &&str| line.contains("WARN") || line.contains("ERROR") || line.contains("panicked");
        log.lines().filter(alarming).map(str::to_owned).collect()
    }

    fn command(&self, word: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(word).arg("--config").arg(self.dir.join("portalmeter.toml")).env("NO_COLOR", "1");
        command
    }

    fn admin(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.admin).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

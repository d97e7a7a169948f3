//! Redis servers that are thrown away: alone with an AOF synced every second, with a replica, or a cluster.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use redis::{Client, Connection, cmd};
use rustix::process::Signal;

use super::super::address::free_address;
use super::super::process::{Process, until};

/// One `redis-server`, which may be killed and started again on the same port and data.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) address: SocketAddr,
    dir: PathBuf,
    more: Vec<String>,
    running: Option<Process>,
}

impl Redis {
    /// Starts one that keeps its data below `dir`.
    pub(crate) fn start(dir: &Path, more: &[&str]) -> Self {
        let address = free_address();
        let dir = dir.join(format!("redis-{}", address.port()));
        fs::create_dir_all(&dir).unwrap();
        let more = more.iter().map(|&word| word.to_owned()).collect();
        let mut redis = Self { address, dir, more, running: None };
        redis.start_again();
        redis
    }

    /// Starts it on what it left, and waits until it has read that.
    pub(crate) fn start_again(&mut self) {
        self.spawn();
        until("Redis starts", || {
            let running = self.running.as_mut().unwrap();
            assert!(!running.has_ended(), "Redis ended at its start: {}", running.last_words(20));
            self.ask(&cmd("PING")).is_some_and(|pong: String| pong == "PONG")
        });
    }

    fn spawn(&mut self) {
        let mut command = Command::new("redis-server");
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        command.args(["--bind", &host, "--port", &port, "--save", "", "--appendonly", "yes", "--dir"]).arg(&self.dir);
        command.args(["--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]).args(&self.more);
        // One loopback address looks like another to a cluster.
        command.args(["--cluster-announce-ip", &host]);
        // Nobody outside can reach it, and a replica is to begin at once.
        command.args(["--protected-mode", "no", "--repl-diskless-sync-delay", "0"]);
        self.running = Some(Process::start(&mut command, &self.dir.join("log")));
    }

    /// It gets what time others leave.
    pub(crate) fn yields(&self) {
        self.running.iter().for_each(Process::yields);
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(running) = &self.running {
            running.signal(signal);
        }
    }

    /// How long its append-only file is by now; and where the part that grows is.
    fn tail(&self) -> Option<(PathBuf, u64)> {
        let files = fs::read_dir(self.dir.join("appendonlydir")).ok()?.flatten();
        let grows = files.map(|file| file.path()).filter(|path| path.to_string_lossy().ends_with(".incr.aof"));
        let file = grows.max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok())?;
        let length = file.metadata().ok()?.len();
        Some((file, length))
    }

    /// The power fails: what was appended while `meanwhile` ran, a second at most, is not on the disk.
    pub(crate) fn lose_what_comes(&mut self, meanwhile: impl FnOnce()) {
        let before = self.tail();
        meanwhile();
        self.kill();
        let Some((file, length)) = before else { return };
        // Unless the file was rewritten meanwhile, and begins anew.
        if let Ok(file) = fs::OpenOptions::new().write(true).open(file) {
            file.set_len(length).unwrap();
        }
    }

    pub(crate) fn connect(&self) -> Option<Connection> {
        let client = Client::open(format!("redis://{}", self.address)).unwrap();
        let connection = client.get_connection_with_timeout(std::time::Duration::from_secs(1)).ok()?;
        connection.set_read_timeout(Some(std::time::Duration::from_secs(20))).ok()?;
        Some(connection)
    }

    /// Asks it on a connection of its own.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        command.query(&mut self.connect()?).ok()
    }

    /// Makes it the replica of another, which it reaches by `through`.
    pub(crate) fn follow(&self, through: SocketAddr) {
        let (host, port) = (through.ip().to_string(), through.port());
        self.ask::<String>(cmd("REPLICAOF").arg(host).arg(port)).expect("Redis follows another");
    }

    /// Whether it has all that the one it follows had a moment ago.
    pub(crate) fn is_following(&self) -> bool {
        let said: Option<String> = self.ask(cmd("INFO").arg("replication"));
        said.is_some_and(|said| said.contains("master_link_status:up"))
    }

    /// From now on it follows nobody.
    pub(crate) fn lead(&self) {
        self.ask::<String>(cmd("REPLICAOF").arg("NO").arg("ONE")).expect("Redis follows nobody");
    }
}

/// A cluster of three primaries.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) primaries: Vec<Redis>,
}

const SLOTS: u32 = 16_384;

impl Cluster {
    pub(crate) fn start(dir: &Path) -> Self {
        // They speak to each other on ports of their own: ours and ten thousand more need not exist.
        let among: Vec<String> = (0..3).map(|_| free_address().port().to_string()).collect();
        let alone = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port"];
        let primaries: Vec<Redis> =
            among.iter().map(|port| Redis::start(dir, &[&alone[..], &[port.as_str()]].concat())).collect();
        let share = SLOTS.div_ceil(3);
        for (number, primary) in (0..).zip(&primaries) {
            let (from, to) = (number * share, ((number + 1) * share).min(SLOTS) - 1);
            primary.ask::<String>(cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(from).arg(to)).expect("slots are given out");
            let first = primaries[0].address;
            let mut meet = cmd("CLUSTER");
            meet.arg("MEET").arg(first.ip().to_string()).arg(first.port()).arg(&among[0]);
            primary.ask::<String>(&meet).expect("they meet");
        }
        until("the cluster is whole", || {
            primaries.iter().all(|primary| {
                let said: Option<String> = primary.ask(cmd("CLUSTER").arg("INFO"));
                said.is_some_and(|said| said.contains("cluster_state:ok") && said.contains("cluster_known_nodes:3"))
            })
        });
        Self { primaries }
    }
}

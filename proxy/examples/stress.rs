//! How an honest visitor fares while others misbehave: quiet and loud rounds in turn, one table.
//!
//! `make stress`; or `cargo run --release -p portalmeter --example stress -- [SECONDS A ROUND] [ROUNDS]` beside a
//! built `target/release/portalmeter`. The crowd has idle priority: it shall load the proxy, not the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement fails by panicking")]
#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

const HONEST: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36";
/// The honest visitor asks so often.
const EVERY: Duration = Duration::from_millis(5);

/// Who misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crowd {
    Nobody,
    Slowloris,
    Idle,
    NewVisitors,
    Agents,
}

impl Crowd {
    const LOUD: [Self; 4] = [Self::Slowloris, Self::Idle, Self::NewVisitors, Self::Agents];

    fn words(self) -> &'static str {
        match self {
            Self::Nobody => "nobody else",
            Self::Slowloris => "1,000 connections that send a byte of a head each 200 ms",
            Self::Idle => "2,000 connections that asked once and stay",
            Self::NewVisitors => "2,000 new visitors a second, each from an address of its own, without cookies",
            Self::Agents => "2,000 User-Agents a second that nobody sent before",
        }
    }

    fn begin(self, proxy: SocketAddr, numbers: &Arc<AtomicU64>, over: &Arc<AtomicBool>) -> JoinSet<()> {
        let mut crowd = JoinSet::new();
        match self {
            Self::Nobody => {}
            Self::Slowloris => (0..1_000).for_each(|_| drop(crowd.spawn(slowloris(proxy)))),
            Self::Idle => (0..2_000).for_each(|_| drop(crowd.spawn(stays(proxy)))),
            // Several connections in turn, so that none waits for the one before.
            Self::NewVisitors | Self::Agents => {
                for turn in 0..8 {
                    let (numbers, over) = (Arc::clone(numbers), Arc::clone(over));
                    let turn = Instant::now() + Duration::from_micros(500 * turn);
                    crowd.spawn_blocking(move || flood(proxy, self, &numbers, turn, &over));
                }
            }
        }
        crowd
    }
}

fn get(visitor: u64, agent: &str, cookie: &str) -> String {
    let [_, _, _, _, _, a, b, c] = visitor.to_be_bytes();
    format!(
        "GET /page HTTP/1.1\r\nHost: help.example\r\nX-Forwarded-For: 30.{a}.{b}.{c}\r\nUser-Agent: {agent}\r\n\
         Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-GB,en;q=0.8\r\nSec-Fetch-Dest: document\r\n\
         {cookie}\r\n"
    )
}

/// Asks, and reads the answer.
async fn ask(stream: &mut TcpStream, request: &str) -> std::io::Result<()> {
    stream.write_all(request.as_bytes()).await?;
    let mut read = Vec::with_capacity(2_048);
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if head_of(&read).is_some() {
            return Ok(());
        }
    }
}

async fn slowloris(proxy: SocketAddr) {
    loop {
        let Ok(mut stream) = TcpStream::connect(proxy).await else { return };
        for byte in get(1, HONEST, "").bytes() {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn stays(proxy: SocketAddr) {
    loop {
        let Ok(mut stream) = TcpStream::connect(proxy).await else { return };
        let _ = ask(&mut stream, &get(2, HONEST, "")).await;
        let _ = stream.read(&mut [0; 1]).await;
    }
}

/// Asks each 4 ms, on a thread of its own: the runtime's clock ticks in milliseconds, and would send all at once.
fn flood(proxy: SocketAddr, crowd: Crowd, numbers: &AtomicU64, mut turn: Instant, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = std::net::TcpStream::connect(proxy) else { return };
        let _ = stream.set_nodelay(true);
        while !over.load(Ordering::Relaxed) {
            turn = Instant::now().max(turn + Duration::from_millis(4));
            std::thread::sleep(turn.saturating_duration_since(Instant::now()));
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let request = if crowd == Crowd::NewVisitors {
                get(number, HONEST, "")
            } else {
                let agent = format!(
                    "Mozilla/5.0 (Linux; Android 14; Model-{number:x}) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/138.0.{}.{} Mobile Safari/537.36",
                    number % 9_000,
                    number % 200
                );
                get(3, &agent, "")
            };
            if wait_for(&mut stream, &request).is_err() {
                break;
            }
        }
    }
}

/// The honest visitor's waiting times in a round.
fn honest(proxy: SocketAddr, round: Duration) -> Vec<Duration> {
    let mut stream = std::net::TcpStream::connect(proxy).unwrap();
    stream.set_nodelay(true).unwrap();
    let head = wait_for(&mut stream, &get(9, HONEST, "")).unwrap();
    let cookie =
        head.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).and_then(|line| line.split(';').next());
    let cookie = cookie.map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
    let request = get(9, HONEST, &cookie);
    let (begun, mut waits) = (Instant::now(), Vec::new());
    while begun.elapsed() < round {
        std::thread::sleep(EVERY);
        let asked = Instant::now();
        wait_for(&mut stream, &request).unwrap();
        waits.push(asked.elapsed());
    }
    waits
}

/// Asks, and reads the answer; its head.
fn wait_for(stream: &mut std::net::TcpStream, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let (mut read, mut some) = (Vec::new(), [0; 4_096]);
    loop {
        let more = stream.read(&mut some)?;
        if more == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&some[..more]);
        if let Some(head) = head_of(&read) {
            return Ok(head);
        }
    }
}

/// The head of an answer that is whole.
fn head_of(read: &[u8]) -> Option<String> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")?;
    (read.len() >= end + 4 + PAGE.len()).then(|| String::from_utf8_lossy(&read[..end]).into_owned())
}

const PAGE: &str = "<html><title>page</title></html>";

async fn portal(listener: TcpListener) {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len());
    let answer: Arc<str> = answer.into();
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = Arc::clone(&answer);
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let mut read = Vec::new();
            while stream.read_buf(&mut read).await.is_ok_and(|read| read > 0) {
                while let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                    read.drain(..end + 4);
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
}

struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Proxy {
    fn start(dir: &Path, listen: SocketAddr, admin: SocketAddr, upstream: SocketAddr) -> Self {
        let config = dir.join("portalmeter.toml");
        let text = format!(
            "data_dir = \"data\"\n[server]\nlisten = [\"{listen}\"]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
             [admin]\nlisten = \"{admin}\"\n[[portal]]\nname = \"help\"\nhosts = [\"*\"]\nupstream = [\"http://{upstream}\"]\n"
        );
        std::fs::write(&config, text).unwrap();
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/portalmeter");
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(&config);
        Self(command.env("RUST_LOG", "error").stdout(Stdio::null()).spawn().unwrap())
    }

    /// Resident memory, in MiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }
}

fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn percentile(sorted: &[Duration], percent: usize) -> u128 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)].as_micros()
}

fn main() {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let round = Duration::from_secs(words.next().unwrap_or(10));
    let rounds = words.next().unwrap_or(5);
    let dir = tempfile::tempdir().unwrap();
    let (listen, admin, upstream) = (free(), free(), free());
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { portal(TcpListener::bind(upstream).await.unwrap()).await });
    });
    // The crowd must not keep the proxy, the honest visitor and the portal from the cores that they share here.
    let yielding = || {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle).unwrap();
    };
    let crowds = Builder::new_multi_thread().worker_threads(2).on_thread_start(yielding).enable_all().build().unwrap();
    let proxy = Proxy::start(dir.path(), listen, admin, upstream);
    while std::net::TcpStream::connect(listen).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    honest(listen, Duration::from_secs(2));
    println!("rounds of {} s, µs an honest visitor waits; quiet and loud in turn", round.as_secs());
    let numbers = Arc::new(AtomicU64::new(1_000_000));
    for crowd in Crowd::LOUD {
        let (mut quiet, mut loud, mut most) = (Vec::new(), Vec::new(), 0);
        for _ in 0..rounds {
            for (crowd, waits) in [(Crowd::Nobody, &mut quiet), (crowd, &mut loud)] {
                let over = Arc::new(AtomicBool::new(false));
                let mut others = {
                    let _within = crowds.enter();
                    crowd.begin(listen, &numbers, &over)
                };
                std::thread::sleep(Duration::from_secs(1));
                waits.extend(honest(listen, round));
                most = most.max(proxy.memory());
                over.store(true, Ordering::Relaxed);
                crowds.block_on(others.shutdown());
            }
        }
        quiet.sort_unstable();
        loud.sort_unstable();
        let mut line = String::new();
        for (name, percent) in [("p50", 50), ("p99", 99)] {
            let (before, with) = (percentile(&quiet, percent), percentile(&loud, percent));
            let _ = write!(line, "{name} {before} -> {with} ({:.2}x)  ", with as f64 / before as f64);
        }
        println!("{}\n    {line} memory at most {most} MiB", crowd.words());
    }
    println!("{} requests of the crowds that flood", numbers.load(Ordering::Relaxed) - 1_000_000);
}

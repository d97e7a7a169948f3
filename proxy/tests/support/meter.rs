//! `portalmeter run` before a portal, and what it has counted.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::clock::{self, Hands};
use super::usage::{self, Usage};

/// How it runs.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) experience: &'static str,
    pub(crate) idle: &'static str,
    /// How browsers are told apart: lines of a `[[portal]]`.
    pub(crate) visitor: &'static str,
    /// Further lines of `[portal.pages]`.
    pub(crate) pages: &'static str,
    pub(crate) time: Time,
}

/// What its clock says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Time {
    /// The machine's, in a zone where it is noon.
    Machine,
    /// This time in UTC at the start, and then it goes on.
    From(&'static str),
    /// What [`Meter::pass`] makes of it.
    Stands,
}

/// A running meter, which is gone with its value.
pub(crate) struct Meter {
    pub(crate) address: SocketAddr,
    /// Where a page is.
    pub(crate) home: &'static str,
    settings: Settings,
    hands: Option<Hands>,
    folder: TempDir,
    admin: SocketAddr,
    running: Mutex<Child>,
}

/// Requests in flight get this long at the end.
const DRAIN: Duration = Duration::from_secs(8);
/// To commit and write out, on a busy machine.
const FINISH: Duration = Duration::from_secs(10);

impl Settings {
    /// An experience as it is.
    pub(crate) fn new(experience: &'static str) -> Self {
        Self { experience, idle: "30m", visitor: "", pages: "", time: Time::Machine }
    }

    fn days(&self) -> Vec<&'static str> {
        match self.time {
            Time::Machine => vec!["--day", "today"],
            Time::From(_) | Time::Stands => vec!["--month", "2026-03"],
        }
    }
}

impl Meter {
    /// Starts one, and waits until it is ready.
    pub(crate) fn start(portal: SocketAddr, settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [address, admin] = free();
        let embedded = settings.experience == "web_embeddables";
        let zone = if matches!(settings.time, Time::Machine) { clock::noon() } else { "UTC".to_owned() };
        let module = if embedded { "module = \"/embed/{module}/**\"" } else { "" };
        let Settings { experience, idle, visitor, pages, .. } = settings;
        let text = format!(
            "data_dir = \"data\"\n[server]\nlisten = [\"{address}\"]\nthreads = 1\ndrain = \"{}s\"\n\
             [admin]\nlisten = \"{admin}\"\n[flush]\ninterval = \"200ms\"\n\
             [[portal]]\nname = \"support\"\nexperience = \"{experience}\"\nhosts = [\"localhost\"]\n\
             upstream = [\"http://{portal}\"]\ntimezone = \"{zone}\"\nsession.idle_timeout = \"{idle}\"\n\
             identity = [{{ kind = \"response_header\", header = \"X-Signed-In\", external = \"true\", \
             guest = \"false\", user = \"X-User\", account = \"X-Company\" }}]\n{visitor}\n\
             [portal.pages]\nlogin = [\"/login*\"]\nlogout = [\"/logout\"]\n{module}\n{pages}\n",
            DRAIN.as_secs(),
        );
        fs::write(folder.path().join("portalmeter.toml"), text).unwrap();
        let home = if embedded { "/embed/chat" } else { "/" };
        let hands = matches!(settings.time, Time::Stands).then(|| Hands::new(folder.path()));
        let running = Mutex::new(run(&folder, settings.time, hands.as_ref()));
        let meter = Self { address, home, settings: settings.clone(), hands, folder, admin, running };
        meter.wait_until_ready();
        meter
    }

    /// The same again, after it ended, on what it left.
    pub(crate) fn start_again(self) -> Self {
        *self.running.lock().unwrap() = run(&self.folder, self.settings.time, self.hands.as_ref());
        self.wait_until_ready();
        self
    }

    /// Lets so many milliseconds pass on a clock that stands.
    pub(crate) fn pass(&self, milliseconds: u64) {
        self.hands.as_ref().expect("a clock that stands").pass(milliseconds);
    }

    /// Waits until so many pages were seen; then exactly so many sessions are billable.
    pub(crate) fn has(&self, page_views: i64, billable: i64) {
        let usage = self.has_usage(|usage| usage.page_views >= page_views);
        assert_eq!((usage.page_views, usage.billable), (page_views, billable), "pages and billable sessions");
    }

    /// Waits until the report says so.
    pub(crate) fn has_usage(&self, is_so: impl Fn(&Usage) -> bool) -> Usage {
        let mut usage = self.usage();
        clock::until(&format!("the report is as expected; it says {usage:?}"), || {
            usage = self.usage();
            is_so(&usage)
        });
        usage
    }

    /// What was counted on a day.
    pub(crate) fn usage_of(&self, day: &str) -> Usage {
        usage::report(&self.config(), &["--day", day])
    }

    /// Changes what its configuration says, which it hears of at the next hang-up or start.
    pub(crate) fn write(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(from), "no `{from}` in {text}");
        fs::write(self.config(), text.replace(from, to)).unwrap();
    }

    /// Asks it to read its configuration again.
    pub(crate) fn hang_up(&self) {
        let id = self.running.lock().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }

    /// A metric's value, by its name behind `portalmeter_`.
    pub(crate) fn metric(&self, name: &str) -> Option<i64> {
        let text = self.admin("/metrics")?;
        let line =
            text.lines().find_map(|line| line.strip_prefix("portalmeter_")?.strip_prefix(name)?.strip_prefix(' '));
        line?.parse().ok()
    }

    /// Of each row of a day, whose midnight it is and whether it is sealed.
    pub(crate) fn standing_of(&self, day: &str) -> Vec<String> {
        usage::standing(&self.config(), day)
    }

    /// What `recount` finds amiss in March.
    pub(crate) fn recount(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
        let output = command.args(["recount", "--month", "2026-03", "--config"]).arg(self.config()).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    /// Asks it to end, which it does in time; and what was counted in the end.
    pub(crate) fn end(&self) -> Usage {
        let mut running = self.running.lock().unwrap();
        let asked = Instant::now();
        let told = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
        assert!(told.success());
        let mut status = None;
        clock::until("the meter ends", || {
            status = running.try_wait().unwrap();
            status.is_some()
        });
        assert!(status.unwrap().success(), "it ended with {status:?}: {}", self.log());
        assert!(asked.elapsed() < DRAIN + FINISH, "it took {:?} to end", asked.elapsed());
        drop(running);
        self.usage()
    }

    fn usage(&self) -> Usage {
        usage::report(&self.config(), &self.settings.days())
    }

    /// Where its ledger is.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("portalmeter.toml")
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn wait_until_ready(&self) {
        clock::until("the meter is ready", || {
            let mut running = self.running.lock().unwrap();
            if let Some(status) = running.try_wait().unwrap() {
                let log = self.log();
                assert!(log.contains(clock::TAKEN), "the meter ended with {status}: {log}");
                *running = run(&self.folder, self.settings.time, self.hands.as_ref());
            }
            self.is_ready()
        });
    }

    fn is_ready(&self) -> bool {
        let ready = self.admin("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200 "));
        ready && TcpStream::connect(self.address).is_ok()
    }

    /// What its API says, once it says it well.
    pub(crate) fn api(&self, path: &str) -> serde_json::Value {
        let answer = self.admin(&format!("/api/v1/{path}")).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    }

    /// The whole document of a report.
    pub(crate) fn report(&self, arguments: &[&str]) -> serde_json::Value {
        usage::ask(&self.config(), arguments)
    }

    /// What its admin listener answers.
    fn admin(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.admin).ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        // It may have ended already.
        if let Ok(running) = self.running.get_mut() {
            let _ = running.kill();
            let _ = running.wait();
            if !matches!(self.settings.time, Time::Machine) {
                clock::forget(running.id());
            }
        }
    }
}

fn run(folder: &TempDir, time: Time, hands: Option<&Hands>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
    if let Time::From(time) = time {
        command.envs(clock::beginning_at(time));
    }
    command.envs(hands.map(Hands::environment).unwrap_or_default());
    let log = fs::File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
    command.args(["run", "--config"]).arg(folder.path().join("portalmeter.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// Two ports that nobody listens on.
fn free() -> [SocketAddr; 2] {
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

//! A throw-away Postgres: on a free port, in a folder of its own, gone at the end, however the test ends.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "each test binary uses a part of its own")]

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

/// A server of the test's own. What was committed survives that its processes are killed.
pub(crate) struct Postgres {
    programs: PathBuf,
    dir: TempDir,
    port: u16,
    watch: Child,
}

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

impl Postgres {
    /// The server that the tests of a binary share; each makes a schema of its own. It ends after the last of them.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes a server and waits until it answers.
    pub(crate) fn start() -> Self {
        let programs = programs();
        let dir = tempfile::Builder::new().prefix("pm-postgres-").tempdir().unwrap();
        if let Some((user, group)) = drops_to() {
            chown(dir.path(), Some(user), Some(group)).unwrap();
        }
        let data = dir.path().join("data");
        let init = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D"];
        succeed(command(&programs, "initdb").args(init).arg(&data));
        let mut server = Self { watch: watch(dir.path(), &data), programs, dir, port: 0 };
        // Another may take the port before Postgres does.
        let started = (0..10).any(|_| {
            server.port = free_port();
            server.go()
        });
        assert!(started, "Postgres does not start: {}", server.log());
        server
    }

    /// A URL of a schema of its own, which is empty.
    pub(crate) fn schema(&self) -> String {
        let name = format!("test{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE SCHEMA {name}"));
        self.url(&name)
    }

    /// The URL of that schema.
    pub(crate) fn url(&self, schema: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?options=-csearch_path%3D{schema}", self.port)
    }

    /// Runs SQL and gives what it prints: a line a row, `|` between columns.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres", "-h"]).arg(self.dir.path());
        let done = psql.args(["-p", &self.port.to_string(), "-c", sql]).output().unwrap();
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    }

    /// Ends it as a crash does: nobody is asked, and the next start recovers.
    pub(crate) fn crash(&self) {
        succeed(self.control().args(["-m", "immediate", "-w", "stop"]));
    }

    /// Ends it in order.
    pub(crate) fn stop(&self) {
        succeed(self.control().args(["-m", "fast", "-w", "stop"]));
    }

    /// Starts it again, on the same port.
    pub(crate) fn start_again(&self) {
        assert!(self.go(), "Postgres does not start again: {}", self.log());
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().trim().parse().unwrap()
    }

    /// The folder of its socket.
    pub(crate) fn socket_dir(&self) -> &Path {
        self.dir.path()
    }

    /// The folder of its data, with its configuration.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn go(&self) -> bool {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} -c fsync=off \
             -c full_page_writes=off -c max_connections=50 -c shared_buffers=64MB",
            self.port,
            self.dir.path().display()
        );
        let mut start = self.control();
        start.args(["-w", "-t", "120", "-l"]).arg(self.dir.path().join("log")).args(["-o", &options, "start"]);
        // What it leaves running must not hold the test's pipes open.
        start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        start.status().unwrap().success()
    }

    fn control(&self) -> Command {
        let mut control = command(&self.programs, "pg_ctl");
        control.arg("-D").arg(self.data());
        control
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.control().args(["-m", "immediate", "-w", "stop"]).output();
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

/// A process that ends the server and removes its folder when the test's process is gone, killed or not: then its
/// input ends.
fn watch(dir: &Path, data: &Path) -> Child {
    let script =
        "cat >/dev/null; pid=$(head -n 1 \"$2/postmaster.pid\" 2>/dev/null) && kill -QUIT \"$pid\"; rm -rf \"$1\"";
    Command::new("sh")
        .args(["-c", script, "sh"])
        .args([dir, data])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The server refuses to be root; then it is `postgres`, as the package made it.
fn drops_to() -> Option<(u32, u32)> {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let id = |flag: &str| {
        let said = Command::new("id").args([flag, "postgres"]).output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().parse().expect("a user called postgres")
    };
    root.then(|| (id("-u"), id("-g")))
}

fn command(programs: &Path, program: impl AsRef<OsStr>) -> Command {
    let program = programs.join(program.as_ref());
    let mut command = if drops_to().is_some() {
        let mut runuser = Command::new("runuser");
        runuser.args(["-u", "postgres", "--"]).arg(program);
        runuser
    } else {
        Command::new(program)
    };
    // It wants to be somewhere that it may read.
    command.current_dir("/").env("LC_ALL", "C");
    command
}

/// Where the newest server's programs are: Debian keeps them off the PATH.
fn programs() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            path.join("bin/initdb").exists().then(|| (version, path.join("bin")))
        })
        .collect();
    versions.sort();
    let on_path = || {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).find(|path| path.join("initdb").exists())
    };
    versions.pop().map(|(_, path)| path).or_else(on_path).expect("no Postgres here: run `tools/install.sh test`")
}

fn succeed(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

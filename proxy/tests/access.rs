//! The admin listener of a running meter: for this machine alone until there are users, then for them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// On a machine that builds and tests other things as well.
const PATIENCE: Duration = Duration::from_mins(1);

struct Meter {
    folder: TempDir,
    admin: SocketAddr,
    running: Child,
}

impl Meter {
    /// One with these users, ready to be asked.
    fn with(users: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [visitors, admin] = free();
        fs::write(folder.path().join("portalmeter.toml"), configuration(visitors, admin, users)).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut run = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
        let running = run.arg("run").current_dir(folder.path()).stderr(log).spawn().unwrap();
        let meter = Self { folder, admin, running };
        meter.wait(|meter| meter.status("/readyz", "") == 200);
        meter
    }

    /// Has it read other users.
    fn change(&self, before: &str, after: &str) {
        let file = self.folder.path().join("portalmeter.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(before));
        fs::write(file, text.replace(before, after)).unwrap();
        assert!(Command::new("kill").args(["-HUP", &self.running.id().to_string()]).status().unwrap().success());
    }

    fn wait(&self, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "{log}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The status of an answer, to a request with these lines in its head.
    fn status(&self, path: &str, lines: &str) -> u16 {
        let Ok(mut stream) = TcpStream::connect(self.admin) else { return 0 };
        let host = if lines.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let asked = format!("GET {path} HTTP/1.1\r\n{host}{lines}Connection: close\r\n\r\n");
        let mut answer = String::new();
        if stream.write_all(asked.as_bytes()).and_then(|()| stream.read_to_string(&mut answer)).is_err() {
            return 0;
        }
        answer.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let _ended_already = self.running.kill();
        let _ended_already = self.running.wait();
    }
}

fn free() -> [SocketAddr; 2] {
    [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap()).map(|listener| listener.local_addr().unwrap())
}

fn configuration(visitors: SocketAddr, admin: SocketAddr, users: &str) -> String {
    format!(
        "data_dir = \"data\"\n[server]\nlisten = [\"{visitors}\"]\nthreads = 1\n[admin]\nlisten = \"{admin}\"\n{users}\
         [[portal]]\nname = \"support\"\nhosts = [\"*\"]\nupstream = [\"http://127.0.0.1:9\"]\n"
    )
}

/// The lines that `portalmeter hash-password` prints.
fn hash_password(args: &[&str], typed: &str) -> (bool, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
    command.arg("hash-password").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = command.spawn().unwrap();
    // It may have ended already, without reading.
    let _ = running.stdin.take().unwrap().write_all(typed.as_bytes());
    let told = running.wait_with_output().unwrap();
    (told.status.success(), String::from_utf8(told.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn without_users_metrics_are_for_this_machine_by_its_own_names() {
    let meter = Meter::with("");
    assert_eq!(meter.status("/metrics", ""), 200);
    for path in ["/metrics", "/livez"] {
        assert_eq!(meter.status(path, "Host: usage.example\r\n"), 421, "{path}");
    }
}

#[test]
fn with_users_metrics_are_for_those_who_see_everything_until_their_user_is_gone() {
    let (_, robot) = hash_password(&["--token"], "");
    let (_, partner) = hash_password(&["--token"], "");
    let users = format!(
        "[[admin.user]]\nname = \"robot\"\nrole = \"viewer\"\ntoken_hash = \"{}\"\n\
         [[admin.user]]\nname = \"pat\"\nrole = \"partner\"\naccount = \"acme\"\ntoken_hash = \"{}\"\n",
        robot[1], partner[1]
    );
    let meter = Meter::with(&users);
    let bearer = |token: &str| format!("Host: usage.example\r\nAuthorization: Bearer {token}\r\n");
    assert_eq!(meter.status("/metrics", ""), 401);
    assert_eq!(meter.status("/metrics", &bearer("pmt_forged")), 401);
    assert_eq!(meter.status("/metrics", &bearer(&partner[0])), 403);
    assert_eq!(meter.status("/metrics", &bearer(&robot[0])), 200);
    assert_eq!((meter.status("/livez", ""), meter.status("/readyz", "")), (200, 200));
    meter.change(&robot[1], &partner[1].replace("sha256:", "sha256:00").chars().take(71).collect::<String>());
    meter.wait(|meter| meter.status("/metrics", &bearer(&robot[0])) == 401);
}

#[test]
fn what_hash_password_prints_is_taken() {
    let (made, lines) = hash_password(&[], "a password that is long enough\n");
    assert!(made && lines.len() == 1, "{lines:?}");
    let folder = tempfile::tempdir().unwrap();
    let [visitors, admin] = free();
    let user = format!("[[admin.user]]\nname = \"ann\"\nrole = \"admin\"\npassword_hash = \"{}\"\n", lines[0]);
    fs::write(folder.path().join("portalmeter.toml"), configuration(visitors, admin, &user)).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_portalmeter"));
    let told = check.arg("check").current_dir(folder.path()).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(!hash_password(&[], "\n").0, "no password is none");
}

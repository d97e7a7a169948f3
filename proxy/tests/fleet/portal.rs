//! The portal behind the fleet: as quick as is asked, and without memory, for its session cookie says who is signed in.
//!
//! It renews that cookie at a login and deletes it at a logout. `X-Sso` stands for what needs no cookie to sign in: a
//! client certificate, Kerberos, a bearer token.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::plan::SESSION;

/// Starts the portal, which runs as long as the process and takes so long for each answer.
pub(crate) fn start(takes: Duration) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, takes));
                }
            }
        });
    });
    address
}

async fn serve(mut stream: TcpStream, takes: Duration) {
    let _ = stream.set_nodelay(true);
    let mut read = Vec::with_capacity(2_048);
    let mut answer = String::with_capacity(512);
    while stream.read_buf(&mut read).await.is_ok_and(|read| read > 0) {
        while let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            // No client of these sends a body.
            answer.clear();
            Asked::read(&String::from_utf8_lossy(&read[..end])).answer(&mut answer);
            read.drain(..end + 4);
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// What a request asks for.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    session: Option<&'a str>,
    sso: Option<&'a str>,
}

impl<'a> Asked<'a> {
    fn read(head: &'a str) -> Self {
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut asked = Self { method, path, session: None, sso: None };
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("cookie") {
                let sessions = value.split("; ").filter_map(|pair| pair.strip_prefix(SESSION)?.strip_prefix('='));
                asked.session = sessions.last().or(asked.session);
            } else if name.eq_ignore_ascii_case("x-sso") {
                asked.sso = Some(value);
            }
        }
        asked
    }

    /// Who is signed in by the session's cookie, which is `<user>.<number>`.
    fn user(&self) -> Option<&'a str> {
        self.sso.or_else(|| self.session?.split('.').next()).filter(|user| *user != "-")
    }

    fn answer(&self, to: &mut String) {
        let (path, query) = self.path.split_once('?').unwrap_or((self.path, ""));
        let (status, kind, fields) = match path {
            "/login" if self.method == "POST" => {
                let user = query.strip_prefix("user=").unwrap_or("-");
                ("302 Found", "text/html", format!("Location: /page\r\n{}", begin(user)))
            }
            "/logout" => {
                let deleted = self.session.map(|_| format!("Set-Cookie: {SESSION}=; Path=/; Max-Age=0\r\n"));
                ("302 Found", "text/html", format!("Location: /page\r\n{}", deleted.unwrap_or_default()))
            }
            "/style.css" => ("200 OK", "text/css", String::new()),
            path if path.starts_with("/api/") => ("200 OK", "application/json", String::new()),
            path => {
                let begun = if self.session.is_none() { begin("-") } else { String::new() };
                let who = if path == "/quiet" { String::new() } else { who(self.user()) };
                ("200 OK", "text/html", begun + &who)
            }
        };
        to.push_str("HTTP/1.1 ");
        to.push_str(status);
        to.push_str("\r\nCache-Control: private\r\nContent-Length: 4\r\nContent-Type: ");
        to.push_str(kind);
        to.push_str("\r\n");
        to.push_str(&fields);
        to.push_str("\r\npage");
    }
}

/// A new session of the portal's, and the line that tells of it.
fn begin(user: &str) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("Set-Cookie: {SESSION}={user}.{number}; Path=/; HttpOnly\r\n")
}

/// Who is signed in: `c7` is a customer, `s7` one of the staff.
fn who(user: Option<&str>) -> String {
    let Some(user) = user else { return "X-Signed-In: false\r\n".to_owned() };
    let role = if user.starts_with('s') { "staff" } else { "customer" };
    format!("X-Signed-In: true\r\nX-User: {user}\r\nX-Roles: {role}\r\nX-Company: {user}\r\n")
}

//! A portal whose session cookie is renewed at a login and deleted at a logout.
//!
//! Who is signed in it knows by that cookie, or by `X-Sso`, which stands for what needs no cookie: a
//! client certificate, Kerberos, a bearer token.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::support::exchange::Message;

/// A portal that runs until the test ends.
pub(crate) struct Portal {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

/// The portal's session cookie.
pub(crate) const SESSION: &str = "JSESSIONID";

struct State {
    /// Whether guests get a session cookie too.
    guests: bool,
    sessions: Mutex<Sessions>,
    /// How many ask for `/slow`, and whether they are answered.
    slow: Mutex<(usize, bool)>,
    changed: Condvar,
}

#[derive(Default)]
struct Sessions {
    made: u64,
    users: HashMap<String, Option<String>>,
}

impl Portal {
    /// Starts one on a free port, in which guests have a session cookie too.
    pub(crate) fn start() -> Self {
        Self::with(true)
    }

    /// Starts one in which only the signed-in have a session cookie.
    pub(crate) fn without_cookies_for_guests() -> Self {
        Self::with(false)
    }

    fn with(guests: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state =
            Arc::new(State { guests, sessions: Mutex::default(), slow: Mutex::default(), changed: Condvar::new() });
        let portal = Self { address, state: Arc::clone(&state) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(&stream, &state));
            }
        });
        portal
    }

    /// Waits until so many have asked for `/slow`.
    pub(crate) fn wait_for_slow(&self, asked: usize) {
        let slow = self.state.slow.lock().unwrap();
        drop(self.state.changed.wait_while(slow, |(now, _)| *now < asked).unwrap());
    }

    /// Answers those who ask for `/slow`.
    pub(crate) fn answer_slow(&self) {
        self.state.slow.lock().unwrap().1 = true;
        self.state.changed.notify_all();
    }
}

fn serve(mut stream: &TcpStream, state: &State) {
    let Some(request) = Message::read(stream) else { return };
    if request.word(1).starts_with("/slow") {
        let mut slow = state.slow.lock().unwrap();
        slow.0 += 1;
        state.changed.notify_all();
        drop(state.changed.wait_while(slow, |(_, answers)| !*answers).unwrap());
    }
    let answer = state.answer(&request);
    // Whoever is gone needs no answer.
    let _ = stream.write_all(answer.as_bytes());
}

impl State {
    fn answer(&self, request: &Message) -> String {
        let mut sessions = self.sessions.lock().unwrap();
        let cookie = request.all("cookie").flat_map(|line| line.split("; ")).find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name == SESSION).then(|| value.to_owned())
        });
        let known = cookie.clone().filter(|cookie| sessions.users.contains_key(cookie));
        let (path, query) = request.word(1).split_once('?').unwrap_or((request.word(1), ""));
        match path {
            "/login" => {
                let old = known.and_then(|known| sessions.users.remove(&known));
                let user = query.strip_prefix("user=").map(str::to_owned).or(old.flatten());
                response("302 Found", "text/html", &format!("Location: /\r\n{}", sessions.begin(user)))
            }
            "/logout" => {
                let gone = known.is_some_and(|known| sessions.users.remove(&known).is_some());
                // Nobody is told twice.
                let deleted =
                    if gone { format!("Set-Cookie: {SESSION}=; Path=/; Max-Age=0\r\n") } else { String::new() };
                response("302 Found", "text/html", &format!("Location: /\r\n{deleted}"))
            }
            // Rotates the session's cookie, whoever asks.
            "/renew" | "/ping" | "/rotate.js" => {
                let Some(user) = known.and_then(|known| sessions.users.remove(&known)) else {
                    return response("200 OK", "text/html", "");
                };
                let fields = sessions.begin(user.clone()) + &who(user.as_deref());
                response("200 OK", "text/html", &fields)
            }
            "/oidc/start" => response("302 Found", "text/html", "Location: /oidc/authorize?prompt=none\r\n"),
            "/oidc/authorize" => response("302 Found", "text/html", "Location: /oidc/done?code=1\r\n"),
            _ => {
                let sso = request.all("x-sso").next().map(str::to_owned);
                let user = sso.or_else(|| sessions.users.get(known.as_ref()?)?.clone());
                let begun = if known.is_none() && self.guests && !path.starts_with("/api/") {
                    sessions.begin(None)
                } else {
                    String::new()
                };
                let kind = if path.starts_with("/api/") { "application/json" } else { "text/html" };
                let status = if request.all("if-none-match").next().is_some() { "304 Not Modified" } else { "200 OK" };
                response(status, kind, &format!("ETag: \"1\"\r\n{begun}{}", who(user.as_deref())))
            }
        }
    }
}

impl Sessions {
    /// A new session, and the line that tells of it.
    fn begin(&mut self, user: Option<String>) -> String {
        self.made += 1;
        let name = format!("s{}", self.made);
        let line = format!("Set-Cookie: {SESSION}={name}; Path=/; HttpOnly\r\n");
        self.users.insert(name, user);
        line
    }
}

/// Who is signed in; of `-` the portal does not say who it is.
fn who(user: Option<&str>) -> String {
    match user {
        None => "X-Signed-In: false\r\n".to_owned(),
        Some("-") => "X-Signed-In: true\r\n".to_owned(),
        Some(user) => format!("X-Signed-In: true\r\nX-User: {user}\r\n"),
    }
}

fn response(status: &str, kind: &str, fields: &str) -> String {
    let body = if status.starts_with("304") { "" } else { "<!doctype html><title>A portal</title>" };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{fields}Cache-Control: private\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

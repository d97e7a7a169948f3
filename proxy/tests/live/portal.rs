//! A portal that knows who is signed in by a cookie of its own, and says so in a header.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::support::clock;
use crate::support::exchange::Message;

/// A portal that runs until the test ends.
pub(crate) struct Portal {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

/// How long `/slow` takes.
const SLOW: Duration = Duration::from_secs(1);

impl Portal {
    /// Starts one on a free port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let portal = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = Arc::clone(&portal.asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&asked);
                thread::spawn(move || serve(&stream, &asked));
            }
        });
        portal
    }

    /// Waits until a path was asked for.
    pub(crate) fn wait_for(&self, path: &str) {
        clock::until(&format!("{path} is asked for"), || self.asked.lock().unwrap().iter().any(|asked| asked == path));
    }
}

fn serve(mut stream: &TcpStream, asked: &Mutex<Vec<String>>) {
    let Some(request) = Message::read(stream) else { return };
    let path = request.word(1).to_owned();
    asked.lock().unwrap().push(path.clone());
    if path == "/slow" {
        thread::sleep(SLOW);
    }
    let answer = answer(&path, user(&request).as_deref());
    // Whoever is gone needs no answer.
    let _ = stream.write_all(answer.as_bytes());
}

fn user(request: &Message) -> Option<String> {
    let mut cookies = request.all("cookie").flat_map(|field| field.split("; "));
    cookies.find_map(|cookie| cookie.strip_prefix("sid=")).map(str::to_owned)
}

fn answer(path: &str, user: Option<&str>) -> String {
    if let Some(user) = path.strip_prefix("/login?user=") {
        return response("302 Found", &format!("Location: /\r\nSet-Cookie: sid={user}; Path=/; HttpOnly\r\n"));
    }
    if path == "/logout" {
        return response("302 Found", "Location: /\r\nSet-Cookie: sid=; Path=/; Max-Age=0\r\n");
    }
    let who = user.map_or_else(|| "X-Signed-In: false\r\n".to_owned(), signed_in);
    match path {
        "/files/guide.zip" => response("200 OK", &format!("{who}Content-Disposition: attachment\r\n")),
        _ => response("200 OK", &who),
    }
}

/// A user who is called `ann@acme` belongs to a company.
fn signed_in(user: &str) -> String {
    let company = user.split_once('@').map(|(_, company)| format!("X-Company: {company}\r\n"));
    format!("X-Signed-In: true\r\nX-User: {user}\r\n{}", company.unwrap_or_default())
}

fn response(status: &str, fields: &str) -> String {
    let body = "<!doctype html><title>A portal</title>";
    let length = body.len();
    let plain = format!("Content-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n");
    format!("HTTP/1.1 {status}\r\n{fields}{plain}\r\n{body}")
}

//! A portal with files, and pages of several kinds. It remembers what it was asked for.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::exchange::Message;

/// A portal that runs until the test ends.
pub(crate) struct Portal {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

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

    /// The paths it was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The page at a path.
    pub(crate) fn html(&self, path: &str) -> String {
        html(path)
    }
}

fn serve(mut stream: &TcpStream, asked: &Mutex<Vec<String>>) {
    let Some(request) = Message::read(stream) else { return };
    let target = request.word(1).to_owned();
    let path = target.split('?').next().unwrap_or_default();
    asked.lock().unwrap().push(path.to_owned());
    let mut cookies = request.all("cookie").flat_map(|field| field.split("; "));
    let user = cookies.find_map(|cookie| cookie.strip_prefix("sid="));
    let (status, fields) = match path {
        "/login" => ("302 Found", "Location: /\r\nSet-Cookie: sid=ann; Path=/\r\n"),
        "/missing.zip" => ("404 Not Found", "Content-Type: application/zip\r\n"),
        "/docs/manual.pdf" => ("200 OK", "Content-Type: application/pdf\r\n"),
        "/files/4711.bin" => ("200 OK", "Content-Type: application/octet-stream\r\n"),
        "/image.png" => ("200 OK", "Content-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\n"),
        "/api/state" => ("200 OK", "Content-Type: application/json\r\n"),
        "/style.css" => ("200 OK", "Content-Type: text/css\r\n"),
        "/docs/strict" => ("200 OK", "Content-Type: text/html\r\nContent-Security-Policy: script-src 'nonce-1'\r\n"),
        // It only says so.
        "/docs/packed" => ("200 OK", "Content-Type: text/html\r\nContent-Encoding: gzip\r\n"),
        _ => ("200 OK", "Content-Type: text/html\r\n"),
    };
    // An API says nothing of who is signed in.
    let who = match user {
        _ if path.starts_with("/files") || path.starts_with("/order") || path == "/image.png" => String::new(),
        Some(user) => format!("X-Signed-In: true\r\nX-User: {user}\r\n"),
        None => "X-Signed-In: false\r\n".to_owned(),
    };
    let body = html(path);
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\n{fields}{who}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    // Whoever is gone needs no answer.
    let _ = stream.write_all(answer.as_bytes());
}

fn html(path: &str) -> String {
    let text = "Some words of the portal. ".repeat(2_000);
    format!("<!doctype html>\n<html lang=en><head><title>A portal{path}</title></head><body>{text}</body></html>")
}

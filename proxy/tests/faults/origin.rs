//! A portal of a few lines: answers as the test says, and remembers what it was asked.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers one request on its connection; `false` closes it.
pub(crate) type Answers = dyn Fn(&Asked, &mut TcpStream) -> io::Result<bool> + Send + Sync;

/// A request as it reached the portal.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Request line and fields, as they came.
    pub(crate) head: Vec<u8>,
}

impl Asked {
    pub(crate) fn path(&self) -> String {
        let line = self.head.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }

    /// The values of a field, in order, whatever bytes they have.
    pub(crate) fn all(&self, name: &str) -> Vec<Vec<u8>> {
        let lines = self.head.split(|&byte| byte == b'\n').skip(1);
        let found = lines.filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            line[..colon].eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii().to_vec())
        });
        found.collect()
    }

    /// The values of a field as text.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).into_iter().map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
    }
}

/// A running portal. It ends with the test's process.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Origin {
    /// One that answers every request with a small page.
    pub(crate) fn of_pages() -> Self {
        Self::new(|_, stream| page(stream, ""))
    }

    pub(crate) fn new(answers: impl Fn(&Asked, &mut TcpStream) -> io::Result<bool> + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    /// One that listens there.
    pub(crate) fn on(
        listener: TcpListener,
        answers: impl Fn(&Asked, &mut TcpStream) -> io::Result<bool> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, notes): (Arc<Answers>, _) = (Arc::new(answers), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, notes) = (Arc::clone(&answers), Arc::clone(&notes));
                std::thread::spawn(move || serve(stream, &*answers, &notes));
            }
        });
        Self { address, asked }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The last request.
    pub(crate) fn last(&self) -> Asked {
        self.asked().pop().expect("the portal was asked")
    }
}

fn serve(mut stream: TcpStream, answers: &Answers, notes: &Mutex<Vec<Asked>>) {
    let _ = stream.set_nodelay(true);
    let Ok(reading) = stream.try_clone() else { return };
    let mut reader = BufReader::new(reading);
    while let Some(asked) = ask(&mut reader) {
        let mut notes = notes.lock().unwrap();
        // Under load only the last few are of interest.
        if notes.len() >= 1000 {
            notes.clear();
        }
        notes.push(asked.clone());
        drop(notes);
        if !answers(&asked, &mut stream).unwrap_or(false) {
            return;
        }
    }
}

fn ask(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let asked = Asked { head };
    let length: usize = asked.texts("content-length").first().and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if asked.texts("transfer-encoding") == ["chunked"] {
        let mut chunks = Vec::new();
        while !chunks.ends_with(b"0\r\n\r\n") {
            if reader.read_until(b'\n', &mut chunks).ok()? == 0 {
                return None;
            }
        }
    }
    Some(asked)
}

/// A page, with more header lines, each ending in CR LF.
pub(crate) fn page(stream: &mut TcpStream, fields: &str) -> io::Result<bool> {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n{fields}\r\npage");
    stream.write_all(answer.as_bytes())?;
    Ok(true)
}

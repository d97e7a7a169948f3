//! Streams that say nothing for two minutes: `WebSocket`s and server-sent events.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::listen;
use super::message::{Answer, Connection, Framing};

/// What proxies by default end sooner.
pub(crate) const SILENCE: Duration = Duration::from_mins(2);

/// A portal whose streams say one thing at once, and another when they are told to.
pub(crate) struct Portal {
    pub(crate) address: SocketAddr,
    told: Arc<(Mutex<bool>, Condvar)>,
}

/// Binary frames: bytes of every kind, unmasked and masked.
pub(crate) const HELLO: &[u8] = b"\x82\x04\x00\xff\r\n";
pub(crate) const AGAIN: &[u8] = b"\x82\x85\x01\x02\x03\x04\x00\x01\xfe\x0a\x7f";

impl Portal {
    pub(crate) fn start() -> Self {
        let told = Arc::default();
        let shared = Arc::clone(&told);
        Self { address: listen::each(move |stream| serve(stream, &shared)), told }
    }

    /// Tells every stream to speak.
    pub(crate) fn speak(&self) {
        *self.told.0.lock().unwrap() = true;
        self.told.1.notify_all();
    }
}

fn serve(stream: TcpStream, told: &(Mutex<bool>, Condvar)) -> io::Result<()> {
    let mut from = Connection::of(stream);
    from.stream.set_read_timeout(None)?;
    let Some(head) = from.head()? else { return Ok(()) };
    let wait = || drop(told.1.wait_while(told.0.lock().unwrap(), |told| !*told).unwrap());
    let upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat.v2\r\n\r\n";
    let event = |data: &str| format!("{:x}\r\ndata: {data}\n\n\r\n", data.len() + 8);
    match head.word(1).as_str() {
        "/echo" => {
            from.send(upgraded.as_bytes())?;
            loop {
                let some = from.some()?;
                if some.is_empty() {
                    return Ok(());
                }
                from.send(&some)?;
            }
        }
        "/speaks" => {
            from.send(upgraded.as_bytes())?;
            from.send(HELLO)?;
            wait();
            from.send(AGAIN)
        }
        "/events" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            from.send([head, &event("one")].concat().as_bytes())?;
            wait();
            from.send([&event("two"), "0\r\n\r\n"].concat().as_bytes())
        }
        _ => {
            from.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")?;
            wait();
            from.send(b"data: two\n\n")
        }
    }
}

/// Opens a WebSocket that has shown to work; it, and the answer to its handshake.
///
/// Pingora 0.9.1 closes one whose portal answers within microseconds, before it has noted that the request has
/// no body (cloudflare/pingora#946). A browser's script would open another then.
pub(crate) fn working(to: SocketAddr, path: &str, works: impl Fn(&mut Connection) -> bool) -> (Connection, Answer) {
    let mut opened = websocket(to, path);
    let mut tries = 1;
    while !works(&mut opened.0) {
        tries += 1;
        assert!(tries < 20, "no WebSocket out of {tries} works");
        opened = websocket(to, path);
    }
    opened
}

/// Opens a WebSocket; it, and the answer to its handshake.
fn websocket(to: SocketAddr, path: &str) -> (Connection, Answer) {
    let mut connection = Connection::to(to);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: portal.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: chat.v1, chat.v2\r\nSec-WebSocket-Extensions: permessage-deflate; a=\"b\"\r\n\
         Origin: http://portal.test\r\n\r\n"
    );
    connection.send(request.as_bytes()).unwrap();
    let answer = connection.answer("GET").unwrap().expect("an answer to the handshake");
    assert_eq!(answer.body.framing, Framing::Nothing);
    (connection, answer)
}

/// Asks for events; the connection, behind the head of the answer.
pub(crate) fn events(to: SocketAddr, path: &str) -> Connection {
    let mut connection = Connection::to(to);
    let request = format!("GET {path} HTTP/1.1\r\nHost: portal.test\r\nAccept: text/event-stream\r\n\r\n");
    connection.send(request.as_bytes()).unwrap();
    let head = connection.head().unwrap().expect("an answer");
    assert_eq!((head.status(), head.all("content-type")), (200, vec![&b"text/event-stream"[..]]));
    connection
}

/// Reads until a word arrives, whatever frames it comes in.
pub(crate) fn hears(connection: &mut Connection, word: &[u8]) {
    let mut heard = Vec::new();
    while !heard.windows(word.len()).any(|window| window == word) {
        let some = connection.some().unwrap_or_else(|error| panic!("after {}: {error}", heard.escape_ascii()));
        assert!(!some.is_empty(), "the stream ended with {}", heard.escape_ascii());
        heard.extend(some);
    }
}

//! A portal that answers once on each connection, and hangs up on whoever asks again.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use super::listen;
use super::message::Connection;

/// A request that reached it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) target: String,
    /// Whether it was left without an answer.
    pub(crate) dropped: bool,
}

/// A running portal, until the test ends.
pub(crate) struct Fickle {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fickle {
    pub(crate) fn start() -> Self {
        let asked = Arc::default();
        let shared = Arc::clone(&asked);
        Self { address: listen::each(move |stream| serve(stream, &shared)), asked }
    }

    /// What became of the requests for a target.
    pub(crate) fn asked(&self, target: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.target == target).cloned().collect()
    }
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<Asked>>) -> io::Result<()> {
    let mut from = Connection::of(stream);
    from.stream.set_read_timeout(None)?;
    let mut dropped = false;
    while let Some(head) = from.head()? {
        from.body(head.of_request());
        asked.lock().unwrap().push(Asked { target: head.word(1), dropped });
        if dropped {
            return Ok(());
        }
        from.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        dropped = true;
    }
    Ok(())
}

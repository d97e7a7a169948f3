//! A client that sends the bytes it is given and reads what comes back, to the byte.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and fields, as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The values of a field, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let field = |line: &'_ str| -> Option<(usize, bool)> {
            let colon = line.find(':')?;
            Some((colon, line[..colon].eq_ignore_ascii_case(name)))
        };
        let lines = self.head.split("\r\n").skip(1);
        lines.filter_map(|line| field(line).filter(|found| found.1).map(|found| line[found.0 + 1..].trim())).collect()
    }

    /// The pair `name=value` of the meter's own cookie, if one was handed out.
    pub(crate) fn our_cookie(&self) -> Option<String> {
        let ours = self.all("set-cookie").into_iter().find(|line| line.starts_with("pm_visitor="))?;
        ours.split(';').next().map(str::to_owned)
    }
}

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// Nothing in these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

impl Wire {
    pub(crate) fn to(address: SocketAddr) -> io::Result<Self> {
        Self::on(TcpStream::connect(address)?)
    }

    /// On a connection that is there already.
    pub(crate) fn on(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Gives up waiting for bytes after this long.
    pub(crate) fn patient_for(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends nothing more, and goes on listening.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)
    }

    /// Sends a request and reads its answer whole.
    pub(crate) fn ask(&mut self, bytes: &[u8]) -> io::Result<Answer> {
        self.send(bytes)?;
        self.answer()
    }

    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        let head = self.head()?;
        self.rest(head)
    }

    /// Reads up to the end of the header.
    pub(crate) fn head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                return Ok(String::from_utf8_lossy(&head[..end]).into_owned());
            }
            self.more()?;
        }
    }

    /// Reads the body that belongs to `head`.
    pub(crate) fn rest(&mut self, head: String) -> io::Result<Answer> {
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = answer.all("content-length").first().and_then(|length| length.parse::<usize>().ok());
        match length {
            Some(length) => {
                while self.read.len() < length {
                    self.more()?;
                }
                answer.body = self.read.drain(..length).collect();
            }
            None if status == 304 || status == 204 => {}
            None => {
                while self.more().is_ok() {}
                answer.body = std::mem::take(&mut self.read);
            }
        }
        Ok(answer)
    }

    fn more(&mut self) -> io::Result<()> {
        let mut some = [0; 16 * 1024];
        match self.stream.read(&mut some)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.read.extend_from_slice(&some[..read]);
                Ok(())
            }
        }
    }
}

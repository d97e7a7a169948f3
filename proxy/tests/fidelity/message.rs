//! HTTP/1.1 messages to the byte: nothing is tidied, and a torn body is told from a whole one.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Names and values in order, blanks around a value taken off.
pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// First line and fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) line: Vec<u8>,
    pub(crate) fields: Fields,
}

/// What tells where a body ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Framing {
    #[default]
    Nothing,
    Length(usize),
    Chunked,
    UntilClosed,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) framing: Framing,
    pub(crate) bytes: Vec<u8>,
    pub(crate) trailers: Fields,
    /// Whether it came to the end that its framing names.
    pub(crate) whole: bool,
}

/// An answer with the 1xx that came before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) interim: Vec<Head>,
    pub(crate) head: Head,
    pub(crate) body: Body,
}

/// A connection, and what was read of it ahead.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

/// Nothing on loopback takes longer, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

impl Head {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = lines.next().unwrap_or_default().to_vec();
        Self { line, fields: lines.filter(|line| !line.is_empty()).map(field).collect() }
    }

    /// The values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<&[u8]> {
        let named = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| value.as_slice()).collect()
    }

    /// The first value of a field as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.all(name).first().map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// A word of the first line.
    pub(crate) fn word(&self, place: usize) -> String {
        let word = self.line.split(|&byte| byte == b' ').nth(place).unwrap_or_default();
        String::from_utf8_lossy(word).into_owned()
    }

    pub(crate) fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or_default()
    }

    fn framing(&self) -> Framing {
        if self.text("transfer-encoding").is_some_and(|codings| codings.to_ascii_lowercase().ends_with("chunked")) {
            return Framing::Chunked;
        }
        self.text("content-length").and_then(|length| length.parse().ok()).map_or(Framing::Nothing, Framing::Length)
    }

    /// How the body of a request with this head is framed.
    pub(crate) fn of_request(&self) -> Framing {
        self.framing()
    }

    /// How the body of an answer to `method` with this head is framed.
    pub(crate) fn of_answer(&self, method: &str) -> Framing {
        match (self.status(), self.framing()) {
            (100..200 | 204 | 304, _) => Framing::Nothing,
            _ if method == "HEAD" => Framing::Nothing,
            (_, Framing::Nothing) => Framing::UntilClosed,
            (_, framing) => framing,
        }
    }
}

fn field(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
    let value = line.get(colon + 1..).unwrap_or_default();
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let begin = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(begin, |last| last + 1);
    (line[..colon].to_vec(), value[begin..end].to_vec())
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn of(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, unread: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// No more is sent; reading goes on.
    pub(crate) fn shut(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next head; `None` if the other side closed before a word of it.
    pub(crate) fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return Ok(Some(Head::read(&head[..end])));
            }
            match self.more() {
                Ok(0) if self.unread.is_empty() => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                // A connection that was closed under a request is reset.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset && self.unread.is_empty() => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A body so framed; torn if it does not come to its end.
    pub(crate) fn body(&mut self, framing: Framing) -> Body {
        let mut body = Body { framing, ..Body::default() };
        body.whole = match framing {
            Framing::Nothing => true,
            Framing::Length(length) => {
                let whole = self.fill(length).is_ok();
                body.bytes = self.unread.drain(..length.min(self.unread.len())).collect();
                whole
            }
            Framing::Chunked => self.chunks(&mut body).is_ok(),
            Framing::UntilClosed => {
                let ended = loop {
                    match self.more() {
                        Ok(0) => break true,
                        Ok(_) => {}
                        Err(_) => break false,
                    }
                };
                body.bytes = std::mem::take(&mut self.unread);
                ended
            }
        };
        body
    }

    /// The answer to a request of that method; `None` if the other side closed instead.
    pub(crate) fn answer(&mut self, method: &str) -> io::Result<Option<Answer>> {
        let mut interim = Vec::new();
        while let Some(head) = self.head()? {
            if (100..200).contains(&head.status()) && head.status() != 101 {
                interim.push(head);
                continue;
            }
            let body = self.body(head.of_answer(method));
            return Ok(Some(Answer { interim, head, body }));
        }
        Ok(None)
    }

    /// So many bytes, whatever they mean.
    pub(crate) fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        self.fill(length)?;
        Ok(self.unread.drain(..length).collect())
    }

    /// What there is to read next; empty at the end.
    pub(crate) fn some(&mut self) -> io::Result<Vec<u8>> {
        if self.unread.is_empty() {
            self.more()?;
        }
        Ok(std::mem::take(&mut self.unread))
    }

    /// Takes what was read ahead.
    pub(crate) fn ahead(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unread)
    }

    fn chunks(&mut self, body: &mut Body) -> io::Result<()> {
        loop {
            let line = self.line()?;
            let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
            let size = std::str::from_utf8(digits).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
            let size = size.ok_or(io::ErrorKind::InvalidData)?;
            if size == 0 {
                break;
            }
            let filled = self.fill(size);
            body.bytes.extend(self.unread.drain(..size.min(self.unread.len())));
            filled?;
            if self.exactly(2)? != b"\r\n" {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(());
            }
            body.trailers.push(field(&line));
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Ok(line[..end].to_vec());
            }
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.unread.len() < length {
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut some = [0; 16 * 1024];
        let read = self.stream.read(&mut some)?;
        self.unread.extend_from_slice(&some[..read]);
        Ok(read)
    }
}

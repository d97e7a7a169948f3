//! A portal's server that takes what a strict one would refuse, so that a smuggled request would be seen.
//!
//! Lines may end in a bare LF, fields may be folded, blanks may stand before a colon, numbers are read as far
//! as they go. Where two readings are possible, its leniency picks one.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use crate::fidelity::listen;

/// Which reading it picks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leniency {
    /// The first `Content-Length` tells a body's end, whatever else is said.
    Length,
    /// `Transfer-Encoding` tells it if one of its codings is `chunked`, else the last `Content-Length`.
    Chunked,
    /// So does anything that looks like chunked; and a bare CR ends a line.
    Anything,
}

pub(crate) const ALL: [Leniency; 3] = [Leniency::Length, Leniency::Chunked, Leniency::Anything];

/// A request that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole {
    /// The request line without its end.
    pub(crate) line: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// A running server, until the test ends.
pub(crate) struct Lenient {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    leniency: Leniency,
    seen: Vec<Whole>,
}

impl Lenient {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State { leniency: Leniency::Length, seen: Vec::new() }));
        let shared = Arc::clone(&state);
        Self { address: listen::each(move |stream| serve(&stream, &shared)), state }
    }

    /// Reads so from now on.
    pub(crate) fn be(&self, leniency: Leniency) {
        self.state.lock().unwrap().leniency = leniency;
    }

    /// Takes the requests that were read whole.
    pub(crate) fn take(&self) -> Vec<Whole> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }
}

/// Answers each request with what it was taken for.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut from = BufReader::new(stream);
    loop {
        from.fill_buf()?;
        let leniency = state.lock().unwrap().leniency;
        let mut line = Vec::new();
        while line.is_empty() {
            line = read_line(&mut from, leniency)?;
        }
        let fields = read_fields(&mut from, leniency)?;
        let body = read_body(&mut from, &fields, leniency)?;
        let told = [line.as_slice(), b"|", &body].concat();
        state.lock().unwrap().seen.push(Whole { line: line.clone(), body });
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", told.len());
        let told = if line.starts_with(b"HEAD ") { &[] } else { told.as_slice() };
        (&*stream).write_all(&[head.as_bytes(), told].concat())?;
    }
}

fn read_line(from: &mut impl BufRead, leniency: Leniency) -> io::Result<Vec<u8>> {
    let ends = |byte: &u8| *byte == b'\n' || (*byte == b'\r' && leniency == Leniency::Anything);
    let mut line = Vec::new();
    loop {
        let some = from.fill_buf()?;
        if some.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = some.iter().position(ends) else {
            let all = some.len();
            line.extend_from_slice(some);
            from.consume(all);
            continue;
        };
        line.extend_from_slice(&some[..end]);
        let bare = some[end] == b'\r';
        from.consume(end + 1);
        if bare && from.fill_buf()?.first() == Some(&b'\n') {
            from.consume(1);
        }
        return Ok(line.strip_suffix(b"\r").map(<[u8]>::to_vec).unwrap_or(line));
    }
}

/// Names in small letters and values, blanks and control characters around both taken off.
fn read_fields(from: &mut impl BufRead, leniency: Leniency) -> io::Result<Vec<(String, String)>> {
    let mut fields: Vec<(String, String)> = Vec::new();
    loop {
        let line = read_line(from, leniency)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let text: String = line.iter().copied().map(char::from).collect();
        let tidy = |text: &str| text.trim_matches(|c: char| c <= ' ' || c == '\u{a0}').to_ascii_lowercase();
        match fields.last_mut() {
            Some((_, value)) if text.starts_with([' ', '\t']) => *value = format!("{value} {}", tidy(&text)),
            _ => {
                let (name, value) = text.split_once(':').unwrap_or((&text, ""));
                fields.push((tidy(name), tidy(value)));
            }
        }
    }
}

fn read_body(from: &mut impl BufRead, fields: &[(String, String)], leniency: Leniency) -> io::Result<Vec<u8>> {
    let all =
        |name: &str| fields.iter().filter(|field| field.0 == name).map(|field| field.1.clone()).collect::<Vec<_>>();
    let (lengths, codings) = (all("content-length"), all("transfer-encoding").join(","));
    let chunked = match leniency {
        Leniency::Length if !lengths.is_empty() => false,
        Leniency::Length | Leniency::Chunked => codings.split(',').any(|coding| coding.trim() == "chunked"),
        Leniency::Anything => codings.contains("chunk"),
    };
    if chunked {
        return read_chunks(from, leniency);
    }
    let length = if leniency == Leniency::Length { lengths.first() } else { lengths.last() };
    let mut body = vec![0; length.map_or(0, |length| number(length, 10)).min(1 << 24) as usize];
    from.read_exact(&mut body)?;
    Ok(body)
}

fn read_chunks(from: &mut impl BufRead, leniency: Leniency) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line: String = read_line(from, leniency)?.into_iter().map(char::from).collect();
        let size = number(&line, 16);
        if size == 0 {
            while !read_line(from, leniency)?.is_empty() {}
            return Ok(body);
        }
        from.take(size.min(1 << 24)).read_to_end(&mut body)?;
        // The end of a chunk's data may be missing.
        if from.fill_buf()?.first() == Some(&b'\r') {
            from.consume(1);
        }
        if from.fill_buf()?.first() == Some(&b'\n') {
            from.consume(1);
        }
    }
}

/// As far as it is one; a number too large comes out as something else, as in careless C.
fn number(text: &str, radix: u32) -> u64 {
    let text = text.trim().trim_start_matches('+');
    let (text, radix) = text.strip_prefix("0x").map_or((text, radix), |text| (text, 16));
    let digits = text.chars().map_while(|c| c.to_digit(radix));
    digits.fold(0_u64, |sum, digit| sum.wrapping_mul(u64::from(radix)).wrapping_add(u64::from(digit)))
}

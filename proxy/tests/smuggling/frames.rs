//! HTTP/2 frames by hand, so that a request may be anything.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::fidelity::message::PATIENCE;

/// A connection over which the preface has been sent.
pub(crate) struct Frames {
    stream: TcpStream,
}

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered; with this body, if it came to its end.
    Answered { status: u16, body: Vec<u8>, ended: bool },
    /// The stream was reset, or the connection was closed.
    Refused,
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// What a frame holds at most unless both sides agree on more.
const MOST: usize = 16_384;

impl Frames {
    pub(crate) fn to(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut frames = Self { stream };
        frames.stream.write_all(PREFACE)?;
        frames.send(SETTINGS, 0, 0, b"")?;
        Ok(frames)
    }

    /// Sends a header of fields as they are, in as many frames as it takes.
    pub(crate) fn headers(&mut self, stream: u32, fields: &[(&[u8], &[u8])], ends: bool) -> io::Result<()> {
        let mut block = Vec::new();
        for (name, value) in fields {
            // Literal, neither indexed nor compressed: RFC 7541 6.2.2.
            block.push(0);
            text(name, &mut block);
            text(value, &mut block);
        }
        let parts: Vec<&[u8]> = block.chunks(MOST).collect();
        for (number, part) in parts.iter().enumerate() {
            let kind = if number == 0 { HEADERS } else { CONTINUATION };
            let last = if number + 1 == parts.len() { END_HEADERS } else { 0 };
            let end = if number == 0 && ends { END_STREAM } else { 0 };
            self.send(kind, last | end, stream, part)?;
        }
        Ok(())
    }

    pub(crate) fn data(&mut self, stream: u32, data: &[u8], ends: bool) -> io::Result<()> {
        self.send(DATA, if ends { END_STREAM } else { 0 }, stream, data)
    }

    /// Waits for what becomes of a stream.
    pub(crate) fn outcome(&mut self, stream: u32) -> Outcome {
        let mut answer = None;
        while let Ok((kind, flags, on, payload)) = self.next() {
            match (kind, &mut answer) {
                (SETTINGS, _) if flags & ACK == 0 => drop(self.send(SETTINGS, ACK, 0, b"")),
                (HEADERS, answer @ None) if on == stream => *answer = Some((status(&payload), Vec::new())),
                (DATA, Some((_, body))) if on == stream => body.extend_from_slice(&payload),
                (RST_STREAM, answer) if on == stream => match answer.take() {
                    Some((status, body)) => return Outcome::Answered { status, body, ended: false },
                    None => return Outcome::Refused,
                },
                // An error of the whole connection; without one the connection only ends after its streams.
                (GOAWAY, _) if payload.get(4..8) != Some(&[0; 4]) => break,
                _ => {}
            }
            let ends = on == stream && matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0;
            if ends && let Some((status, body)) = answer {
                return Outcome::Answered { status, body, ended: true };
            }
        }
        answer.map_or(Outcome::Refused, |(status, body)| Outcome::Answered { status, body, ended: false })
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame)
    }

    fn next(&mut self) -> io::Result<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload)?;
        Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }
}

/// A string without Huffman coding: RFC 7541 5.2.
fn text(bytes: &[u8], out: &mut Vec<u8>) {
    let mut left = bytes.len();
    if left < 127 {
        out.push(left as u8);
    } else {
        out.push(127);
        left -= 127;
        while left >= 128 {
            out.push((left % 128 + 128) as u8);
            left /= 128;
        }
        out.push(left as u8);
    }
    out.extend_from_slice(bytes);
}

/// The status at the beginning of a block, as every server writes it: RFC 7541 appendices A and B.
fn status(block: &[u8]) -> u16 {
    let begin = block.iter().position(|byte| !(0x20..0x40).contains(byte)).unwrap_or_default();
    let block = &block[begin..];
    match block.first() {
        Some(byte @ 0x88..=0x8e) => [200, 204, 206, 304, 400, 404, 500][usize::from(byte - 0x88)],
        Some(0x08 | 0x18 | 0x48) => match block.get(1) {
            Some(3) => {
                std::str::from_utf8(&block[2..5]).ok().and_then(|digits| digits.parse().ok()).unwrap_or_default()
            }
            Some(length @ 0x81..=0x83) => huffman(&block[2..2 + usize::from(length - 0x80)]),
            _ => 0,
        },
        _ => 0,
    }
}

/// Three digits: 0, 1 and 2 have five bits, the others six.
fn huffman(bytes: &[u8]) -> u16 {
    let bits: Vec<u16> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| u16::from(byte >> bit & 1))).collect();
    let number = |bits: &[u16]| bits.iter().fold(0, |sum, bit| sum * 2 + bit);
    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        let five = number(&bits[at..at + 5]);
        let digit = if five <= 2 { five } else { number(&bits[at..at + 6]) - 0x19 + 3 };
        at += if five <= 2 { 5 } else { 6 };
        status = status * 10 + digit;
    }
    status
}

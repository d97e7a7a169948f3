//! Just enough HTTP/1.1 for one exchange a connection.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

/// A message's first line, its fields in lower case, and its body.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) first: String,
    fields: Vec<(String, String)>,
}

impl Message {
    /// Reads a message; `None` if the other side closed without a word.
    pub(crate) fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let first = line(&mut reader)?;
        let mut fields = Vec::new();
        while let Some((name, value)) = line(&mut reader)?.split_once(": ") {
            fields.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let message = Self { first, fields };
        let length = message.all("content-length").next().and_then(|length| length.parse().ok()).unwrap_or(0);
        reader.read_exact(&mut vec![0; length]).ok()?;
        Some(message)
    }

    /// The values of a field.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A word of the first line.
    pub(crate) fn word(&self, place: usize) -> &str {
        self.first.split(' ').nth(place).unwrap_or_default()
    }
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

//! Tables of exchanges, as Markdown files say them. A title begins with `## `; what is marked is a line of
//! the row, everything else is prose.
//!
//! | mark | the rest of the line is |
//! | --- | --- |
//! | `>` | what the client sends |
//! | `<` | what the portal answers |
//! | `!` | what happens between the lines, or a difference that is known |
//! | `=` | what comes out |
//!
//! A sent line ends in CR LF unless its last character is a backslash. `\r \n \t \0 \\ \xNN` are bytes, and
//! `\{1000 ab}` is `ab` a thousand times.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// File and line of its title.
    pub(crate) place: String,
    pub(crate) title: String,
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Sent(Vec<u8>),
    Answered(Vec<u8>),
    Happens(String),
    Expected(String),
}

/// The rows of a file.
pub(crate) fn rows(file: &str, text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", index + 1);
        if let Some(title) = line.strip_prefix("## ") {
            rows.push(Row { place, title: title.to_owned(), lines: Vec::new() });
            continue;
        }
        let (mark, rest) = line.split_at_checked(1).unwrap_or_default();
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        let line = match mark {
            ">" => Line::Sent(bytes(&place, rest)),
            "<" => Line::Answered(bytes(&place, rest)),
            "!" => Line::Happens(rest.trim().to_owned()),
            "=" => Line::Expected(rest.trim().to_owned()),
            _ => continue,
        };
        rows.last_mut().unwrap_or_else(|| panic!("{place}: a line before the first title")).lines.push(line);
    }
    rows
}

fn bytes(place: &str, text: &str) -> Vec<u8> {
    let mut line = unescaped(place, text.strip_suffix('\\').unwrap_or(text));
    if !text.ends_with('\\') {
        line.extend_from_slice(b"\r\n");
    }
    line
}

/// The bytes that a text with escapes stands for.
pub(crate) fn unescaped(place: &str, text: &str) -> Vec<u8> {
    let wrong = || -> ! { panic!("{place}: an escape that nobody knows in `{text}`") };
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let (which, after) = rest.split_at_checked(1).unwrap_or_else(|| wrong());
        rest = after;
        match which {
            "r" => out.push(b'\r'),
            "n" => out.push(b'\n'),
            "t" => out.push(b'\t'),
            "0" => out.push(0),
            "\\" => out.push(b'\\'),
            "x" => {
                let (digits, after) = rest.split_at_checked(2).unwrap_or_else(|| wrong());
                out.push(u8::from_str_radix(digits, 16).unwrap_or_else(|_| wrong()));
                rest = after;
            }
            "{" => {
                let (inside, after) = rest.split_once('}').unwrap_or_else(|| wrong());
                let (times, what) = inside.split_once(' ').unwrap_or_else(|| wrong());
                let times: usize = times.parse().unwrap_or_else(|_| wrong());
                out.extend(unescaped(place, what).repeat(times));
                rest = after;
            }
            _ => wrong(),
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// Bytes as a report shows them: printable, and not without end.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 300;
    let text = bytes[..bytes.len().min(MOST)].escape_ascii().to_string();
    if bytes.len() > MOST { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

//! Why a line was skipped, or a log could not be read.

use std::fmt;
use std::io;

/// A line that was passed over. It never ends the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Skipped<'a> {
    /// The log.
    pub(crate) file: &'a str,
    /// The line's number there, from 1.
    pub(crate) number: u64,
    /// What is wrong with it.
    pub(crate) why: Why,
}

impl fmt::Display for Skipped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.number, self.why)?;
        self.why.hint().map_or(Ok(()), |hint| write!(f, " (hint: {hint})"))
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Why {
    /// Longer than any server writes.
    #[error("the line is longer than 1 MiB")]
    TooLong,
    /// The client is a name or nothing known.
    #[error("the client is not an address: `{0}`")]
    Client(Excerpt),
    /// Nothing in brackets where `combined` has its time.
    #[error("there is no time like `[12/Mar/2026:23:40:00 +0100]`")]
    NoTime,
    /// A time that cannot be read, or is no day of the calendar.
    #[error("`{0}` is not a time")]
    Time(Excerpt),
    /// Nothing in quotes where `combined` has its request.
    #[error("there is no quoted request after the time")]
    NoRequest,
    /// The quoted request is none; scanners and dropped connections leave such lines.
    #[error("`{0}` is not a request")]
    Request(Excerpt),
    /// The method is not one word.
    #[error("`{0}` is not a method")]
    Method(Excerpt),
    /// Neither a path nor a whole URL.
    #[error("`{0}` is not a path")]
    Target(Excerpt),
    /// Not a number from 100 to 999.
    #[error("`{0}` is not a status code")]
    Status(Excerpt),
    /// The line breaks off within quotes.
    #[error("a quotation mark is never closed")]
    Unclosed,
    /// Not JSON, or not of the right shape.
    #[error("column {column}: {message}")]
    Json {
        /// Where, from 1; 0 where the line as a whole is wrong.
        column: usize,
        /// What the JSON reader says.
        message: String,
    },
    /// A key that every line must have.
    #[error("`{0}` is missing")]
    Missing(&'static str),
}

impl Why {
    /// What may help.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Client(text) if text.0.starts_with('{') => Some("the line looks like JSON: try the format `jsonl`"),
            Self::Client(_) => {
                Some("log addresses instead of names (Apache: `HostnameLookups Off`), the address first")
            }
            Self::Time(_) => Some(
                "`combined` has 12/Mar/2026:23:40:00 +0100; JSON lines have RFC 3339 with a zone, \
                 2026-03-12T23:40:00.000Z, or a number of seconds since 1970",
            ),
            Self::Target(_) => Some("a target is a path with its query, as in /csp?id=home"),
            Self::Json { column: 0 | 1, .. } => {
                Some("each line is one JSON object; other logs are of the format `combined`")
            }
            Self::Missing(_) => Some("every line has time, client, method, path and status"),
            _ => None,
        }
    }
}

/// The beginning of a text from outside, safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Excerpt(String);

impl Excerpt {
    pub(super) fn of(text: &[u8]) -> Self {
        let shown = &text[..text.len().min(EXCERPT)];
        // Half a character at the cut is not the log's fault.
        let shown = String::from_utf8_lossy(shown);
        let shown = if text.len() > EXCERPT { shown.trim_end_matches('\u{fffd}') } else { &shown };
        let mut excerpt: String = shown.chars().flat_map(printable).collect();
        if text.len() > EXCERPT {
            excerpt.push('…');
        }
        Self(excerpt)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A terminal must not obey what a log contains.
fn printable(char: char) -> impl Iterator<Item = char> {
    let plain = matches!(char, '"' | '\'' | '\\');
    plain.then_some(char).into_iter().chain(char.escape_debug().take(if plain { 0 } else { usize::MAX }))
}

/// How many bytes of a broken text a message shows.
const EXCERPT: usize = 60;

/// A log that could not be read, wholly or to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// It could not be opened; nothing of any log was read.
    #[error("cannot open `{file}`: {source}")]
    Open {
        /// The log.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// It could be read up to a point; the lines before it hold.
    #[error("cannot read `{file}` beyond line {lines}: {source}")]
    Read {
        /// The log.
        file: String,
        /// How many whole lines were read.
        lines: u64,
        /// The system's or the decompressor's reason.
        source: io::Error,
    },
    /// `-` was given more than once.
    #[error("`-` was given twice: standard input can be read only once")]
    StandardInputTwice,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_obeys_no_terminal() {
        assert_eq!(Excerpt::of(b"\x1b[31mred\"\\ \xff\n").0, "\\u{1b}[31mred\"\\ \u{fffd}\\n");
        assert_eq!(Excerpt::of("ä".repeat(60).as_bytes()).0, format!("{}…", "ä".repeat(30)));
    }
}

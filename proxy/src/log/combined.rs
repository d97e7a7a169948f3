//! The `combined` format of Apache and nginx, and its shorter sibling `common`:
//! `203.0.113.9 - ann [12/Mar/2026:23:40:00 +0100] "GET /csp HTTP/1.1" 200 512 "referer" "agent" …`

use memchr::{memchr, memchr2, memrchr};

use super::clf_time::{self, ClfTime};
use super::record::{Field, FieldName, Record, Span};
use super::why::{Excerpt, Why};
use super::{address, request};

/// Reads `line` into a clear `record`.
pub(super) fn read(line: &[u8], clock: &mut ClfTime, record: &mut Record) -> Result<(), Why> {
    let (client, rest) = word(line, 0);
    record.client = address::read(&line[client.clone()]).ok_or_else(|| Why::Client(Excerpt::of(&line[client])))?;
    let (_ident, user) = word(line, rest);

    let open = time_bracket(line, rest).ok_or(Why::NoTime)?;
    let time = &line[open + 1..=open + clf_time::LENGTH];
    let time: &[u8; clf_time::LENGTH] = time.try_into().map_err(|_| Why::NoTime)?;
    record.at = clock.read(time).ok_or_else(|| Why::Time(Excerpt::of(time)))?;
    // Names with spaces happen: the user is all that stands before the time.
    if user < open {
        record.remote_user = told(line, Quoted { start: user, end: open - 1, escapes: true }, record);
    }

    let asked = quoted(line, open + clf_time::LENGTH + 2)?.ok_or(Why::NoRequest)?;
    let after = asked.end + 1;
    let asked = text(line, asked, record);
    request_line(line, asked, record)?;

    let (status, size) = word(line, after + 1);
    record.status = request::status(&line[status])?;
    let (size, _) = word(line, size);
    let Some(referer) = quoted(line, size.end)? else { return Ok(()) };
    let agent = quoted(line, referer.end + 1)?;
    record.tells_agent = agent.is_some();
    for (name, value) in [("referer", Some(referer)), ("user-agent", agent)] {
        if let Some(value) = value.and_then(|value| told(line, value, record)) {
            record.request.push(Field { name: FieldName::Implied(name), value });
        }
    }
    Ok(())
}

/// A text between quotes, or one that the log's writer escapes like those.
#[derive(Clone, Copy)]
struct Quoted {
    start: usize,
    end: usize,
    /// Whether a backslash may be in it.
    escapes: bool,
}

/// The word that begins at `start`, and where the next one begins.
fn word(line: &[u8], start: usize) -> (std::ops::Range<usize>, usize) {
    let start = start.min(line.len());
    let end = memchr(b' ', &line[start..]).map_or(line.len(), |space| start + space);
    (start..end, line.len().min(end + 1))
}

/// Where ` [` opens brackets that hold as much as a time. A user may be called like one, but no
/// name has the bare quotation mark that follows the real time.
fn time_bracket(line: &[u8], from: usize) -> Option<usize> {
    let mut first = None;
    let mut seen = from;
    while let Some(next) = memchr(b'[', &line[seen..]) {
        let open = seen + next;
        let after = line.get(open + clf_time::LENGTH + 1..).unwrap_or_default();
        if after.starts_with(b"]") && line[..open].ends_with(b" ") {
            if after.starts_with(b"] \"") {
                return Some(open);
            }
            first = first.or(Some(open));
        }
        seen = open + 1;
    }
    first
}

/// The text of ` "…"` at `start`; `None` where something else is there.
fn quoted(line: &[u8], start: usize) -> Result<Option<Quoted>, Why> {
    if !line.get(start..).is_some_and(|rest| rest.starts_with(b" \"")) {
        return Ok(None);
    }
    let start = start + 2;
    let mut escapes = false;
    let mut from = start;
    loop {
        let rest = line.get(from..).ok_or(Why::Unclosed)?;
        let end = from + memchr2(b'"', b'\\', rest).ok_or(Why::Unclosed)?;
        if line[end] == b'"' {
            return Ok(Some(Quoted { start, end, escapes }));
        }
        escapes = true;
        from = end + 2;
    }
}

/// The text, unless it is the `-` by which a log says nothing, or empty.
fn told(line: &[u8], quoted: Quoted, record: &mut Record) -> Option<Span> {
    let raw = line.get(quoted.start..quoted.end)?;
    (!matches!(raw, b"" | b"-" | b"\"\"")).then(|| text(line, quoted, record))
}

/// The text as the client sent it, escapes undone.
fn text(line: &[u8], quoted: Quoted, record: &mut Record) -> Span {
    let range = quoted.start..quoted.end;
    let raw = &line[range.clone()];
    if !quoted.escapes || memchr(b'\\', raw).is_none() {
        return Span::in_line(range);
    }
    let start = record.unescaped.len();
    unescape(raw, &mut record.unescaped);
    Span::unescaped(start..record.unescaped.len())
}

fn unescape(mut raw: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr(b'\\', raw) {
        out.extend_from_slice(&raw[..at]);
        let (byte, length) = match &raw[at + 1..] {
            [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), 4)
            }
            [b'n', ..] => (b'\n', 2),
            [b'r', ..] => (b'\r', 2),
            [b't', ..] => (b'\t', 2),
            [b'b', ..] => (0x08, 2),
            [b'v', ..] => (0x0b, 2),
            [b'f', ..] => (0x0c, 2),
            [quote @ (b'"' | b'\\'), ..] => (*quote, 2),
            _ => (b'\\', 1),
        };
        out.push(byte);
        raw = &raw[at + length..];
    }
    out.extend_from_slice(raw);
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Takes `GET /csp?id=home HTTP/1.1` apart; a space within the target is the target's.
fn request_line(line: &[u8], asked: Span, record: &mut Record) -> Result<(), Why> {
    let text = record.bytes(line).at(asked);
    let method = memchr(b' ', text).ok_or_else(|| Why::Request(Excerpt::of(text)))?;
    let end = match memrchr(b' ', text) {
        Some(space) if space > method && text[space + 1..].starts_with(b"HTTP/") => space,
        _ => text.len(),
    };
    let target = method + 1..end;
    let path = request::path(&text[target.clone()])?;
    request::check_method(&text[..method])?;
    record.method = asked.within(0..method);
    record.aim(line, asked.within(target.start + path..target.end));
    Ok(())
}

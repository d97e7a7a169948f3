//! What was read from a line, without borrowing from it.
//!
//! A record keeps places in the line, and a little buffer for text that the line has escaped.
//! It is used again for every line, so reading a log allocates nothing, and the next line of each
//! of several logs can wait its turn.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use portalmeter_rules::target;
use portalmeter_rules::time::Millis;
use serde_json::Value;

/// The facts of one line, as places in its bytes.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) at: Millis,
    pub(super) client: IpAddr,
    pub(super) method: Span,
    pub(super) host: Option<Span>,
    pub(super) target: Span,
    pub(super) status: u16,
    pub(super) remote_user: Option<Span>,
    /// Whether the format writes down all cookies, so that none written means none sent.
    pub(super) tells_cookies: bool,
    /// Whether the line writes down the User-Agent, be it that there was none.
    pub(super) tells_agent: bool,
    pub(super) request: Vec<Field>,
    pub(super) response: Vec<Field>,
    /// What the portal would say of the sender, for `explain`; no log has it.
    pub(super) probe: Option<Value>,
    /// Text that stands in the line in another form.
    pub(super) unescaped: Vec<u8>,
}

/// One header field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: FieldName,
    pub(super) value: Span,
}

/// The name of a header field.
#[derive(Debug, Clone, Copy)]
pub(super) enum FieldName {
    /// One that the format implies, in lower case.
    Implied(&'static str),
    /// One that the line spells, in any case.
    Written(Span),
}

/// A place in the line or in the record's `unescaped`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    unescaped: bool,
    start: u32,
    end: u32,
}

/// The bytes that spans point into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a> {
    pub(super) line: &'a [u8],
    pub(super) unescaped: &'a [u8],
}

impl Record {
    /// Forgets the last line and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.host = None;
        self.remote_user = None;
        self.tells_cookies = false;
        self.tells_agent = false;
        self.request.clear();
        self.response.clear();
        self.probe = None;
        self.unescaped.clear();
    }

    /// Keeps `text`, which is not in the line as it stands.
    pub(super) fn keep(&mut self, text: &[u8]) -> Span {
        let start = self.unescaped.len();
        self.unescaped.extend_from_slice(text);
        Span::unescaped(start..self.unescaped.len())
    }

    /// Takes note of a target in the one form that the rules go by.
    pub(super) fn aim(&mut self, line: &[u8], target: Span) {
        self.target = match target::normal(self.bytes(line).at(target)) {
            Cow::Borrowed(_) => target,
            Cow::Owned(normal) => self.keep(&normal),
        };
    }

    /// Keeps header fields that are in no line of this record.
    pub(super) fn keep_fields<'f>(&mut self, fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> Vec<Field> {
        let kept = fields.map(|(name, value)| {
            let name = FieldName::Written(self.keep(name));
            Field { name, value: self.keep(value) }
        });
        kept.collect()
    }

    pub(super) fn bytes<'a>(&'a self, line: &'a [u8]) -> Bytes<'a> {
        Bytes { line, unescaped: &self.unescaped }
    }
}

impl Default for Record {
    fn default() -> Self {
        Self {
            at: 0,
            client: Ipv4Addr::UNSPECIFIED.into(),
            method: Span::default(),
            host: None,
            target: Span::default(),
            status: 0,
            remote_user: None,
            tells_cookies: false,
            tells_agent: false,
            request: Vec::new(),
            response: Vec::new(),
            probe: None,
            unescaped: Vec::new(),
        }
    }
}

impl Span {
    /// A place in the line, which is never longer than `u32` can tell.
    pub(super) fn in_line(range: Range<usize>) -> Self {
        Self { unescaped: false, start: range.start as u32, end: range.end as u32 }
    }

    /// A place in the record's `unescaped`.
    pub(super) fn unescaped(range: Range<usize>) -> Self {
        Self { unescaped: true, start: range.start as u32, end: range.end as u32 }
    }

    /// The place of `part`, which must be borrowed from `line`.
    pub(super) fn of(part: &[u8], line: &[u8]) -> Self {
        let start = part.as_ptr().addr() - line.as_ptr().addr();
        Self::in_line(start..start + part.len())
    }

    /// A place within this place.
    pub(super) fn within(self, range: Range<usize>) -> Self {
        Self { start: self.start + range.start as u32, end: self.start + range.end as u32, ..self }
    }
}

impl<'a> Bytes<'a> {
    pub(super) fn at(self, span: Span) -> &'a [u8] {
        let bytes = if span.unescaped { self.unescaped } else { self.line };
        bytes.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    pub(super) fn name(self, name: FieldName) -> &'a [u8] {
        match name {
            FieldName::Implied(name) => name.as_bytes(),
            FieldName::Written(span) => self.at(span),
        }
    }
}

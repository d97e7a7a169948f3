//! One request of a log, as the rules want to see it.

use std::fmt;
use std::net::IpAddr;

use portalmeter_rules::facts::{Headers, Origin, Request, Response};
use portalmeter_rules::time::Millis;
use serde_json::Value;

use super::record::{Bytes, Field, Record};

/// One request and its answer, borrowed from the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// The log it stands in.
    #[expect(dead_code, reason = "only skipped lines are told by their log's name")]
    pub(crate) file: &'a str,
    /// Its number there, from 1.
    pub(crate) number: u64,
    /// When the request arrived, as the log has it.
    pub(crate) at: Millis,
    /// The client's address.
    pub(crate) client: IpAddr,
    /// The method as sent.
    pub(crate) method: &'a [u8],
    /// The host without port, in lower case; `None` where the log names none.
    pub(crate) host: Option<&'a str>,
    /// Path and query, beginning with `/`.
    pub(crate) target: &'a [u8],
    /// The status code of the answer.
    pub(crate) status: u16,
    /// The user whom `combined` names.
    pub(crate) remote_user: Option<&'a [u8]>,
    /// Whether a cookie that is not told was not there.
    pub(crate) tells_cookies: bool,
    /// Whether a User-Agent that is not told was not there.
    pub(crate) tells_agent: bool,
    /// What the log tells of the request's header.
    pub(crate) request_headers: Fields<'a>,
    /// What the log tells of the answer's header.
    pub(crate) response_headers: Fields<'a>,
    /// What the portal would say of the sender.
    pub(crate) probe: Option<&'a Value>,
}

/// The header fields that a log tells of. A field logged as `-` or as nothing at all is not there; of the
/// former it is known that the log does not tell.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    fields: &'a [Field],
    bytes: Bytes<'a>,
}

impl<'a> Line<'a> {
    pub(super) fn new(file: &'a str, number: u64, record: &'a Record, line: &'a [u8]) -> Self {
        let bytes = record.bytes(line);
        Self {
            file,
            number,
            at: record.at,
            client: record.client,
            method: bytes.at(record.method),
            host: record.host.and_then(|host| std::str::from_utf8(bytes.at(host)).ok()),
            target: bytes.at(record.target),
            status: record.status,
            remote_user: record.remote_user.map(|user| bytes.at(user)),
            tells_cookies: record.tells_cookies,
            tells_agent: record.tells_agent,
            request_headers: Fields { fields: &record.request, bytes },
            response_headers: Fields { fields: &record.response, bytes },
            probe: record.probe.as_ref(),
        }
    }

    /// What the client asked, for the rules. The log's writer counts as a trusted peer, so its
    /// `x-forwarded-proto` says whether the client spoke https.
    pub(crate) fn request(&self) -> Request<'_> {
        let proto = self.request_headers.first("x-forwarded-proto");
        Request {
            at: self.at,
            origin: Origin::Log,
            client: self.client,
            trusted_peer: true,
            https: proto.is_some_and(|proto| proto.trim_ascii().eq_ignore_ascii_case(b"https")),
            method: self.method,
            host: self.host,
            target: self.target,
            remote_user: self.remote_user,
            answers: &[],
            tells_cookies: self.tells_cookies,
            tells_agent: self.tells_agent,
            headers: &self.request_headers,
        }
    }

    /// What the portal answered, for the rules.
    pub(crate) fn response(&self) -> Response<'_> {
        Response { status: self.status, headers: &self.response_headers }
    }
}

impl<'a> Fields<'a> {
    /// Every field, its name as written, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.written().filter(|(_, value)| *value != UNTOLD)
    }

    /// The fields with those that are not told.
    fn written(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let bytes = self.bytes;
        self.fields.iter().map(move |field| (bytes.name(field.name), bytes.at(field.value)))
    }
}

impl Headers for Fields<'_> {
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.iter()
            .filter(|(written, _)| written.eq_ignore_ascii_case(name.as_bytes()))
            .for_each(|(_, value)| visit(value));
    }

    fn untold(&self, name: &str) -> bool {
        self.written().any(|(written, value)| value == UNTOLD && written.eq_ignore_ascii_case(name.as_bytes()))
    }

    fn first<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|(written, _)| written.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.iter().map(|(name, value)| (name.escape_ascii().to_string(), value.escape_ascii().to_string())),
            )
            .finish()
    }
}

/// What a log writes of a field to say nothing.
const UNTOLD: &[u8] = b"-";

/// A line kept for later, when its log is read no more.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    record: Record,
    line: Box<[u8]>,
}

impl Kept {
    /// Keeps what a line tells.
    pub(crate) fn of(line: &Line<'_>) -> Self {
        let mut record = Record { at: line.at, client: line.client, status: line.status, ..Record::default() };
        record.method = record.keep(line.method);
        record.host = line.host.map(|host| record.keep(host.as_bytes()));
        record.target = record.keep(line.target);
        record.remote_user = line.remote_user.map(|user| record.keep(user));
        record.tells_cookies = line.tells_cookies;
        record.tells_agent = line.tells_agent;
        record.request = record.keep_fields(line.request_headers.written());
        record.response = record.keep_fields(line.response_headers.written());
        Self { line: Box::default(), record }
    }

    /// The line again.
    pub(crate) fn line(&self) -> Line<'_> {
        Line::new("", 0, &self.record, &self.line)
    }
}

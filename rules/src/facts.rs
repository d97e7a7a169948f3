//! A borrowed view of one exchange: what the client asked and what the portal answered.
//!
//! The proxy builds it from Pingora's headers, `replay` and `explain` from log lines. Rules read
//! nothing else, so all three give the same verdict for the same facts.

use std::net::IpAddr;

use crate::identity::probe::Answer;
use crate::time::Millis;

/// Header fields of a request or a response, looked up without regard to case.
///
/// Values are bytes: a header need not be UTF-8.
pub trait Headers {
    /// Calls `visit` with each value of the fields named `name` (given in lower case), in order.
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8]));

    /// The first value of the fields named `name`.
    fn first<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        let mut found = None;
        self.each(name, &mut |value| {
            if found.is_none() {
                found = Some(value);
            }
        });
        found
    }

    /// Whether a log says `-` of the fields named `name`, and so nothing: not even that there were none.
    fn untold(&self, _name: &str) -> bool {
        false
    }

    /// Whether a field named `name` is there.
    fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }
}

/// The value of the field named `name`; `None` too where there are several that differ.
pub fn only<'a>(headers: &'a dyn Headers, name: &str) -> Option<&'a [u8]> {
    let (mut found, mut differ) = (None, false);
    headers.each(name, &mut |value| differ |= *found.get_or_insert(value) != value);
    found.filter(|_| !differ)
}

/// No headers at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHeaders;

impl Headers for NoHeaders {
    fn each<'a>(&'a self, _: &str, _: &mut dyn FnMut(&'a [u8])) {}
}

/// Where the facts come from; a log tells less than the wire does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A request on the wire: cookies of ours are verified, peers are trusted by address.
    Wire,
    /// A log line: its writer counts as a trusted peer, and its cookie values are taken as they stand.
    Log,
}

/// What the client asked.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, none of which follows from another")]
pub struct Request<'a> {
    /// When the request arrived, in milliseconds since the Unix epoch.
    pub at: Millis,
    /// Wire or log.
    pub origin: Origin,
    /// The client's own address, trusted proxies already seen through.
    pub client: IpAddr,
    /// Whether the peer may set identity headers (it is one of `trusted_proxies`, or wrote the log).
    pub trusted_peer: bool,
    /// Whether the client spoke https to us or to a trusted proxy.
    pub https: bool,
    /// The method, upper case as sent.
    pub method: &'a [u8],
    /// The host asked for, without port, lower case; `None` where a log names none.
    pub host: Option<&'a str>,
    /// Path and query as sent, beginning with `/`.
    pub target: &'a [u8],
    /// Whether absent cookies, or fields an auth proxy sets, mean that there were none; a combined log tells of neither.
    pub tells_cookies: bool,
    /// Whether an absent User-Agent means that there was none.
    pub tells_agent: bool,
    /// The user a log line names outside its headers (`$remote_user`).
    pub remote_user: Option<&'a [u8]>,
    /// What portals said when they were asked who holds the cookies; a log knows of none.
    pub answers: &'a [Answer],
    /// The header fields.
    pub headers: &'a dyn Headers,
}

impl<'a> Request<'a> {
    /// The path without its query.
    pub fn path(&self) -> &'a [u8] {
        let end = memchr::memchr(b'?', self.target).unwrap_or(self.target.len());
        &self.target[..end]
    }

    /// Whether a field named `name` that is not there was not sent; a log may just not tell.
    pub fn tells(&self, name: &str) -> bool {
        self.tells_cookies && !self.headers.untold(name)
    }

    /// The User-Agent, empty where there is none.
    pub fn user_agent(&self) -> &'a [u8] {
        self.headers.first("user-agent").unwrap_or_default()
    }
}

/// What the portal answered.
#[derive(Clone, Copy)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: &'a dyn Headers,
}

//! Which browser is it? What a request and its response say about that, in each mode.
//!
//! This reads names only. Which visitor a name stands for, after cookies were renewed, refused or
//! handed to two tabs at once, is kept by the meter's name table.

use std::cell::OnceCell;
use std::fmt;
use std::net::IpAddr;
use std::ops::ControlFlow;

use crate::cookies::{self, Given};
use crate::facts::{Origin, Request, Response};
use crate::id::{Name, NameKey, Role};

pub mod ticket;

use ticket::{Ticket, TicketKeys};

/// How a portal tells browsers apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// By a cookie of the meter's own.
    Cookie,
    /// By the portal's own session cookie, the first of these names that is there.
    PortalCookie(Vec<String>),
    /// By address, User-Agent and Accept-Language.
    Fingerprint,
}

impl Mode {
    /// Its name in configurations.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::PortalCookie(_) => "portal_cookie",
            Self::Fingerprint => "fingerprint",
        }
    }
}

/// A portal's rules for telling browsers apart.
#[derive(Debug, Clone)]
pub struct VisitorRules {
    /// How.
    pub mode: Mode,
    /// The meter's cookie.
    pub cookie: OwnCookie,
}

/// The meter's own cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCookie {
    /// Its name, without `__Host-`.
    pub name: String,
    /// Its domain, where one browser is met on several hosts.
    pub domain: Option<String>,
    /// When it is `Secure`.
    pub secure: Secure,
    /// Embedded in other sites: `SameSite=None; Partitioned`.
    pub embedded: bool,
}

/// When the meter's cookie is `Secure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secure {
    /// On https.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

const HOST_PREFIX: &str = "__Host-";

impl OwnCookie {
    fn is_secure(&self, https: bool) -> bool {
        match self.secure {
            Secure::Auto => https,
            Secure::Always => true,
            Secure::Never => false,
        }
    }

    /// Whether a request's cookie of this name is one of ours.
    pub fn is_ours(&self, name: &[u8]) -> bool {
        name.strip_prefix(HOST_PREFIX.as_bytes()).unwrap_or(name) == self.name.as_bytes()
    }

    /// The `Set-Cookie` line that hands out `value`; it lives as long as the browser session.
    pub fn set(&self, value: &str, https: bool) -> String {
        let secure = self.is_secure(https);
        let prefix = if secure && https && self.domain.is_none() { HOST_PREFIX } else { "" };
        let domain = self.domain.as_deref().map(|domain| format!("; Domain={domain}")).unwrap_or_default();
        let site = match (self.embedded && secure, secure) {
            (true, _) => "; SameSite=None; Secure; Partitioned",
            (false, true) => "; SameSite=Lax; Secure",
            (false, false) => "; SameSite=Lax",
        };
        format!("{prefix}{}={value}; Path=/{domain}; HttpOnly{site}", self.name)
    }
}

/// What an exchange says about which browser it is.
#[derive(Debug)]
pub struct Traces<'a> {
    /// Address, User-Agent and Accept-Language, within one cookie jar.
    pub fingerprint: Fingerprint<'a>,
    /// The mode's cookie as it came with the request.
    pub presented: Option<Ticket>,
    /// What the response does to the mode's cookie.
    pub response: Option<Handed>,
    /// A fingerprint is all there will ever be, so that a known user is part of the visitor.
    pub fingerprint_only: bool,
}

/// A fingerprint, made when it is asked for: whoever has a cookie rarely needs one.
pub struct Fingerprint<'a> {
    of: Option<(&'a VisitorRules, &'a Request<'a>, &'a NameKey)>,
    made: OnceCell<Name>,
}

/// What a response does to the mode's cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// It hands out a value of this name.
    Out(Name),
    /// It deletes it.
    Deleted,
}

/// Keys that visitor rules need.
#[derive(Debug, Clone)]
pub struct VisitorKeys {
    /// Makes names.
    pub names: NameKey,
    /// Signs and verifies the meter's cookie.
    pub tickets: TicketKeys,
}

impl VisitorRules {
    /// Reads the traces of an exchange.
    pub fn traces<'a>(
        &'a self,
        request: &'a Request<'a>,
        response: &Response<'_>,
        keys: &'a VisitorKeys,
    ) -> Traces<'a> {
        let mut traces = Traces {
            fingerprint: Fingerprint { of: Some((self, request, &keys.names)), made: OnceCell::new() },
            presented: None,
            response: None,
            fingerprint_only: self.mode == Mode::Fingerprint,
        };
        match &self.mode {
            Mode::Cookie => self.own(request, response, keys, &mut traces),
            Mode::PortalCookie(names) => portal_cookie(names, request, response, keys, &mut traces),
            Mode::Fingerprint => {}
        }
        traces
    }

    fn own(&self, request: &Request<'_>, response: &Response<'_>, keys: &VisitorKeys, traces: &mut Traces<'_>) {
        let log = request.origin == Origin::Log;
        cookies::each(request.headers, &mut |name, value| {
            if self.cookie.is_ours(name) {
                traces.presented = keys.tickets.read(value).or_else(|| {
                    // A log's writer is trusted: what it calls our cookie is taken as it stands.
                    (log && !value.is_empty()).then(|| Ticket::bare(keys.names.name(Role::Cookie, &[value])))
                });
            }
            if traces.presented.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if log {
            let secure = format!("{HOST_PREFIX}{}", self.cookie.name);
            let given = cookies::given(response.headers, self.cookie.name.as_bytes())
                .or_else(|| cookies::given(response.headers, secure.as_bytes()));
            if let Some(Given::Value(value)) = given {
                let ticket = keys.tickets.read(value);
                let name = ticket.map_or_else(|| keys.names.name(Role::Cookie, &[value]), |ticket| ticket.name);
                traces.response = Some(Handed::Out(name));
            }
        }
    }
}

impl Fingerprint<'_> {
    /// Its name.
    pub fn name(&self) -> Name {
        *self.made.get_or_init(|| self.of.map_or_else(Name::default, |(rules, request, key)| make(rules, request, key)))
    }
}

/// A fingerprint whose name is known already.
impl From<Name> for Fingerprint<'_> {
    fn from(name: Name) -> Self {
        Self { of: None, made: OnceCell::from(name) }
    }
}

fn make(rules: &VisitorRules, request: &Request<'_>, key: &NameKey) -> Name {
    let jar = match &rules.cookie.domain {
        Some(domain) => domain.as_str(),
        None => request.host.unwrap_or_default(),
    };
    let language = request.headers.first("accept-language").unwrap_or_default();
    let (address, used) = device(request.client);
    let mode = rules.mode.name().as_bytes();
    key.name(Role::Fingerprint, &[mode, jar.as_bytes(), &address[..used], request.user_agent(), language])
}

impl fmt::Debug for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fingerprint").field(&self.made.get()).finish()
    }
}

fn portal_cookie(
    names: &[String],
    request: &Request<'_>,
    response: &Response<'_>,
    keys: &VisitorKeys,
    traces: &mut Traces<'_>,
) {
    let name_of = |cookie: &str, value: &[u8]| keys.names.name(Role::PortalCookie, &[cookie.as_bytes(), value]);
    for cookie in names {
        let value = cookies::first(request.headers, cookie.as_bytes());
        if traces.presented.is_none() {
            traces.presented = value.map(|value| Ticket::bare(name_of(cookie, value)));
        }
        if traces.response.is_none() {
            traces.response = cookies::given(response.headers, cookie.as_bytes()).map(|given| match given {
                Given::Value(value) => Handed::Out(name_of(cookie, value)),
                Given::Deleted => Handed::Deleted,
            });
        }
    }
    // The same value handed out again is no news.
    if let (Some(ticket), Some(Handed::Out(name))) = (&traces.presented, &traces.response)
        && ticket.name == *name
    {
        traces.response = None;
    }
}

/// The visitor that a bot is: its address and User-Agent.
pub fn bot(request: &Request<'_>, key: &NameKey) -> Name {
    let (address, used) = device(request.client);
    key.name(Role::Bot, &[&address[..used], request.user_agent()])
}

/// What is kept of an address: all of an IPv4 address, the first 64 bits of an IPv6 one.
fn device(address: IpAddr) -> ([u8; 8], usize) {
    let mut bytes = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            bytes[..4].copy_from_slice(&v4.octets());
            (bytes, 4)
        }
        IpAddr::V6(v6) => {
            bytes.copy_from_slice(&v6.octets()[..8]);
            (bytes, 8)
        }
    }
}

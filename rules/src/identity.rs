//! Who is it? A portal's identity sources in order; the first with something to say decides.
//!
//! Only sources that the client cannot forge may yield internal: it makes a session free of charge.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use ipnet::IpNet;

use serde_json::Value;

use crate::facts::{Headers, NoHeaders, Origin, Request, Response, only};
use crate::id::{Name, NameKey, Role};
use crate::pattern::Pattern;
use crate::roles::{self, Roles};
use crate::verdict::Evidence;
use crate::{cookies, sharing};

pub mod jwt;
pub mod keys;
pub mod named;
pub mod probe;
mod verified;

use jwt::Token;
use probe::{Probe, Told};

/// One source, and the name of its rule.
#[derive(Debug, Clone)]
pub struct Source {
    /// Named in records, such as `identity 2: cookie`.
    pub rule: Arc<str>,
    /// What it asks.
    pub kind: SourceKind,
}

/// What a source asks.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// The client's address.
    Network {
        /// Networks of colleagues.
        internal: Vec<IpNet>,
    },
    /// What the portal says of itself.
    ResponseHeader(ResponseHeader),
    /// A signed token in a cookie or a header.
    Jwt(Box<Token>),
    /// What an auth proxy set.
    Header(HeaderNames),
    /// The presence of a cookie.
    Cookie {
        /// Cookies that only the signed-in have.
        logged_in: Vec<Pattern>,
        /// The cookie whose value names the user.
        user: Option<String>,
    },
    /// What the portal says when it is asked.
    Probe(Arc<Probe>),
}

/// Names of the header fields that tell who is signed in, in lower case.
#[derive(Debug, Clone, Default)]
pub struct HeaderNames {
    /// Names the user.
    pub user: Option<String>,
    /// Lists the roles.
    pub roles: Option<String>,
    /// Names the company.
    pub account: Option<String>,
}

/// A header by which the portal says who it thinks is there.
#[derive(Debug, Clone)]
pub struct ResponseHeader {
    /// The field, in lower case.
    pub header: String,
    /// Its value for a signed-in user; absent: any that is not the guest's.
    pub external: Option<String>,
    /// Its value for a guest.
    pub guest: Option<String>,
    /// More of it.
    pub names: HeaderNames,
    /// Whether the client gets to see these fields.
    pub hide: bool,
}

/// What the sources made of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The evidence; `None`: not to be observed at all.
    pub evidence: Option<Evidence>,
    /// The signed-in user.
    pub user: Option<Name>,
    /// The user's company.
    pub account: Option<Arc<str>>,
    /// The source that decided.
    pub rule: Arc<str>,
}

/// What one source says before roles are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Says<'a> {
    Guest,
    Internal,
    SignedIn(Person<'a>),
}

/// A signed-in user as a source describes one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person<'a> {
    /// The user's id, as the source writes it.
    pub user: Option<Cow<'a, [u8]>>,
    /// The roles; `None`: the source knows nothing of roles.
    pub roles: Option<Vec<String>>,
    /// The company.
    pub account: Option<String>,
}

/// What the sources need beside the exchange.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Makes users' names.
    pub key: &'a NameKey,
    /// What roles mean.
    pub roles: &'a Roles,
    /// The rule named when nobody speaks.
    pub nobody: &'a Arc<str>,
}

/// Asks the sources in order.
pub fn identify(sources: &[Source], request: &Request<'_>, response: &Response<'_>, context: Context<'_>) -> Identity {
    for source in sources {
        let Some(says) = source.kind.ask(request, response) else { continue };
        let rule = Arc::clone(&source.rule);
        return match says {
            Says::Guest => Identity { evidence: Some(Evidence::Guest), user: None, account: None, rule },
            Says::Internal => Identity { evidence: Some(Evidence::Internal), user: None, account: None, rule },
            Says::SignedIn(person) => signed_in(person, source.kind.is_trusted(), rule, context),
        };
    }
    if let Some(user) = request.remote_user {
        let person = Person { user: Some(user.into()), ..Person::default() };
        return signed_in(person, true, "remote user".into(), context);
    }
    Identity { evidence: Some(Evidence::Unknown), user: None, account: None, rule: Arc::clone(context.nobody) }
}

/// Whether a source before this probe has something to say already, so that the portal need not be asked.
pub fn is_settled_before(probe: &Arc<Probe>, sources: &[Source], request: &Request<'_>) -> bool {
    let nothing_yet = Response { status: 0, headers: &NoHeaders };
    let is_it = |source: &&Source| matches!(&source.kind, SourceKind::Probe(other) if Arc::ptr_eq(other, probe));
    sources.iter().take_while(|source| !is_it(source)).any(|source| source.kind.ask(request, &nothing_yet).is_some())
}

fn signed_in(person: Person<'_>, trusted: bool, rule: Arc<str>, context: Context<'_>) -> Identity {
    let evidence = match &person.roles {
        Some(roles) => context.roles.evidence(&roles.iter().map(String::as_str), trusted),
        None => Some(Evidence::External),
    };
    if evidence == Some(Evidence::Guest) {
        return Identity { evidence, user: None, account: None, rule };
    }
    Identity {
        evidence,
        user: person.user.map(|user| context.key.name(Role::User, &[&user])),
        account: person.account.map(|account| bounded(&account).into()),
        rule,
    }
}

/// An account's name, held to 128 characters.
fn bounded(account: &str) -> &str {
    account.char_indices().nth(128).map_or(account, |(end, _)| account.get(..end).unwrap_or(account))
}

impl SourceKind {
    /// Whether the client cannot forge what it says.
    pub fn is_trusted(&self) -> bool {
        !matches!(self, Self::Cookie { .. })
    }

    /// Its name in configurations.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Network { .. } => "network",
            Self::ResponseHeader(_) => "response_header",
            Self::Jwt(_) => "jwt",
            Self::Header(_) => "header",
            Self::Cookie { .. } => "cookie",
            Self::Probe(_) => "probe",
        }
    }

    fn ask<'a>(&self, request: &Request<'a>, response: &Response<'a>) -> Option<Says<'a>> {
        match self {
            Self::Network { internal } => {
                let inside = internal.iter().any(|net| net.contains(&request.client));
                inside.then_some(Says::Internal)
            }
            Self::ResponseHeader(marker) => marker.ask(response),
            Self::Jwt(token) => token.ask(request).map(|holder| match holder {
                jwt::Holder::Nobody => Says::Guest,
                jwt::Holder::Person(person) => Says::SignedIn(person),
            }),
            Self::Header(names) => names.ask(request),
            Self::Cookie { logged_in, user } => ask_cookies(logged_in, user.as_deref(), request),
            Self::Probe(probe) => probe.ask(request).map(|told| match told {
                Told::Guest => Says::Guest,
                Told::Person(person) => Says::SignedIn(person.clone()),
            }),
        }
    }
}

impl ResponseHeader {
    fn ask<'a>(&self, response: &Response<'a>) -> Option<Says<'a>> {
        // A shared answer says who it was made for, not who gets it.
        if sharing::may_be_shared(response) {
            return None;
        }
        let value = response.headers.first(&self.header)?.trim_ascii();
        let is = |wanted: &Option<String>| wanted.as_ref().is_some_and(|text| text.as_bytes() == value);
        if is(&self.guest) {
            return Some(Says::Guest);
        }
        let external = is(&self.external) || (self.external.is_none() && !value.is_empty());
        external.then(|| Says::SignedIn(self.names.person(response.headers)))
    }

    /// The fields the client shall not see.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        let fields = self.names.all().chain([self.header.as_str()]);
        fields.filter(|_| self.hide)
    }
}

impl HeaderNames {
    fn ask<'a>(&self, request: &Request<'a>) -> Option<Says<'a>> {
        if !request.trusted_peer {
            return None;
        }
        let field = self.user.as_deref()?;
        let user = request.headers.first(field).map(<[u8]>::trim_ascii);
        // Two users: an auth proxy that adds its own to the client's.
        if user.is_some() && only(request.headers, field).is_none() {
            return None;
        }
        match user.filter(|user| !user.is_empty()) {
            // A log's `-` says nothing.
            Some(b"-") if request.origin == Origin::Log => None,
            Some(_) => Some(Says::SignedIn(self.person(request.headers))),
            None => request.tells(field).then_some(Says::Guest),
        }
    }

    fn person<'a>(&self, headers: &'a dyn Headers) -> Person<'a> {
        let read = |name: &Option<String>| -> Option<&'a [u8]> {
            let value = headers.first(name.as_deref()?)?.trim_ascii();
            (!value.is_empty()).then_some(value)
        };
        let text = |name: &Option<String>| read(name).map(|value| String::from_utf8_lossy(value).into_owned());
        Person {
            user: read(&self.user).map(Cow::from),
            roles: self.roles.as_ref().map(|name| all_roles(headers, name)),
            account: text(&self.account),
        }
    }

    /// Every field named.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        [&self.user, &self.roles, &self.account].into_iter().filter_map(|name| name.as_deref())
    }
}

fn all_roles(headers: &dyn Headers, name: &str) -> Vec<String> {
    let mut all = Vec::new();
    headers.each(name, &mut |value| {
        let text = String::from_utf8_lossy(value);
        all.extend(roles::split(&text).map(str::to_owned));
    });
    all
}

/// Roles as JSON has them: a list, or text separated by commas.
fn roles_in(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(text)) => roles::split(text).map(str::to_owned).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn ask_cookies<'a>(logged_in: &[Pattern], user: Option<&str>, request: &Request<'a>) -> Option<Says<'a>> {
    // A log without cookies says nothing about them.
    if !request.tells("cookie") {
        return None;
    }
    let (mut there, mut who) = (false, None);
    cookies::each(request.headers, &mut |name, value| {
        there |= !value.is_empty() && logged_in.iter().any(|pattern| pattern.matches(name));
        if user.is_some_and(|user| user.as_bytes() == name) && !value.is_empty() {
            who = Some(Cow::from(value));
        }
        if there && (user.is_none() || who.is_some()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    Some(if there { Says::SignedIn(Person { user: who, ..Person::default() }) } else { Says::Guest })
}

//! All rules together: the verdict on one exchange, and the rule behind each part of it.

use std::sync::Arc;

use crate::agent::{Agents, Bot};
use crate::facts::{Request, Response};
use crate::id::Name;
use crate::identity::{self, Context, Source};
use crate::page::{Door, Pages};
use crate::portal::{Map, Module, ModuleRule, Place, Route};
use crate::roles::Roles;
use crate::verdict::{Evidence, Kind};
use crate::visitor::{self, Traces, VisitorKeys, VisitorRules};

/// All that is to know of a portal to judge its traffic.
#[derive(Debug, Clone)]
pub struct Portal {
    /// Its name.
    pub name: Arc<str>,
    /// Its hosts and paths.
    pub place: Place,
    /// Where sessions are counted per module.
    pub module: Option<ModuleRule>,
    /// What is a page.
    pub pages: Pages,
    /// Who is it, asked in order.
    pub identity: Vec<Source>,
    /// What roles mean.
    pub roles: Roles,
    /// Which browser is it.
    pub visitor: VisitorRules,
    /// What is a bot.
    pub agents: Arc<Agents>,
}

/// The rules of all portals.
#[derive(Debug, Clone)]
pub struct Rules {
    portals: Vec<Portal>,
    map: Map,
    keys: VisitorKeys,
    nobody: Arc<str>,
}

/// The verdict on an exchange that is to be observed.
#[derive(Debug, Clone)]
pub struct Verdict<'a> {
    /// Page, activity or logout.
    pub kind: Kind,
    /// The rule that said so.
    pub kind_rule: Arc<str>,
    /// The portals it is observed in: one, or at a sign-out all of the host.
    pub seen_in: SeenIn<'a>,
    /// Who sent it.
    pub sender: Sender,
}

/// Where an exchange is observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenIn<'a> {
    /// In one portal.
    Portal(usize),
    /// In one module of a portal.
    Module(usize, Module<'a>),
    /// In every live session of the visitor on the host.
    Host(&'a [usize]),
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub struct Sender {
    /// What is proven.
    pub evidence: Evidence,
    /// The signed-in user.
    pub user: Option<Name>,
    /// The user's company.
    pub account: Option<Arc<str>>,
    /// The bot it is.
    pub bot: Option<Bot>,
    /// The rule that decided.
    pub rule: Arc<str>,
}

/// Why an exchange is not observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// No portal answers to that host.
    UnknownHost,
    /// It lies in no portal's paths, and no portal's page sent it.
    OutsidePaths,
    /// It lies in no module.
    NoModule,
    /// A rule ignores it.
    Ignored(Arc<str>),
    /// The user's roles are of no interest here; the rule that found them.
    UnmappedRoles(Arc<str>),
}

impl Portal {
    fn bot(&self, request: &Request<'_>) -> Option<Bot> {
        self.agents.sender(request)
    }
}

impl Rules {
    /// The rules of these portals; a portal is known by its position.
    pub fn new(portals: Vec<Portal>, keys: VisitorKeys) -> Self {
        let map = Map::new(portals.iter().map(|portal| portal.place.clone()).collect());
        Self { portals, map, keys, nobody: "nobody said".into() }
    }

    /// The portals, in order of their positions.
    pub fn portals(&self) -> &[Portal] {
        &self.portals
    }

    /// The keys for names and cookies.
    pub fn keys(&self) -> &VisitorKeys {
        &self.keys
    }

    /// Where a request goes.
    pub fn route(&self, host: Option<&str>, path: &[u8]) -> Option<Route<'_>> {
        self.map.route(host, path)
    }

    /// The portals of the host asked for.
    pub fn on_host(&self, request: &Request<'_>) -> &[usize] {
        self.map.route(request.host, request.path()).map_or(&[], |route| route.on_host)
    }

    /// Judges an exchange.
    pub fn judge<'a>(&'a self, request: &Request<'a>, response: &Response<'_>) -> Result<Verdict<'a>, Unseen> {
        let route = self.map.route(request.host, request.path()).ok_or(Unseen::UnknownHost)?;
        let door = self.door(&route, request.target);
        let leaves = matches!(door, Some(Door::Logout(_)));
        let (portal, at_home) = match route.metered_by {
            Some(portal) => (portal, true),
            None => {
                (self.sent_from(request).or(door.as_ref().map(|_| route.served_by)).ok_or(Unseen::OutsidePaths)?, false)
            }
        };
        let rules = &self.portals[portal];
        let sorted = rules.pages.sort(request, response, door.as_ref());
        let mut kind = sorted.kind.ok_or_else(|| Unseen::Ignored(Arc::clone(&sorted.rule)))?;
        if !at_home && kind == Kind::Page {
            kind = Kind::Activity;
        }
        let seen_in = match (&rules.module, kind) {
            (_, Kind::Logout) => SeenIn::Host(route.on_host),
            (_, Kind::Activity) if leaves || (door.is_some() && !at_home) => SeenIn::Host(route.on_host),
            (None, _) => SeenIn::Portal(portal),
            (Some(module), _) => SeenIn::Module(portal, module.module(request.path()).ok_or(Unseen::NoModule)?),
        };
        let sender = self.sender(rules, request, response)?;
        Ok(Verdict { kind, kind_rule: sorted.rule, seen_in, sender })
    }

    /// The portal that a request belongs to, if its answer may turn out to be a page of a person.
    pub fn may_be_page(&self, request: &Request<'_>) -> Option<usize> {
        let route = self.map.route(request.host, request.path())?;
        let portal = route.metered_by?;
        let rules = &self.portals[portal];
        let may_be = rules.pages.may_be_page(request) && self.door(&route, request.target).is_none();
        (may_be && rules.bot(request).is_none()).then_some(portal)
    }

    /// The portal that an exchange is a page of.
    pub fn page_of(&self, request: &Request<'_>, response: &Response<'_>) -> Option<usize> {
        let route = self.map.route(request.host, request.path())?;
        let portal = route.metered_by?;
        let rules = &self.portals[portal];
        let sorted = rules.pages.sort(request, response, self.door(&route, request.target).as_ref());
        let person = sorted.kind == Some(Kind::Page) && rules.bot(request).is_none();
        person.then_some(portal)
    }

    /// Whether a request may change who is signed in at its host: anything but a reading method, and whatever
    /// passes a sign-in or sign-out address.
    pub fn may_change_who(&self, request: &Request<'_>) -> bool {
        let reads = matches!(request.method, b"GET" | b"HEAD" | b"OPTIONS");
        let route = self.map.route(request.host, request.path());
        route.is_some_and(|route| !reads || self.door(&route, request.target).is_some())
    }

    /// The traces of the browser, by one portal's rules.
    pub fn traces<'a>(
        &'a self,
        portal: usize,
        request: &'a Request<'a>,
        response: &Response<'_>,
    ) -> Option<Traces<'a>> {
        Some(self.portals.get(portal)?.visitor.traces(request, response, &self.keys))
    }

    /// Who sent a request, by one portal's rules, whatever was asked for.
    pub fn sender_in(&self, portal: usize, request: &Request<'_>, response: &Response<'_>) -> Result<Sender, Unseen> {
        self.sender(self.portals.get(portal).ok_or(Unseen::UnknownHost)?, request, response)
    }

    /// The visitor that a bot is.
    pub fn bot(&self, request: &Request<'_>) -> Name {
        visitor::bot(request, &self.keys.names)
    }

    /// Sign-in and sign-out addresses hold for the whole host, whichever portal of it names them.
    fn door(&self, route: &Route<'_>, target: &[u8]) -> Option<Door> {
        let doors = || route.on_host.iter().filter_map(|&portal| self.portals[portal].pages.door(target));
        doors().find(|door| matches!(door, Door::Logout(_))).or_else(|| doors().next())
    }

    /// The portal whose page sent a request that lies in no portal's paths.
    fn sent_from(&self, request: &Request<'_>) -> Option<usize> {
        let referer = std::str::from_utf8(request.headers.first("referer")?).ok()?;
        let rest = referer.strip_prefix("https://").or_else(|| referer.strip_prefix("http://"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = host_of(authority);
        let host = if request.host.is_none() { None } else { Some(host.as_str()) };
        self.map.route(host, path.as_bytes())?.metered_by
    }

    fn sender(&self, rules: &Portal, request: &Request<'_>, response: &Response<'_>) -> Result<Sender, Unseen> {
        if let Some(bot) = rules.bot(request) {
            let rule = Arc::clone(&bot.rule);
            return Ok(Sender { evidence: Evidence::Bot, user: None, account: None, bot: Some(bot), rule });
        }
        let context = Context { key: &self.keys.names, roles: &rules.roles, nobody: &self.nobody };
        let who = identity::identify(&rules.identity, request, response, context);
        let evidence = who.evidence.ok_or_else(|| Unseen::UnmappedRoles(Arc::clone(&who.rule)))?;
        Ok(Sender { evidence, user: who.user, account: who.account, bot: None, rule: who.rule })
    }
}

/// The host of an authority, lower case, without user and port.
pub fn host_of(authority: &str) -> String {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let end = match host.rfind(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    host.get(..end).unwrap_or(host).trim_end_matches('.').to_ascii_lowercase()
}

//! Which portal and module a request belongs to, and whose upstream serves it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::target;

/// A host a portal answers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// Exactly this one, lower case, without port.
    Exact(String),
    /// Any host below this one: `*.help.example.com` is `help.example.com` here.
    Below(String),
    /// Any host.
    Any,
}

/// The text is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host name, `*.` before one, or `*`")]
pub struct NotAHost(String);

impl std::str::FromStr for Host {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (name, below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
        let name = name.to_ascii_lowercase();
        let ipv6 = name.starts_with('[') && name.ends_with(']') && name.len() > 2;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let plain = !name.is_empty() && name.bytes().all(legal) && !name.starts_with('.') && !name.ends_with('.');
        match (plain || ipv6, below) {
            (false, _) => Err(NotAHost(text.to_owned())),
            (true, false) => Ok(Self::Exact(name)),
            (true, true) => Ok(Self::Below(name)),
        }
    }
}

/// Where a portal lies: its hosts, and the paths that are metered.
#[derive(Debug, Clone)]
pub struct Place {
    /// The hosts.
    pub hosts: Vec<Host>,
    /// Path prefixes, each of whole segments; `/` is everything.
    pub paths: Vec<String>,
    /// Serves what lies in no portal's paths on a shared host.
    pub default: bool,
}

/// Portals by host and path.
#[derive(Debug, Clone, Default)]
pub struct Map {
    exact: HashMap<String, Vec<usize>, foldhash::fast::RandomState>,
    below: Vec<(String, Vec<usize>)>,
    any: Vec<usize>,
    places: Vec<Place>,
}

/// What a host and a path lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'m> {
    /// The portal whose upstream serves it.
    pub served_by: usize,
    /// The portal whose metered paths it lies in.
    pub metered_by: Option<usize>,
    /// All portals of the host.
    pub on_host: &'m [usize],
}

impl Map {
    /// A map of these places; a portal is known by its position.
    pub fn new(places: Vec<Place>) -> Self {
        let mut map = Self { places, ..Self::default() };
        let mut below: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, place) in map.places.iter().enumerate() {
            for host in &place.hosts {
                let list = match host {
                    Host::Exact(name) => map.exact.entry(name.clone()).or_default(),
                    Host::Below(name) => below.entry(name.clone()).or_default(),
                    Host::Any => &mut map.any,
                };
                if !list.contains(&index) {
                    list.push(index);
                }
            }
        }
        map.below = below.into_iter().collect();
        map.below.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        map
    }

    /// Where a request goes; `None`: no portal answers to that host.
    ///
    /// A log that names no host means the portals of any host, or else the only portal.
    pub fn route(&self, host: Option<&str>, path: &[u8]) -> Option<Route<'_>> {
        let on_host = match host {
            Some(host) => self.on_host(host)?,
            None if self.any.is_empty() && self.places.len() == 1 => &ONLY,
            None => Some(&self.any[..]).filter(|any| !any.is_empty())?,
        };
        let in_other = || self.longest(on_host, &target::other(path)?);
        let metered_by = self.longest(on_host, path).or_else(in_other);
        let default = || on_host.iter().copied().find(|&index| self.places[index].default);
        let served_by = metered_by.or_else(default).or_else(|| on_host.first().copied())?;
        let metered_by = metered_by.or_else(|| target::is_doubtful(path).then_some(served_by));
        Some(Route { served_by, metered_by, on_host })
    }

    fn on_host(&self, host: &str) -> Option<&[usize]> {
        if let Some(list) = self.exact.get(host) {
            return Some(list);
        }
        let is_below =
            |name: &str| host.strip_suffix(name).is_some_and(|front| front.len() > 1 && front.ends_with('.'));
        if let Some((_, list)) = self.below.iter().find(|(name, _)| is_below(name)) {
            return Some(list);
        }
        (!self.any.is_empty()).then_some(&self.any)
    }

    fn longest(&self, on_host: &[usize], path: &[u8]) -> Option<usize> {
        let longest = |index: usize| {
            let lengths = self.places[index].paths.iter().filter(|prefix| lies_in(path, prefix)).map(String::len);
            lengths.max().map(|length| (length, std::cmp::Reverse(index)))
        };
        let best = on_host.iter().filter_map(|&index| longest(index)).max();
        best.map(|(_, std::cmp::Reverse(index))| index)
    }
}

const ONLY: [usize; 1] = [0];

fn lies_in(path: &[u8], prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/').as_bytes();
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Which module of a Web Embeddables portal a path belongs to: `/embed/{module}/**`.
#[derive(Debug, Clone)]
pub struct ModuleRule {
    before: String,
    after: crate::pattern::Pattern,
    names: Option<Vec<Arc<str>>>,
}

/// Why a module pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadModuleRule {
    /// No place for the name.
    #[error("the pattern `{0}` has no `{{module}}`")]
    NoModule(String),
    /// More in the segment than the name, or a wildcard before it.
    #[error("in `{0}`, `{{module}}` must be a whole segment, with no `*` before it")]
    NotASegment(String),
}

/// A module's name as a path gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Module<'a> {
    /// One of the configured names, or of few enough names to be told apart.
    Named(&'a str),
    /// Any other.
    Other,
}

impl ModuleRule {
    /// A rule from its pattern and, if configured, the names that exist.
    pub fn new(pattern: &str, names: Option<Vec<Arc<str>>>) -> Result<Self, BadModuleRule> {
        let wrong = || BadModuleRule::NotASegment(pattern.to_owned());
        let (before, after) =
            pattern.split_once("{module}").ok_or_else(|| BadModuleRule::NoModule(pattern.to_owned()))?;
        if !before.ends_with('/') || before.contains('*') || !(after.is_empty() || after.starts_with('/')) {
            return Err(wrong());
        }
        // `/**` asks for nothing behind the name: the bare module is the module too.
        let after = if after.is_empty() || after == "/**" || after == "/*" { "*" } else { after };
        let after = crate::pattern::Pattern::path(after).map_err(|_| wrong())?;
        Ok(Self { before: before.to_owned(), after, names })
    }

    /// The module a path belongs to; `None`: the path is not metered, however servers read it.
    pub fn module<'a>(&'a self, path: &'a [u8]) -> Option<Module<'a>> {
        let in_other = || target::other(path).is_some_and(|other| self.as_written(&other).is_some());
        let elsewhere = || (target::is_doubtful(path) || in_other()).then_some(Module::Other);
        self.as_written(path).or_else(elsewhere)
    }

    fn as_written<'a>(&'a self, path: &'a [u8]) -> Option<Module<'a>> {
        let rest = path.strip_prefix(self.before.as_bytes())?;
        let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() || !self.after.matches(after) {
            return None;
        }
        let legal = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let name = std::str::from_utf8(name).ok().filter(|name| name.len() <= 64 && name.as_bytes().iter().all(legal));
        Some(match (name, &self.names) {
            (Some(name), Some(names)) if names.iter().any(|known| **known == *name) => Module::Named(name),
            (Some(name), None) => Module::Named(name),
            _ => Module::Other,
        })
    }

    /// The configured names, if there is a list.
    pub fn names(&self) -> Option<&[Arc<str>]> {
        self.names.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(hosts: &[&str], paths: &[&str], default: bool) -> Place {
        Place {
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
            default,
        }
    }

    #[test]
    fn the_longest_path_wins_and_the_default_serves_the_rest() {
        let map =
            Map::new(vec![place(&["a.example"], &["/csp"], false), place(&["a.example"], &["/csp/partners"], true)]);
        let to = |path: &str| map.route(Some("a.example"), path.as_bytes()).map(|to| (to.served_by, to.metered_by));
        assert_eq!(to("/csp"), Some((0, Some(0))));
        assert_eq!(to("/csp/partners/x"), Some((1, Some(1))));
        assert_eq!(to("/cspx"), Some((1, None)));
    }

    #[test]
    fn exact_hosts_go_before_wildcards_before_any() {
        let map = Map::new(vec![
            place(&["*"], &["/"], false),
            place(&["*.example"], &["/"], false),
            place(&["a.example"], &["/"], false),
        ]);
        let to = |host| map.route(Some(host), b"/").map(|to| to.served_by);
        assert_eq!((to("a.example"), to("b.example"), to("example")), (Some(2), Some(1), Some(0)));
    }

    #[test]
    fn an_unknown_host_leads_nowhere() {
        let map = Map::new(vec![place(&["a.example"], &["/"], false)]);
        assert_eq!(map.route(Some("evil.example"), b"/"), None);
        assert_eq!(map.route(None, b"/").map(|to| to.served_by), Some(0));
    }

    #[test]
    fn a_module_is_one_segment_of_the_path() {
        let rule = ModuleRule::new("/embed/{module}/**", Some(vec!["chat".into(), "search".into()])).unwrap();
        assert_eq!(rule.module(b"/embed/chat/api/open"), Some(Module::Named("chat")));
        assert_eq!(rule.module(b"/embed/chat"), Some(Module::Named("chat")));
        assert_eq!(rule.module(b"/embed/CHAT\xff/x"), Some(Module::Other));
        assert_eq!(rule.module(b"/other/chat/x"), None);
        for read_in_two_ways in [&b"/embed%2Fchat/open"[..], b"/other/..;/embed/chat", b"/embed%5Cchat%2Fopen"] {
            assert_eq!(rule.module(read_in_two_ways), Some(Module::Other));
        }
        assert!(ModuleRule::new("/embed/*/x", None).is_err());
    }
}

//! What did somebody do? Which room and resource a request was for, and which action it was.
//!
//! Statistics for engagement, no part of a bill. A page by the rules of [`crate::page`] is a view; what it or another
//! exchange was besides has the name of an action. Names are bounded, and hold no query but the parameters that a portal
//! asks for: what people search for is nobody's business.

use std::sync::Arc;

use crate::pattern::Pattern;

mod carried;
mod naming;
mod template;

pub use carried::{Carried, carried};
pub use naming::{LONGEST, legible};
pub use template::{BadTemplate, Shape, Template};

use naming::{Path, value};

/// What a portal's engagement is gathered by.
#[derive(Debug, Clone)]
pub struct Engagement {
    /// Groups of pages by name. Of several that match the longest pattern wins; what is in none belongs to the room named
    /// like its first segment.
    pub rooms: Vec<(Arc<str>, Vec<Pattern>)>,
    /// Where ids stand that do not look like any.
    pub ids: Vec<Template>,
    /// Query parameters that name a resource, as single-page portals have them.
    pub parameters: Vec<String>,
    /// Query parameters that tell of a search.
    pub search: Vec<String>,
    /// Pages that show a record.
    pub records: Vec<Shape>,
    /// A portal's own actions; they go before the others.
    pub actions: Vec<OwnAction>,
}

/// An action of a portal's own.
#[derive(Debug, Clone)]
pub struct OwnAction {
    /// Its name.
    pub name: Arc<str>,
    /// What is asked for then; none, if only a browser knows.
    pub path: Option<Shape>,
    /// By which method; any, if none is named.
    pub method: Option<Verb>,
}

/// A method, as far as actions tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are")]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Other,
}

/// What is to know of an exchange that succeeded.
#[derive(Debug, Clone, Copy)]
pub struct Glance<'a> {
    /// Path and query in their one form.
    pub target: &'a [u8],
    /// Whether it was a page.
    pub page: bool,
    /// The method.
    pub verb: Verb,
    /// What came with the answer.
    pub carried: Carried,
}

/// Where something was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The group of pages.
    pub room: String,
    /// The page.
    pub resource: String,
}

/// What an exchange was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed<'e> {
    /// Where.
    pub place: Place,
    /// Whether it was a page view.
    pub view: bool,
    /// What else it was.
    pub action: Option<&'e str>,
}

/// A file was downloaded.
pub const DOWNLOAD: &str = "download";
/// A PDF was opened.
pub const PDF: &str = "pdf";
/// Something was searched for.
pub const SEARCH: &str = "search";
/// A record was looked at.
pub const RECORD: &str = "record";
/// What only a browser knows of: a video played, an image enlarged, a link out of the portal, a goal completed.
pub const BROWSERS: [&str; 4] = ["video", "image", "link", GOAL];
/// A goal was completed.
pub const GOAL: &str = "goal";
/// The query parameters of most searches.
pub const SEARCHES: [&str; 7] = ["q", "query", "search", "s", "k", "keywords", "term"];
/// The room of the first page of all.
const HOME: &str = "home";

impl Default for Engagement {
    fn default() -> Self {
        Self {
            rooms: Vec::new(),
            ids: Vec::new(),
            parameters: Vec::new(),
            search: SEARCHES.map(str::to_owned).into(),
            records: Vec::new(),
            actions: Vec::new(),
        }
    }
}

impl Verb {
    /// Every method that actions tell apart, by its name.
    pub const ALL: [(&str, Self); 5] = [
        ("GET", Self::Get),
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
        ("DELETE", Self::Delete),
    ];
}

impl From<&[u8]> for Verb {
    fn from(method: &[u8]) -> Self {
        match method {
            b"GET" => Self::Get,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"PATCH" => Self::Patch,
            b"DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

impl Engagement {
    /// Whether an exchange that is no page and carries nothing may be an action here.
    pub fn watches_calls(&self) -> bool {
        self.actions.iter().any(|action| action.path.is_some())
    }

    /// What an exchange was; `None`: neither a page nor an action.
    pub fn deed(&self, glance: &Glance<'_>) -> Option<Deed<'_>> {
        let action = self.action(glance);
        (glance.page || action.is_some()).then(|| Deed { place: self.place(glance.target), view: glance.page, action })
    }

    /// Where a target is.
    pub fn place(&self, target: &[u8]) -> Place {
        let (path, query) = parts(target);
        let segments = Path::of(path, &self.ids);
        let mut resource = segments.resource();
        let mut mark = b'?';
        for (name, value) in self.parameters.iter().filter_map(|name| Some((name, value(query, name)?))) {
            resource.push(mark);
            resource.extend_from_slice(name.as_bytes());
            resource.push(b'=');
            resource.extend_from_slice(value);
            mark = b'&';
        }
        let first = || segments.first().map_or_else(|| HOME.to_owned(), legible);
        Place { room: self.room(target).unwrap_or_else(first), resource: legible(&resource) }
    }

    fn room(&self, target: &[u8]) -> Option<String> {
        let fits = |patterns: &[Pattern]| {
            let lengths = patterns.iter().filter(|pattern| pattern.matches_target(target));
            lengths.map(|pattern| pattern.as_str().len()).max()
        };
        let found = self.rooms.iter().filter_map(|(name, patterns)| Some((fits(patterns)?, name)));
        // Of two that are as long, the first.
        found.rev().max_by_key(|(length, _)| *length).map(|(_, name)| name.to_string())
    }

    fn action(&self, glance: &Glance<'_>) -> Option<&str> {
        let Glance { target, page, verb, carried } = *glance;
        let own = self.actions.iter().find(|action| {
            let asked = action.path.as_ref().is_some_and(|path| path.matches_target(target));
            asked && action.method.is_none_or(|method| method == verb)
        });
        if let Some(own) = own {
            return Some(&own.name);
        }
        match carried {
            Carried::Download => return Some(DOWNLOAD),
            Carried::Pdf => return Some(PDF),
            Carried::Nothing if !page => return None,
            Carried::Nothing => {}
        }
        let (_, query) = parts(target);
        let searched = |name: &String| value(query, name).is_some_and(|words| !is_blank(words));
        if self.search.iter().any(searched) {
            return Some(SEARCH);
        }
        self.records.iter().any(|shape| shape.matches_target(target)).then_some(RECORD)
    }
}

/// Path, and query without its `?`.
fn parts(target: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &[]),
    }
}

fn is_blank(words: &[u8]) -> bool {
    let mut rest = words;
    loop {
        rest = match rest {
            [] => return true,
            [b'+' | b' ', after @ ..] | [b'%', b'2', b'0', after @ ..] => after,
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests;

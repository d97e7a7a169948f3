//! Path patterns with places for ids: `/orders/{id}`, `/kb/{id}/*`.

use std::fmt;

use crate::pattern::{BadPattern, Pattern};

/// A path whose segments are themselves, or ids.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Option<Box<[u8]>>>,
    /// Whatever is below it too.
    below: bool,
    text: Box<str>,
}

/// A pattern that anything on the way matches: a template, or `*` for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// With `{id}` in it.
    Template(Template),
    /// Without.
    Pattern(Pattern),
}

/// Why a template was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// A template has to be anchored.
    #[error("the path pattern `{0}` does not begin with `/`")]
    NotAPath(String),
    /// Nothing is an id.
    #[error("the path pattern `{0}` has no `{{id}}`")]
    NoId(String),
    /// `{id}` is one segment, and `*` the last.
    #[error("`{0}` is no segment of a path pattern with `{{id}}`")]
    NotASegment(String),
    /// More than 1,024 bytes.
    #[error("the pattern has {0} bytes, more than 1024")]
    TooLong(usize),
    /// Without `{id}`, and wrong.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
}

const LONGEST: usize = 1024;

impl Template {
    /// A template as written.
    pub fn new(text: &str) -> Result<Self, BadTemplate> {
        if text.len() > LONGEST {
            return Err(BadTemplate::TooLong(text.len()));
        }
        let Some(path) = text.strip_prefix('/') else { return Err(BadTemplate::NotAPath(text.to_owned())) };
        let (path, below) = match path.strip_suffix("/*") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let mut segments: Vec<Option<Box<[u8]>>> = Vec::new();
        for segment in path.split('/') {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let plain = |text: &str| !text.is_empty() && !text.contains(['{', '}', '*', '?', '#', ';']);
            match name {
                Some(name) if plain(name) => segments.push(None),
                None if plain(segment) => segments.push(Some(segment.as_bytes().into())),
                _ => return Err(BadTemplate::NotASegment(segment.to_owned())),
            }
        }
        if segments.iter().all(Option::is_some) {
            return Err(BadTemplate::NoId(text.to_owned()));
        }
        Ok(Self { segments, below, text: text.into() })
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches a path.
    pub fn matches(&self, path: &[u8]) -> bool {
        let mut segments = path.split(|&byte| byte == b'/').filter(|segment| !segment.is_empty());
        let whole = self
            .segments
            .iter()
            .all(|wanted| segments.next().is_some_and(|found| wanted.as_ref().is_none_or(|wanted| **wanted == *found)));
        whole && (self.below || segments.next().is_none())
    }

    /// Whether an id stands at this place of a path that matches.
    pub(super) fn is_id(&self, at: usize) -> bool {
        self.segments.get(at).is_some_and(Option::is_none)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

impl Shape {
    /// A template where there is a `{`, else a pattern.
    pub fn new(text: &str) -> Result<Self, BadTemplate> {
        if text.contains(['{', '}']) {
            return Template::new(text).map(Self::Template);
        }
        Ok(Self::Pattern(Pattern::path(text)?))
    }

    /// Whether it matches a request's path, and its query where the pattern has a `?`.
    pub fn matches_target(&self, target: &[u8]) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.matches_target(target),
            Self::Template(template) => {
                let end = memchr::memchr(b'?', target).unwrap_or(target.len());
                template.matches(&target[..end])
            }
        }
    }
}

//! Patterns for paths and User-Agents: `*` matches anything, everything else is itself.
//!
//! Matching is linear in the text for each `*`, without back-tracking over more than the last one,
//! so no pattern and no path can make it slow.

use std::fmt;

/// A checked pattern.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    sees_query: bool,
    folds_case: bool,
}

/// Why a pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Nothing to match.
    #[error("the pattern is empty")]
    Empty,
    /// A path pattern has to be anchored.
    #[error("the path pattern `{0}` does not begin with `/` or `*`")]
    NotAPath(String),
    /// More than 1,024 bytes.
    #[error("the pattern has {0} bytes, more than 1024")]
    TooLong(usize),
}

const LONGEST: usize = 1024;

impl Pattern {
    /// A pattern for a path. A literal `?` in it lets it see the query.
    pub fn path(text: &str) -> Result<Self, BadPattern> {
        if !text.is_empty() && !text.starts_with(['/', '*']) {
            return Err(BadPattern::NotAPath(text.to_owned()));
        }
        Self::new(text, text.contains('?'), false)
    }

    /// A pattern for a whole User-Agent, in any case.
    pub fn agent(text: &str) -> Result<Self, BadPattern> {
        Self::new(&text.to_ascii_lowercase(), false, true)
    }

    /// A pattern for a name that is told apart by case, such as a cookie's.
    pub fn name(text: &str) -> Result<Self, BadPattern> {
        Self::new(text, false, false)
    }

    fn new(text: &str, sees_query: bool, folds_case: bool) -> Result<Self, BadPattern> {
        match text.len() {
            0 => Err(BadPattern::Empty),
            long if long > LONGEST => Err(BadPattern::TooLong(long)),
            _ => Ok(Self { text: text.into(), sees_query, folds_case }),
        }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches a request's path and query.
    pub fn matches_target(&self, target: &[u8]) -> bool {
        if self.sees_query {
            return self.matches(target);
        }
        let end = memchr::memchr(b'?', target).unwrap_or(target.len());
        self.matches(&target[..end])
    }

    /// Whether it matches the whole of `text`.
    pub fn matches(&self, text: &[u8]) -> bool {
        let pattern = self.text.as_bytes();
        let same = |pattern: u8, text: u8| pattern == text || (self.folds_case && pattern == text.to_ascii_lowercase());
        let (mut p, mut t) = (0, 0);
        let mut resume = None;
        while t < text.len() {
            if pattern.get(p) == Some(&b'*') {
                resume = Some((p + 1, t));
                p += 1;
            } else if pattern.get(p).is_some_and(|&byte| same(byte, text[t])) {
                p += 1;
                t += 1;
            } else if let Some((after_star, from)) = resume {
                p = after_star;
                t = from + 1;
                resume = Some((after_star, t));
            } else {
                return false;
            }
        }
        pattern[p..].iter().all(|&byte| byte == b'*')
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(pattern: &str, target: &str) -> bool {
        Pattern::path(pattern).unwrap().matches_target(target.as_bytes())
    }

    #[test]
    fn a_star_matches_anything_slashes_included() {
        assert!(path("/login*", "/login"));
        assert!(path("/login*", "/login/sso/x"));
        assert!(path("*/poll/*", "/api/v1/poll/7"));
        assert!(!path("/login", "/login/sso"));
    }

    #[test]
    fn only_a_pattern_with_a_question_mark_sees_the_query() {
        assert!(path("/csp", "/csp?id=home"));
        assert!(path("/csp?id=login*", "/csp?id=login&x=1"));
        assert!(!path("/csp?id=login*", "/csp?id=home"));
        assert!(!path("/csp?id=login*", "/csp"));
    }

    #[test]
    fn many_stars_stay_quick() {
        let pattern = "/*a".repeat(100);
        assert!(!path(&pattern, &("/a".repeat(4_000) + "/b")));
    }

    #[test]
    fn agents_match_in_any_case() {
        assert!(Pattern::agent("AcmeProbe*").unwrap().matches(b"acmeprobe/2"));
    }

    #[test]
    fn bad_patterns_say_why() {
        assert_eq!(Pattern::path(""), Err(BadPattern::Empty));
        assert_eq!(Pattern::path("login"), Err(BadPattern::NotAPath("login".into())));
    }
}

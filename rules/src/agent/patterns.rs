//! The operator's own patterns: all of a list in one pass, and bounded.

use std::fmt;

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::pattern::Pattern;

/// Patterns for whole User-Agents. At most [`MOST`](Self::MOST) of them.
#[derive(Clone, Default)]
pub struct Patterns {
    set: RegexSet,
    patterns: Vec<Pattern>,
}

/// Why a list of patterns was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// More than [`Patterns::MOST`].
    #[error("there are {0} patterns, more than 256")]
    Patterns(usize),
    /// Together they need more memory than a megabyte.
    #[error("the patterns are too long together")]
    Memory,
}

impl Patterns {
    /// So many patterns fit into one list: enough for any site's own tools, and few enough for every request.
    pub const MOST: usize = 256;

    /// A list of patterns, in the order in which they are asked.
    pub fn new(patterns: Vec<Pattern>) -> Result<Self, TooMuch> {
        if patterns.len() > Self::MOST {
            return Err(TooMuch::Patterns(patterns.len()));
        }
        let set = RegexSetBuilder::new(patterns.iter().map(|pattern| expression(pattern.as_str())))
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .unicode(false)
            .size_limit(MEMORY)
            .dfa_size_limit(MEMORY)
            .build()
            .map_err(|_| TooMuch::Memory)?;
        Ok(Self { set, patterns })
    }

    /// The patterns, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Pattern> {
        self.patterns.iter()
    }

    /// The position of the first pattern that matches the whole of `text`.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        // To ask which of them match is slow, and hardly ever needed.
        if self.patterns.is_empty() || !self.set.is_match(text) {
            return None;
        }
        self.set.matches(text).iter().next()
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.patterns.fmt(f)
    }
}

/// A pattern as a regular expression: a star at an end is no anchor there, so that `*probe*` is a plain word.
fn expression(pattern: &str) -> String {
    let (from_start, pattern) = unless_starred(pattern.trim_start_matches('*'), pattern);
    let (to_end, pattern) = unless_starred(pattern.trim_end_matches('*'), pattern);
    let words: Vec<_> = pattern.split('*').map(regex::escape).collect();
    let anchor = |needed, anchor| if needed { anchor } else { "" };
    [anchor(from_start, r"\A"), &words.join(".*"), anchor(to_end, r"\z")].concat()
}

fn unless_starred<'a>(trimmed: &'a str, whole: &str) -> (bool, &'a str) {
    (trimmed.len() == whole.len(), trimmed)
}

/// Bytes that the compiled patterns of one list may take, and again what remembers their states.
const MEMORY: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::agent(text).unwrap()
    }

    #[test]
    fn the_first_that_matches_is_found() {
        let patterns = Patterns::new(["acme/*", "*probe*", "acme*"].map(pattern).into()).unwrap();
        assert_eq!(patterns.find(b"AcmeProbe/1"), Some(1));
        assert_eq!(patterns.find(b"ACME 1"), Some(2));
        assert_eq!(patterns.find(b"Mozilla/5.0"), None);
    }

    #[test]
    fn too_many_are_refused() {
        let many = vec![pattern("acme"); Patterns::MOST + 1];
        assert_eq!(Patterns::new(many).unwrap_err(), TooMuch::Patterns(257));
    }

    #[test]
    fn too_long_ones_are_refused() {
        let long = (0..Patterns::MOST).map(|number| pattern(&format!("{number}*").repeat(200))).collect();
        assert_eq!(Patterns::new(long).unwrap_err(), TooMuch::Memory);
    }

    proptest! {
        #[test]
        fn a_list_says_what_its_pattern_says(text in "[a-bA-B*+.é\n]{0,12}", one in "[a-b*+.é\n]{1,6}") {
            let one = pattern(&one);
            let says = one.matches(text.as_bytes());
            prop_assert_eq!(Patterns::new(vec![one]).unwrap().find(text.as_bytes()).is_some(), says);
        }
    }
}

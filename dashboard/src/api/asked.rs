//! A question's parameters: each is taken by its name, and what nobody takes is refused.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::Problem;

/// The parameters of a question.
#[derive(Debug)]
pub(crate) struct Asked {
    pairs: Vec<(String, String)>,
    /// The names that were asked after, in this order.
    known: Vec<&'static str>,
    canonical: String,
}

/// A longer query is none of ours.
const LONGEST: usize = 16 * 1024;

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::new(parts.uri.path(), parts.uri.query().unwrap_or_default())
    }
}

impl Asked {
    pub(super) fn new(path: &str, query: &str) -> Result<Self, Problem> {
        if query.len() > LONGEST {
            return Err(Problem::bad(format!("the question is longer than {LONGEST} bytes")));
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if let Some((name, _)) = pairs.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Problem::bad(format!("`{name}` has a character 0")));
        }
        let mut sorted = pairs.clone();
        sorted.sort_unstable();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&sorted).finish();
        Ok(Self { pairs, known: Vec::new(), canonical: format!("{path}?{query}") })
    }

    /// The question as one text, the same whatever the order of its parameters.
    pub(crate) fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The same without some parameters: what pages of one answer have in common.
    pub(crate) fn canonical_but(&self, names: &[&str]) -> String {
        let (path, query) = self.canonical.split_once('?').unwrap_or_default();
        let kept = query.split('&').filter(|pair| !names.iter().any(|name| pair.split('=').next() == Some(name)));
        format!("{path}?{}", kept.collect::<Vec<_>>().join("&"))
    }

    /// Every value of a parameter that may be there several times, each once. Empty ones say nothing.
    pub(crate) fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let mut values = Vec::new();
        self.pairs.retain(|(key, value)| {
            if key == name && !value.is_empty() && !values.contains(value) {
                values.push(value.clone());
            }
            key != name
        });
        values
    }

    /// The value of a parameter.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let mut values = self.all(name);
        let value = values.pop();
        if values.is_empty() { Ok(value) } else { Err(Problem::bad(format!("`{name}` is there more than once"))) }
    }

    /// The value of a parameter that something can be read from.
    pub(crate) fn parsed<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let wrong = || Problem::bad(format!("`{name}={text}` is not {expected}"));
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// One of a few words, by what it is called.
    pub(crate) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[T],
        called: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let known = || words.iter().map(|word| called(*word));
        let found = words.iter().copied().find(|word| called(*word) == text);
        found.map(Some).ok_or_else(|| Problem::unknown(name, &text, known()))
    }

    /// Refuses what nobody took.
    pub(crate) fn done(self) -> Result<(), Problem> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => {
                let none = Problem::bad(format!("`{name}` is no parameter of this question"));
                Err(none.known(self.known))
            }
        }
    }
}

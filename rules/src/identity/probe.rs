//! The portal itself, asked who holds a request's cookies.
//!
//! The question is asked by the proxy; here is which cookies it is about, and what an answer says.
//! No cookie says guest, and so does an explicit no. Anything that is no clear answer says nothing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::named::{Named, Presented};
use super::{Person, roles_in};
use crate::facts::Request;
use crate::pattern::Pattern;

/// What a portal is asked, and how its answers read.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Path and query to ask, beginning with `/`.
    pub url: String,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long an answer holds.
    pub keep: Duration,
    /// Status codes that say yes.
    pub external: Vec<u16>,
    /// Status codes that say no.
    pub guest: Vec<u16>,
    /// Who it is, as JSON pointers into the answer.
    pub claims: Pointers,
    /// The cookies it is about.
    pub cookies: Named,
}

/// Where an answer says who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pointers {
    /// The user's id; null, false or an empty text there is a no.
    pub user: Option<String>,
    /// Roles: a list, or text separated by commas.
    pub roles: Option<String>,
    /// The company.
    pub account: Option<String>,
}

/// What a portal said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Nobody is signed in.
    Guest,
    /// This is who is.
    Person(Person<'static>),
}

/// An answer to a probe that was made for this request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The question.
    pub probe: Arc<Probe>,
    /// The answer.
    pub told: Arc<Told>,
}

/// Why an answer says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Silent {
    /// Neither a yes nor a no.
    #[error("the status code says neither yes nor no")]
    Status,
    /// A shared cache may have made it for somebody else.
    #[error("shared caches may store the answer, or it comes from one")]
    Shared,
    /// The body cannot be read.
    #[error("the body is not JSON")]
    NotJson,
    /// The user is not where the configuration says.
    #[error("the user is not where `claims.user` points")]
    NoUser,
    /// Longer than any user's id or roles.
    #[error("the user's id or roles are too long")]
    TooLong,
}

/// Longest id that is taken for one.
const LONGEST_USER: usize = 512;
/// Longest list of roles, in bytes: answers are kept in memory.
const LONGEST_ROLES: usize = 8 * 1024;
impl Probe {
    /// A question about these cookies, at `url`.
    pub fn new(url: &str, cookies: &[Pattern]) -> Self {
        Self {
            url: url.to_owned(),
            timeout: Duration::from_secs(2),
            keep: Duration::from_mins(1),
            external: vec![200],
            // 301 and 308 are moves, as to `/api/me/`, and no answer.
            guest: vec![302, 303, 307, 401, 403],
            claims: Pointers::default(),
            cookies: Named::new(cookies),
        }
    }

    /// What it was told of a request's sender.
    pub(super) fn ask<'a>(self: &Arc<Self>, request: &Request<'a>) -> Option<&'a Told> {
        static GUEST: Told = Told::Guest;
        match self.cookies.presented(request.headers) {
            // A log without cookies says nothing about them.
            Presented::None => request.tells("cookie").then_some(&GUEST),
            Presented::Unclear => None,
            Presented::These(_) => {
                let answer = request.answers.iter().find(|answer| Arc::ptr_eq(&answer.probe, self))?;
                Some(&answer.told)
            }
        }
    }

    /// What an answer says; `shared`: shared caches may store it, or one made it.
    pub fn read(&self, status: u16, shared: bool, body: &[u8]) -> Result<Told, Silent> {
        if shared {
            return Err(Silent::Shared);
        }
        if self.guest.contains(&status) {
            return Ok(Told::Guest);
        }
        if !self.external.contains(&status) {
            return Err(Silent::Status);
        }
        if self.claims == Pointers::default() {
            return Ok(Told::Person(Person::default()));
        }
        let answer: Value = serde_json::from_slice(body).map_err(|_| Silent::NotJson)?;
        let at = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| answer.pointer(pointer));
        let user = match (&self.claims.user, at(&self.claims.user)) {
            (None, _) => None,
            (_, Some(Value::Null | Value::Bool(false))) => return Ok(Told::Guest),
            (_, Some(Value::String(text))) if text.is_empty() => return Ok(Told::Guest),
            (_, Some(Value::String(text))) => Some(text.clone()),
            (_, Some(Value::Number(number))) => Some(number.to_string()),
            _ => return Err(Silent::NoUser),
        };
        let roles = self.claims.roles.as_ref().map(|_| roles_in(at(&self.claims.roles)));
        let long = |roles: &Vec<String>| roles.iter().map(|role| role.len() + 1).sum::<usize>() > LONGEST_ROLES;
        if user.as_ref().is_some_and(|user| user.len() > LONGEST_USER) || roles.as_ref().is_some_and(long) {
            return Err(Silent::TooLong);
        }
        let account = match at(&self.claims.account) {
            Some(Value::String(text)) => Some(super::bounded(text).to_owned()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        Ok(Told::Person(Person { user: user.map(|user| user.into_bytes().into()), roles, account }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe() -> Probe {
        Probe {
            claims: Pointers {
                user: Some("/user/id".to_owned()),
                roles: Some("/roles".to_owned()),
                account: Some("/company".to_owned()),
            },
            ..Probe::new("/api/me", &[])
        }
    }

    fn person(user: &str, roles: &[&str], account: Option<&str>) -> Told {
        Told::Person(Person {
            user: Some(user.as_bytes().to_vec().into()),
            roles: Some(roles.iter().map(|&role| role.to_owned()).collect()),
            account: account.map(str::to_owned),
        })
    }

    #[test]
    fn an_answer_is_a_yes_a_no_or_nothing() {
        let read = |status: u16, body: &str| probe().read(status, false, body.as_bytes());
        let ann = r#"{"user":{"id":"ann"},"roles":["customer","x"],"company":"acme"}"#;
        assert_eq!(read(200, ann), Ok(person("ann", &["customer", "x"], Some("acme"))));
        assert_eq!(read(200, r#"{"user":{"id":7},"roles":"a, b"}"#), Ok(person("7", &["a", "b"], None)));
        for no in [r#"{"user":{"id":null}}"#, r#"{"user":{"id":false}}"#, r#"{"user":{"id":""}}"#] {
            assert_eq!(read(200, no), Ok(Told::Guest), "{no}");
        }
        for no in [302, 303, 307, 401, 403] {
            assert_eq!(read(no, ""), Ok(Told::Guest), "{no}");
        }
        for silent in [100, 201, 204, 301, 304, 308, 404, 429, 500, 502, 503] {
            assert_eq!(read(silent, ann), Err(Silent::Status), "{silent}");
        }
        assert_eq!(read(200, "<html>"), Err(Silent::NotJson));
        assert_eq!(read(200, ""), Err(Silent::NotJson));
        for body in [r#"{"error":"busy"}"#, "[]", "null", r#"{"user":{"id":true}}"#, r#"{"user":{"id":{"a":1}}}"#] {
            assert_eq!(read(200, body), Err(Silent::NoUser), "{body}");
        }
        assert_eq!(probe().read(200, true, ann.as_bytes()), Err(Silent::Shared));
        let long = format!(r#"{{"user":{{"id":"{}"}}}}"#, "x".repeat(513));
        assert_eq!(read(200, &long), Err(Silent::TooLong));
    }

    #[test]
    fn without_claims_the_status_alone_decides() {
        let probe = Probe { claims: Pointers::default(), ..probe() };
        assert_eq!(probe.read(200, false, b"hello"), Ok(Told::Person(Person::default())));
    }
}

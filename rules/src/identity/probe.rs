//! The portal itself, asked who holds a request's cookies.
//!
//! The question is asked by the proxy; here is which cookies it is about, and what an answer says.
//! No cookie says guest, and so does an explicit no. Anything that is no clear answer says nothing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Person, roles_in};
use crate::cookies;
use crate::facts::{Headers, Request};
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
    cookies: Vec<Wanted>,
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

/// A cookie that identifies somebody, and how sloppy portals might spell it.
#[derive(Debug, Clone)]
struct Wanted {
    exact: Pattern,
    alike: Pattern,
}

/// The cookies of a request that a probe is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// None of them: nobody is signed in.
    None,
    /// Portals could read other cookies out of the request than we do, so the answer could be about
    /// somebody else.
    Unclear,
    /// These, as the request has them.
    These(Vec<u8>),
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
/// Longest cookies that are asked about, in bytes: what most servers take as a header at all.
const LONGEST_COOKIES: usize = 8 * 1024;
/// Servers stop reading cookies somewhere (Tomcat behind the 200th), and no browser keeps more for a site.
const MOST_COOKIES: usize = 200;

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
            cookies: cookies.iter().filter_map(Wanted::new).collect(),
        }
    }

    /// What it was told of a request's sender.
    pub(super) fn ask<'a>(self: &Arc<Self>, request: &Request<'a>) -> Option<&'a Told> {
        static GUEST: Told = Told::Guest;
        match self.cookies_in(request.headers) {
            // A log without cookies says nothing about them.
            Presented::None => request.tells("cookie").then_some(&GUEST),
            Presented::Unclear => None,
            Presented::These(_) => {
                let answer = request.answers.iter().find(|answer| Arc::ptr_eq(&answer.probe, self))?;
                Some(&answer.told)
            }
        }
    }

    /// The request's cookies that it is about.
    pub fn cookies_in(&self, headers: &dyn Headers) -> Presented {
        let (mut these, mut any, mut unclear, mut count) = (Vec::new(), false, false, 0);
        cookies::pieces(headers, &mut |piece| {
            count += 1;
            let quotes = memchr::memchr_iter(b'"', piece).count();
            let open = quotes % 2 == 1 || (quotes > 0 && piece.contains(&b'\\'));
            // `$Version` makes some servers read all of it by the rules of RFC 2965.
            unclear |= open || piece.starts_with(b"$") || self.could_be_read_as_one(piece);
            let Some(equals) = memchr::memchr(b'=', piece) else { return };
            let (name, value) = (&piece[..equals], piece[equals + 1..].trim_ascii());
            if self.cookies.iter().any(|cookie| cookie.exact.matches(name)) {
                if !these.is_empty() {
                    these.extend_from_slice(b"; ");
                }
                these.extend_from_slice(piece);
                any |= !matches!(value, b"" | b"\"\"");
            }
        });
        match (unclear || count > MOST_COOKIES || these.len() > LONGEST_COOKIES, any) {
            (true, _) => Presented::Unclear,
            (false, false) => Presented::None,
            (false, true) => Presented::These(these),
        }
    }

    /// Whether a server that separates cookies by commas or blanks, ignores case or decodes names finds
    /// one of the cookies where we do not.
    fn could_be_read_as_one(&self, piece: &[u8]) -> bool {
        let ends = memchr::memchr_iter(b'=', piece).chain((!piece.contains(&b'=')).then_some(piece.len()));
        ends.into_iter().any(|end| {
            let before = &piece[..end];
            let word = before.trim_ascii_end();
            let begin = word.iter().rposition(|byte| b" \t,\"=".contains(byte)).map_or(0, |at| at + 1);
            let name = &word[begin..];
            let plain = begin == 0 && word.len() == before.len() && end < piece.len();
            let alike = folded(name);
            let stem = alike.split(|&byte| byte == b'[').next().unwrap_or_default();
            self.cookies.iter().any(|cookie| {
                let exact = plain && cookie.exact.matches(name);
                !exact && (cookie.alike.matches(&unbracketed(&alike)) || cookie.alike.matches(stem))
            })
        })
    }

    /// Whether a response hands out or deletes one of the cookies.
    pub fn is_given(&self, response: &dyn Headers) -> bool {
        let mut given = false;
        response.each("set-cookie", &mut |field| {
            let name = field.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii();
            given |= self.cookies.iter().any(|cookie| cookie.exact.matches(name));
        });
        given
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

impl Wanted {
    fn new(exact: &Pattern) -> Option<Self> {
        let alike = Pattern::name(&String::from_utf8_lossy(&unbracketed(&folded(exact.as_str().as_bytes())))).ok()?;
        Some(Self { exact: exact.clone(), alike })
    }
}

/// A cookie's name as sloppy servers compare it: decoded, without case, with `_` for what PHP would not have in a name.
fn folded(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, behind)) = rest.split_first() {
        let hex = |at: usize| behind.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        let (byte, used) = match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => ((high * 16 + low) as u8, 2),
            _ => (byte, 0),
        };
        plain.push(match byte {
            b'.' | b' ' | b'+' => b'_',
            other => other.to_ascii_lowercase(),
        });
        rest = &behind[used..];
    }
    plain
}

fn unbracketed(name: &[u8]) -> Vec<u8> {
    name.iter().map(|&byte| if byte == b'[' { b'_' } else { byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Cookie<'c>(&'c [&'c str]);

    impl Headers for Cookie<'_> {
        fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
            if matches!(name, "cookie" | "set-cookie") {
                self.0.iter().for_each(|field| visit(field.as_bytes()));
            }
        }
    }

    fn probe() -> Probe {
        let names = ["session_id", "SSESS*"].map(|name| Pattern::name(name).unwrap());
        Probe {
            claims: Pointers {
                user: Some("/user/id".to_owned()),
                roles: Some("/roles".to_owned()),
                account: Some("/company".to_owned()),
            },
            ..Probe::new("/api/me", &names)
        }
    }

    fn presented(cookie: &str) -> Presented {
        probe().cookies_in(&Cookie(&[cookie]))
    }

    fn these(cookie: &str) -> Presented {
        Presented::These(cookie.as_bytes().to_vec())
    }

    #[test]
    fn it_is_about_the_named_cookies_alone_in_their_order() {
        assert_eq!(presented("a=1; session_id=x; b=\"2\"; SSESS9f=\"y\""), these("session_id=x; SSESS9f=\"y\""));
        assert_eq!(presented("session_id=x; a=1; session_id=y"), these("session_id=x; session_id=y"));
        assert_eq!(probe().cookies_in(&Cookie(&["session_id=x", "SSESS=y"])), these("session_id=x; SSESS=y"));
        assert_eq!(presented("session_id=a=b=="), these("session_id=a=b=="));
    }

    #[test]
    fn without_a_value_there_is_no_cookie() {
        for none in ["", "a=1", "session_id=", "session_id=\"\"", "my_session_id=1; session_id2=1; xSSESS1=2", "a; b"] {
            assert_eq!(presented(none), Presented::None, "{none}");
        }
    }

    #[test]
    fn cookies_that_portals_may_read_otherwise_are_unclear() {
        for unclear in [
            "a=\"; session_id=x; b=\"",
            "a=\"\\\"; session_id=x; b=\"",
            "a=1, session_id=x",
            "a=1 session_id=x; session_id=y",
            "session_id=y; SESSION_ID=x",
            "session_id=y; session.id=x",
            "session_id=y; session[id=x",
            "session_id=y; session_id[0]=x",
            "session_id=y; session%5Fid=x",
            "session_id=y; session_id =x",
            "session_id=y; =session_id=x",
            "session_id=y; session_id",
            "$Version=1; session_id=x",
            "session_id=x,session_id=y",
            "ssess1=x",
        ] {
            assert_eq!(presented(unclear), Presented::Unclear, "{unclear}");
        }
        assert_eq!(presented(&"a=1; ".repeat(201)), Presented::Unclear);
        assert_eq!(presented(&format!("session_id={}", "x".repeat(9000))), Presented::Unclear);
    }

    #[test]
    fn a_response_that_touches_one_of_the_cookies_is_noticed() {
        let given = |line: &str| probe().is_given(&Cookie(&[line]));
        assert!(given("session_id=new; Path=/") && given("SSESS1=; Max-Age=0") && given("session_id = x"));
        assert!(!given("session=1") && !given("a=session_id=1"));
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

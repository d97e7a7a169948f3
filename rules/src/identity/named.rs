//! Cookies by name, as every server would read them out of a request.
//!
//! Servers differ: in which of several counts, in quotes, separators, case and decoding. Where one could find
//! another cookie than we do, it could take the sender for somebody else, and a source has nothing to say.

use crate::cookies;
use crate::facts::Headers;
use crate::pattern::Pattern;

/// Cookies that identify somebody.
#[derive(Debug, Clone)]
pub struct Named {
    wanted: Vec<Wanted>,
    /// As many bytes the shortest of the names has.
    shortest: usize,
}

/// A cookie's name, and how sloppy servers might spell it.
#[derive(Debug, Clone)]
struct Wanted {
    exact: Pattern,
    alike: Pattern,
}

/// What a request has of such cookies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// None of them.
    None,
    /// Servers could read other cookies out of the request than we do.
    Unclear,
    /// These, as the request has them.
    These(Vec<u8>),
}

/// Longest cookies that are asked about, in bytes: what most servers take as a header at all.
const LONGEST_COOKIES: usize = 8 * 1024;
/// Servers stop reading cookies somewhere (Tomcat behind the 200th), and no browser keeps more for a site.
const MOST_COOKIES: usize = 200;
/// Longest cookies that are looked through at all: hostile ones are not worth the time.
const LONGEST_IN_ALL: usize = 64 * 1024;

impl Named {
    /// These cookies.
    pub fn new(names: &[Pattern]) -> Self {
        let wanted: Vec<Wanted> = names.iter().filter_map(Wanted::new).collect();
        let length = |wanted: &Wanted| wanted.alike.as_str().bytes().filter(|&byte| byte != b'*').count();
        Self { shortest: wanted.iter().map(length).min().unwrap_or_default(), wanted }
    }

    /// What a request has of them.
    pub fn presented(&self, headers: &dyn Headers) -> Presented {
        let (mut these, mut any, mut unclear) = (Vec::new(), false, false);
        let (mut count, mut length) = (0, 0);
        cookies::pieces(headers, &mut |piece| {
            (count, length) = (count + 1, length + piece.len());
            unclear |= count > MOST_COOKIES || length > LONGEST_IN_ALL;
            if unclear {
                return;
            }
            let quotes = memchr::memchr_iter(b'"', piece).count();
            let open = quotes % 2 == 1 || (quotes > 0 && piece.contains(&b'\\'));
            // `$Version` makes some servers read all of it by the rules of RFC 2965.
            unclear = open || piece.starts_with(b"$") || self.could_be_read_as_one(piece);
            let Some(equals) = memchr::memchr(b'=', piece) else { return };
            let (name, value) = (&piece[..equals], piece[equals + 1..].trim_ascii());
            if self.wanted.iter().any(|cookie| cookie.exact.matches(name)) {
                if !these.is_empty() {
                    these.extend_from_slice(b"; ");
                }
                these.extend_from_slice(piece);
                any |= !matches!(value, b"" | b"\"\"");
            }
        });
        match (unclear || these.len() > LONGEST_COOKIES, any) {
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
            if name.len() < self.shortest {
                return false;
            }
            let alike = folded(name);
            let stem = alike.split(|&byte| byte == b'[').next().unwrap_or_default();
            self.wanted.iter().any(|cookie| {
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
            given |= self.wanted.iter().any(|cookie| cookie.exact.matches(name));
        });
        given
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

    fn named() -> Named {
        Named::new(&["session_id", "SSESS*"].map(|name| Pattern::name(name).unwrap()))
    }

    fn presented(cookie: &str) -> Presented {
        named().presented(&Cookie(&[cookie]))
    }

    fn these(cookie: &str) -> Presented {
        Presented::These(cookie.as_bytes().to_vec())
    }

    #[test]
    fn they_are_told_alone_and_in_their_order() {
        assert_eq!(presented("a=1; session_id=x; b=\"2\"; SSESS9f=\"y\""), these("session_id=x; SSESS9f=\"y\""));
        assert_eq!(presented("session_id=x; a=1; session_id=y"), these("session_id=x; session_id=y"));
        assert_eq!(named().presented(&Cookie(&["session_id=x", "SSESS=y"])), these("session_id=x; SSESS=y"));
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
        let given = |line: &str| named().is_given(&Cookie(&[line]));
        assert!(given("session_id=new; Path=/") && given("SSESS1=; Max-Age=0") && given("session_id = x"));
        assert!(!given("session=1") && !given("a=session_id=1"));
    }
}

//! One address, however it is written: what the rules match is the path that a server would look up.
//!
//! A portal reads `/%63sp`, `//csp`, `/./csp`, `/x/../csp` and `/csp;v=1` as `/csp` (RFC 3986, section 6.2.2). If the
//! rules did not, anybody could have a page without being counted. What goes on to the portal stays as it was.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr3};

/// Path and query in one form: letters, digits and `-._~` undone of their `%XX`, no fragment; the path with
/// neither dots, nor parameters, nor slashes that follow each other, and `\` for `/`. A path that
/// [`is_doubtful`] keeps all of these.
pub fn normal(target: &[u8]) -> Cow<'_, [u8]> {
    if is_normal(target) {
        return Cow::Borrowed(target);
    }
    let target = &target[..memchr(b'#', target).unwrap_or(target.len())];
    let (path, query) = parts(target);
    let path = decoded(path);
    let mut normal = if hides_dots(&path) { path } else { walked(&path) };
    normal.extend_from_slice(&decoded(query));
    Cow::Owned(normal)
}

/// Whether it is up to the server where a normal form leads: there are dots in it beside what some take for a
/// slash (`%2F`, `%5C`, `\`) or for parameters (`;`), and some do not. No browser is led to such an address by a
/// portal that means well, and no rule exempts it.
pub fn is_doubtful(target: &[u8]) -> bool {
    hides_dots(parts(target).0)
}

/// The other reading of a normal form: with `%2F` and `%5C` for the slashes that some servers take them for.
/// What a rule exempts, it exempts in both, or a page could be had by an address that is none.
pub fn other(target: &[u8]) -> Option<Vec<u8>> {
    let (path, query) = parts(target);
    memchr3(b'%', b';', b'\\', path)?;
    let mut other = walked(&with_slashes(path));
    other.extend_from_slice(query);
    (other != target).then_some(other)
}

/// Path, and query with its `?`.
fn parts(target: &[u8]) -> (&[u8], &[u8]) {
    target.split_at(memchr(b'?', target).unwrap_or(target.len()))
}

/// With a slash for all that some servers take for one.
fn with_slashes(path: &[u8]) -> Vec<u8> {
    let mut slashes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, after @ ..] = rest {
        let coded = *first == b'%' && matches!(after.get(..2), Some(b"2f" | b"2F" | b"5c" | b"5C"));
        slashes.push(if coded || *first == b'\\' { b'/' } else { *first });
        rest = if coded { &after[2..] } else { after };
    }
    slashes
}

fn hides_dots(path: &[u8]) -> bool {
    if memchr3(b'%', b';', b'\\', path).is_none() {
        return false;
    }
    let slashes = with_slashes(path);
    let dots = |part: &[u8]| matches!(part, b"." | b"..");
    (slashes != path || memchr(b';', path).is_some()) && slashes.split(|byte| matches!(byte, b'/' | b';')).any(dots)
}

fn is_normal(target: &[u8]) -> bool {
    let plain = memchr3(b'%', b'#', b'\\', target).is_none() && memchr(b';', target).is_none();
    let (path, _) = parts(target);
    let doubled = |at: usize| matches!(path.get(at + 1), Some(b'/' | b'.'));
    plain && path.first() == Some(&b'/') && !memchr_iter(b'/', path).any(doubled)
}

/// With each `%XX` undone that stands for a character which needs none.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let byte = match after {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if let Some(byte) = byte.filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)) {
            decoded.push(byte);
            rest = &rest[3..];
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

/// The path without what leads nowhere.
fn walked(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut open = false;
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let name = &segment[..memchr(b';', segment).unwrap_or(segment.len())];
        open = matches!(name, b"" | b"." | b"..");
        match name {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    let mut walked = Vec::with_capacity(path.len() + 1);
    for segment in &segments {
        walked.push(b'/');
        walked.extend_from_slice(segment);
    }
    if open || walked.is_empty() {
        walked.push(b'/');
    }
    walked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal_of(target: &str) -> String {
        let normal = normal(target.as_bytes()).into_owned();
        assert_eq!(super::normal(&normal), &normal[..], "one form is enough: {target}");
        String::from_utf8(normal).unwrap()
    }

    #[test]
    fn every_way_to_write_a_path_is_one_path() {
        for target in [
            "/csp",
            "/%63sp",
            "/%63%73%70",
            "//csp",
            "/./csp",
            "/x/../csp",
            "/x/%2e%2E/csp",
            "/../csp",
            "/csp;v=1",
            "/csp#a",
            "\\csp",
            ";a/csp",
        ] {
            assert_eq!(normal_of(target), "/csp", "{target}");
        }
        for target in ["/csp/", "/csp//", "/csp/.", "/csp/x/..", "/csp/;a"] {
            assert_eq!(normal_of(target), "/csp/", "{target}");
        }
        for target in ["/", "", "//", "/..", "/%2e", "#"] {
            assert_eq!(normal_of(target), "/", "{target}");
        }
    }

    #[test]
    fn a_query_is_a_query_whatever_is_in_it() {
        assert_eq!(normal_of("/csp?%69d=login&u=//a/../b;c"), "/csp?id=login&u=//a/../b;c");
        assert_eq!(normal_of("/csp?a=b%26c=d%3F"), "/csp?a=b%26c=d%3F");
        assert_eq!(normal_of("//csp?a=1?b#c"), "/csp?a=1?b");
    }

    #[test]
    fn what_stands_for_something_else_stays() {
        for target in [
            "/a%2Fb",
            "/a%3Fb",
            "/a%00",
            "/a%25b",
            "/a%",
            "/a%4",
            "/caf%C3%A9",
            "/a.b/c~d",
            "/.well-known/x",
            "/a..b/c.",
        ] {
            assert_eq!(normal_of(target), target);
        }
    }

    #[test]
    fn what_servers_read_in_two_ways_has_two_forms() {
        let other_of = |target: &str| other(&normal(target.as_bytes())).map(|other| String::from_utf8(other).unwrap());
        for (target, other) in
            [("/login%2f..%2Fsecret", "/secret"), ("/a%2Fb", "/a/b"), ("/a%5cb?c=%2f", "/a/b?c=%2f"), ("/a%2f", "/a/")]
        {
            assert_eq!(other_of(target).as_deref(), Some(other), "{target}");
        }
        for target in ["/a", "/caf%C3%A9", "/a;b/c", "/a%", "/a%2", "/a/../b", "/a?b=%2F..;", "/a%252f"] {
            assert_eq!(other_of(target), None, "{target}");
        }
    }

    #[test]
    fn dots_beside_what_not_all_servers_read_alike_are_doubtful() {
        for target in [
            "/login%2f..%2Fsecret",
            "/login/..%2fsecret",
            "/login%5c%2e%2e%5Csecret",
            "/csp/..;/login",
            "/csp/.;v=1/a",
            "/login;%2F..%2Fhome",
            "/api/a%2F../../home",
            "/api/x%5Cy%2F..%2F..%2Fhome",
            "/api/x\\y/../../home",
            "/x\\..\\csp",
        ] {
            assert!(is_doubtful(normal_of(target).as_bytes()), "{target}");
        }
        for target in ["/a/../b", "/a%2Fb", "/a;v=..", "/a;b/c", "/login;to=%2Fhome", "/a..b%2Fc.d", "/a?b=/..;%2F../"]
        {
            assert!(!is_doubtful(normal_of(target).as_bytes()), "{target}");
        }
    }

    #[test]
    fn what_is_normal_is_not_copied() {
        for target in ["/", "/csp", "/a/b.html?c=d/e//f", "/a?b=.."] {
            assert!(matches!(normal(target.as_bytes()), Cow::Borrowed(_)), "{target}");
        }
    }
}

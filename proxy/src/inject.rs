//! The beacon's script, put into pages: behind `<head>`, while the page passes, all other bytes as they were.
//!
//! Only where it can do no harm: in plain HTML of a page whose policy lets scripts of its own host run. What is held back
//! of a page is the beginning of one tag.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use portalmeter_rules::page::is_html;

/// What is put in.
const TAG: &[u8] = b"<script src=\"/.portalmeter/beacon.js\" defer></script>";
/// A page that has not come to its head by then goes without.
const SEARCHED: usize = 16 * 1024;

/// Looks for the place, over the parts in which a page comes.
#[derive(Debug)]
pub(crate) struct Injection {
    state: State,
    searched: usize,
    /// A tag's beginning, until its name is known.
    held: BytesMut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// Behind `<`, in the name of a tag.
    Name,
    /// Behind `<!`: a comment, or something else in brackets.
    Declaration(usize),
    /// In a comment; behind so many of its last dashes.
    Comment(usize),
    /// In a tag behind its name, and in these quotes; whether the place is behind it.
    Tag {
        quote: Option<u8>,
        head: bool,
    },
    Done,
}

/// What a look at one byte says.
enum Look {
    On,
    /// The place is before what is held.
    Before,
    /// The place is behind this byte.
    Behind,
}

impl Injection {
    /// At the beginning of a page.
    pub(crate) fn new() -> Self {
        Self { state: State::Text, searched: 0, held: BytesMut::new() }
    }

    /// Whether an answer may be given a script: by its status and fields, and those of its request.
    pub(crate) fn suits(status: u16, http_10: bool, answer: &HeaderMap) -> bool {
        let text = |name: &str| answer.get(name).map(http::HeaderValue::as_bytes);
        let plain = text("content-encoding").is_none_or(|coding| coding.eq_ignore_ascii_case(b"identity"));
        let html = text("content-type").is_some_and(|kind| is_html(kind) && is_ascii_based(kind));
        let mut controls = answer.get_all("cache-control").iter();
        let transforms = !controls.any(|field| contains(field.as_bytes(), b"no-transform"));
        let signed = ["content-digest", "repr-digest", "digest", "content-md5", "signature"];
        let unsigned = !signed.iter().any(|name| answer.contains_key(*name));
        let whole = status == 200 && !answer.contains_key("content-range") && text("content-length") != Some(b"0");
        whole && !http_10 && plain && html && transforms && unsigned && policies_allow(answer)
    }

    /// Takes the next part of the page, and gives what goes out in its place.
    pub(crate) fn pass(&mut self, body: &mut Option<Bytes>, ends: bool) {
        if self.state == State::Done {
            return;
        }
        let part = body.take().unwrap_or_default();
        let mut out = BytesMut::with_capacity(self.held.len() + part.len() + TAG.len());
        for (at, &byte) in part.iter().enumerate() {
            self.searched += 1;
            // Held back is a tag from its `<` on.
            let before = (self.state, byte);
            let look = self.look(byte);
            let begins = matches!(before, (State::Text, b'<'));
            if begins || self.state == State::Name || !self.held.is_empty() {
                self.held.extend_from_slice(&[byte]);
            } else {
                out.extend_from_slice(&[byte]);
            }
            match look {
                Look::Before => out.extend_from_slice(TAG),
                Look::On if self.state == State::Name => continue,
                Look::On | Look::Behind => {}
            }
            out.extend_from_slice(&self.held.split());
            if matches!(look, Look::Behind) {
                out.extend_from_slice(TAG);
            }
            if matches!(look, Look::Before | Look::Behind) || self.searched >= SEARCHED {
                self.state = State::Done;
                out.extend_from_slice(&part[at + 1..]);
                break;
            }
        }
        if ends {
            out.extend_from_slice(&self.held.split());
            self.state = State::Done;
        }
        *body = (!out.is_empty() || ends).then(|| out.freeze());
    }

    fn look(&mut self, byte: u8) -> Look {
        let head = |held: &[u8]| held.get(1..).is_some_and(|name| name.eq_ignore_ascii_case(b"head"));
        let passed = |held: &[u8]| {
            let html = held.get(1..).is_some_and(|name| name.eq_ignore_ascii_case(b"html"));
            html || matches!(held.get(1), Some(b'?' | b'/'))
        };
        let mut look = Look::On;
        self.state = match (self.state, byte) {
            (State::Text, b'<') => State::Name,
            (State::Text, _) => State::Text,
            (State::Name, b'!') if self.held.len() == 1 => State::Declaration(0),
            (State::Name, b'>') if head(&self.held) => {
                look = Look::Behind;
                State::Text
            }
            (State::Name, b'>') if passed(&self.held) => State::Text,
            (State::Name, b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n' | 0x0c) if self.held.len() > 1 => {
                if head(&self.held) || passed(&self.held) {
                    State::Tag { quote: None, head: head(&self.held) }
                } else {
                    // The head has begun without its tag.
                    look = Look::Before;
                    State::Text
                }
            }
            // No tag at all: `a < b`.
            (State::Name, byte)
                if self.held.len() == 1 && !byte.is_ascii_alphabetic() && !matches!(byte, b'/' | b'?') =>
            {
                State::Text
            }
            (State::Name, _) if self.held.len() > LONGEST_NAME => {
                look = Look::Before;
                State::Text
            }
            (State::Name, _) => State::Name,
            (State::Declaration(1), b'-') => State::Comment(2),
            (State::Declaration(0), b'-') => State::Declaration(1),
            (State::Declaration(_), b'>') => State::Text,
            (State::Declaration(_), _) => State::Declaration(2),
            (State::Comment(dashes), b'>') if dashes >= 2 => State::Text,
            (State::Comment(dashes), b'-') => State::Comment(dashes + 1),
            (State::Comment(_), _) => State::Comment(0),
            (State::Tag { quote: Some(quote), head }, byte) if byte == quote => State::Tag { quote: None, head },
            (State::Tag { quote: None, head }, b'"' | b'\'') => State::Tag { quote: Some(byte), head },
            (State::Tag { quote: None, head }, b'>') => {
                if head {
                    look = Look::Behind;
                }
                State::Text
            }
            (state, _) => state,
        };
        look
    }
}

/// No tag that matters here has a longer name.
const LONGEST_NAME: usize = 32;

/// UTF-16 would not know our bytes.
fn is_ascii_based(content_type: &[u8]) -> bool {
    !contains(content_type, b"utf-16") && !contains(content_type, b"utf-32") && !contains(content_type, b"utf-7")
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// Whether every policy of the page lets it load our script, and the script send.
fn policies_allow(answer: &HeaderMap) -> bool {
    let fields = answer.get_all("content-security-policy").iter();
    fields.flat_map(|field| field.as_bytes().split(|&byte| byte == b',')).all(|policy| {
        let policy = String::from_utf8_lossy(policy).to_ascii_lowercase();
        allows(&policy, &["script-src-elem", "script-src", "default-src"])
            && allows(&policy, &["connect-src", "default-src"])
            && !directives(&policy).any(|(name, _)| name == "sandbox" || name == "require-trusted-types-for")
    })
}

/// Whether the first of these directives that a policy has allows what is of the page's own host.
fn allows(policy: &str, names: &[&str]) -> bool {
    let of = |wanted: &&str| directives(policy).find(|(name, _)| name == wanted);
    names.iter().find_map(of).is_none_or(|(_, sources)| {
        let has = |word: &str| sources.split_ascii_whitespace().any(|source| source == word);
        (has("'self'") || has("*")) && !has("'strict-dynamic'")
    })
}

fn directives(policy: &str) -> impl Iterator<Item = (&str, &str)> {
    policy
        .split(';')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        .map(|directive| directive.split_once(|char: char| char.is_ascii_whitespace()).unwrap_or((directive, "")))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// The page as it goes out, in parts of this size.
    fn passed(page: &str, size: usize) -> String {
        let mut injection = Injection::new();
        let mut out = Vec::new();
        let parts: Vec<&[u8]> = page.as_bytes().chunks(size.max(1)).collect();
        for (at, part) in parts.iter().enumerate() {
            let mut body = Some(Bytes::copy_from_slice(part));
            injection.pass(&mut body, at + 1 == parts.len());
            out.extend_from_slice(&body.unwrap_or_default());
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_script_comes_behind_head_however_the_page_is_cut() {
        for page in [
            "<!doctype html><html><head>|<title>x</title></head><body></body></html>",
            "<!DOCTYPE html>\n<HTML lang=en>\n<HEAD>|<meta charset=utf-8></HEAD>",
            "<!-- <head> --><html data-x=\"a>b\"><head class='>' >|</head>",
            "\u{feff}<!--[if IE]><html class=\"ie\"><![endif]--><html><head>|",
            "<?xml version=\"1.0\"?><html><head\n>|<script>var a = \"</head>\"</script>",
            "<!doctype html>|<title>no head</title>",
            "<!doctype html><html>|<body>text</body>",
            "|<p>a fragment",
            "a < b |<header>no head</header>",
        ] {
            let (before, after) = page.split_once('|').unwrap();
            let expected = [before, std::str::from_utf8(TAG).unwrap(), after].concat();
            for size in 1..=page.len() {
                assert_eq!(passed(&page.replacen('|', "", 1), size), expected, "in parts of {size}");
            }
        }
    }

    #[test]
    fn what_has_no_place_for_it_passes_as_it_is() {
        let long = format!("<!-- {} --><html><head></head>", "x".repeat(SEARCHED));
        for page in ["", "text alone", "<", "<!", "<!-- <head>", "<he", "<!doctype html><html", &long] {
            for size in [1, 2, 7, page.len()] {
                assert_eq!(passed(page, size), page);
            }
        }
    }

    #[test]
    fn an_empty_last_part_ends_the_page() {
        let mut injection = Injection::new();
        let mut body = Some(Bytes::from_static(b"<he"));
        injection.pass(&mut body, false);
        assert_eq!(body, None, "held back");
        injection.pass(&mut body, true);
        assert_eq!(body.as_deref(), Some(&b"<he"[..]));
    }

    fn suits(fields: &[(&'static str, &'static str)]) -> bool {
        let fields =
            fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Injection::suits(200, false, &fields.collect())
    }

    #[test]
    fn only_plain_pages_that_may_run_it_are_given_it() {
        let html = ("content-type", "text/html; charset=utf-8");
        let policy = |policy| suits(&[html, ("content-security-policy", policy)]);
        assert!(suits(&[html]) && suits(&[html, ("content-encoding", "identity")]));
        for other in [
            ("content-encoding", "gzip"),
            ("content-length", "0"),
            ("cache-control", "private, no-transform"),
            ("content-digest", "sha-256=:x:"),
        ] {
            assert!(!suits(&[html, other]), "{other:?}");
        }
        assert!(!suits(&[("content-type", "text/html; charset=UTF-16")]) && !suits(&[("content-type", "text/plain")]));
        assert!(!Injection::suits(206, false, &HeaderMap::new()));
        for fine in ["default-src 'self'", "script-src 'self' https://cdn", "frame-ancestors 'none'", "script-src *"] {
            assert!(policy(fine), "{fine}");
        }
        for not in [
            "default-src 'none'",
            "script-src 'nonce-x'",
            "default-src *; script-src https://cdn",
            "script-src 'self' 'strict-dynamic' 'nonce-x'",
            "default-src 'self'; connect-src https://api",
            "default-src 'self', script-src 'none'",
            "sandbox",
        ] {
            assert!(!policy(not), "{not}");
        }
    }
}

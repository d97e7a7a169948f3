//! What no browser at a desk says: the programs that people sit before are few and known.
//!
//! Test tools, monitors and crawlers that drive a real browser put their name behind the browser's
//! version, among the words about the computer, or beside `like Gecko`. Phones are left alone: the
//! apps that show a page there may be called anything.

mod known;

use known::{BEFORE_SYSTEMS, KNOWN_BESIDE_X11, SYSTEMS, is_known};

/// What is odd about a desktop browser's User-Agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// A product behind the browser's version that is no browser's.
    Product,
    /// A remark beside `like Gecko`.
    Remark,
    /// A name where the computer is described.
    Computer,
    /// No engine at all.
    Engine,
}

/// The first odd thing about it, if it claims to be a browser at a desk.
pub(super) fn oddity(user_agent: &[u8]) -> Option<Odd> {
    if !begins(user_agent, b"Mozilla/") {
        return None;
    }
    let open = memchr::memchr(b'(', user_agent)?;
    let inside = user_agent.get(open + 1..)?;
    let (computer, rest) = inside.split_at(memchr::memchr(b')', inside)?);
    if has_remark(rest) {
        return Some(Odd::Remark);
    }
    if PHONES.iter().any(|start| computer.starts_with(start)) {
        return None;
    }
    if names_stranger(computer) {
        return Some(Odd::Computer);
    }
    if !DESKTOPS.iter().any(|start| begins(computer, start)) {
        return None;
    }
    if has_stranger_behind(rest) {
        return Some(Odd::Product);
    }
    (user_agent.starts_with(b"Mozilla/5.0") && !has_engine(user_agent, rest)).then_some(Odd::Engine)
}

/// Whether it names an engine: all that say Mozilla 5 do, nearly always behind the computer.
fn has_engine(user_agent: &[u8], rest: &[u8]) -> bool {
    rest.starts_with(b") AppleWebKit/")
        || rest.starts_with(b") Gecko/")
        || ENGINES.iter().any(|engine| memchr::memmem::find(user_agent, engine).is_some())
}

/// Whether something else is named before the system, or a bare name beside it.
fn names_stranger(computer: &[u8]) -> bool {
    let mut parts = computer.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let Some(first) = parts.next() else { return false };
    if begins(first, b"X11") {
        return parts.any(|part| is_words(part) && !KNOWN_BESIDE_X11.iter().any(|known| begins(part, known)))
            && memchr::memmem::find(computer, b"Linux").is_some();
    }
    if first.len() < 2 || SYSTEMS.iter().chain(BEFORE_SYSTEMS).any(|known| begins(first, known)) {
        return false;
    }
    is_name(first) && parts.any(|part| DESKTOPS.iter().any(|start| begins(part, start)))
}

/// Whether `like Gecko` is followed by more than its bracket. Old forks of `WebKit` named Safari there, consoles what they play.
fn has_remark(rest: &[u8]) -> bool {
    let Some(open) = memchr::memchr(b'(', rest) else { return false };
    let likeness = rest.get(open + 1..).and_then(|rest| rest.strip_prefix(b"KHTML, like Gecko"));
    let Some((b';' | b',', remark)) = likeness.and_then(<[u8]>::split_first) else { return false };
    let remark = remark.trim_ascii_start();
    is_name(remark) && !["Safari", "HEVC", "Chrome"].iter().any(|known| begins(remark, known.as_bytes()))
}

/// Whether a product that no browser names stands behind the version, unless it is a television's or an app's.
fn has_stranger_behind(rest: &[u8]) -> bool {
    let Some(tail) = behind_version(rest) else { return false };
    let shows = |signs: &[&[u8]], text| signs.iter().any(|sign| memchr::memmem::find(text, sign).is_some());
    names_stranger_product(tail) && !shows(TELEVISIONS, tail) && !shows(APPS, rest)
}

/// Whether the first word is a stranger's; behind a browser's or an app's own may stand anything.
fn names_stranger_product(tail: &[u8]) -> bool {
    let is_inside_brackets =
        memchr::memchr(b')', tail).is_some_and(|close| memchr::memchr(b'(', tail).is_none_or(|open| close < open));
    let mut words = tail.split(|byte| matches!(byte, b' ' | b';' | b',')).filter(|word| !word.is_empty());
    let Some(first) = words.next().filter(|_| !is_inside_brackets) else { return false };
    match first.strip_prefix(b"(") {
        Some(remark) => is_name(remark) && !is_known(name_of(remark)),
        None => is_stranger(first),
    }
}

/// Whether a word is a name, with a version or without, and not a browser's.
///
/// Forks of Chromium have four numbers like Chromium itself, large ones: those may be called anything.
fn is_stranger(word: &[u8]) -> bool {
    let mut numbers = word.rsplit(|&byte| byte == b'/').next().unwrap_or_default().split(|&byte| byte == b'.');
    let (major, _, build, patch) = (numbers.next(), numbers.next(), numbers.next(), numbers.next());
    let has_digits = |number: Option<&[u8]>, least: usize| number.is_some_and(|number| number.len() >= least);
    let is_fork = has_digits(patch, 1) && (has_digits(major, 2) || has_digits(build, 3));
    is_name(word) && !is_fork && !is_known(name_of(word))
}

/// What stands behind the version of the last Safari or Firefox.
fn behind_version(text: &[u8]) -> Option<&[u8]> {
    let names_browser = |&at: &usize| {
        let before = text.get(..at).unwrap_or_default();
        before.ends_with(b"afari") || before.ends_with(b"irefox")
    };
    let slash = memchr::memrchr_iter(b'/', text).take(MOST_PRODUCTS).find(names_browser)?;
    let version = text.get(slash + 1..)?;
    let length =
        version.iter().take_while(|&&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+')).count();
    Some(version.get(length..)?.trim_ascii())
}

/// A word without its version.
fn name_of(word: &[u8]) -> &[u8] {
    let end = word.iter().position(|&byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_'));
    word.get(..end.unwrap_or(word.len())).unwrap_or_default()
}

fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
}

/// Whether it is nothing but letters and spaces, and more than a language or a flag.
fn is_words(text: &[u8]) -> bool {
    text.len() > 3 && text.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b' ')
}

fn begins(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
}

/// So far from the end may a browser's own version stand.
const MOST_PRODUCTS: usize = 16;

/// Parts of engines' names that are in no other word, the commonest first.
const ENGINES: &[&[u8]] =
    &[b"WebKit", b"Webkit", b"Gecko", b"Trident", b"MSIE", b"KHTML", b"Presto", b"Goanna", b"Servo", b"Opera"];

/// How phones, tablets and televisions begin, and nearly every browser at no desk.
const PHONES: &[&[u8]] = &[b"Linux;", b"iPhone", b"iPad"];

const DESKTOPS: &[&[u8]] = &[b"Windows NT", b"Macintosh", b"X11", b"Intel Mac OS X"];

/// What only a television, a set-top box or an app says behind the version.
const TELEVISIONS: &[&[u8]] = &[b"TV", b"tv ", b"CE-HTML", b"VIDAA", b"FBAN", b"FBAV", b"CrKey", b"STB"];

/// What apps at a desk are made with, and the one that adds many words of its own.
const APPS: &[&[u8]] = &[b"Electron/", b"MicroMessenger/"];

#[cfg(test)]
mod tests {
    use super::*;

    fn chrome(computer: &str, remark: &str, tail: &str) -> Option<Odd> {
        let text = format!(
            "Mozilla/5.0 ({computer}) AppleWebKit/537.36 (KHTML, like Gecko{remark}) Chrome/131.0.0.0 Safari/537.36{tail}"
        );
        oddity(text.as_bytes())
    }

    const WINDOWS: &str = "Windows NT 10.0; Win64; x64";

    #[test]
    fn nothing_is_odd_about_browsers() {
        for tail in
            ["", " Edg/131.0.0.0", " OPR/116.0.0.0 (Edition 34)", " Ddg/17.5", " AcmeBrowser/1.0", " Teams/1.0 Acme/2"]
        {
            assert_eq!(chrome(WINDOWS, "", tail), None, "{tail}");
        }
    }

    #[test]
    fn a_tool_names_itself_behind_the_version() {
        for tail in [" AcmeTest", " AcmeTest/1.0", "; AcmeTest/1.0", " (AcmeTest)"] {
            assert_eq!(chrome(WINDOWS, "", tail), Some(Odd::Product), "{tail}");
        }
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 AcmeTest/1.0";
        assert_eq!(oddity(firefox.as_bytes()), Some(Odd::Product));
    }

    #[test]
    fn an_unknown_fork_of_chromium_is_a_browser() {
        assert_eq!(chrome(WINDOWS, "", " AcmeBrowse/131.0.0.0"), None);
        assert_eq!(chrome(WINDOWS, "", " AcmeBrowse/7.1.3410.86"), None);
        assert_eq!(chrome(WINDOWS, "", " AcmeTest/7.1.34.86"), Some(Odd::Product));
    }

    #[test]
    fn a_tool_names_itself_beside_the_computer() {
        assert_eq!(chrome("acme.example; Macintosh; Intel Mac OS X 10_15_7", "", ""), Some(Odd::Computer));
        assert_eq!(chrome("X11; Linux x86_64; Acme Tests", "", ""), Some(Odd::Computer));
        assert_eq!(chrome("X11; Ubuntu; Linux x86_64", "", ""), None);
    }

    #[test]
    fn a_tool_names_itself_beside_its_engine() {
        assert_eq!(chrome(WINDOWS, "; Acme Insights", ""), Some(Odd::Remark));
    }

    #[test]
    fn apps_on_phones_and_televisions_may_be_called_anything() {
        assert_eq!(chrome("Linux; Android 16; Acme 3", "", " AcmeApp/1.0"), None);
        assert_eq!(chrome("X11; Linux armv7l", "", " AcmeBox/1.0 (SmartTV 2026)"), None);
    }
}

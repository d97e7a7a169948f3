//! What a User-Agent looks like, whoever it names: empty, no browser's form, a Chrome that never was.

use std::ops::{Range, RangeInclusive};

/// Whether nothing is there; a log writes `-` for it.
pub(super) fn is_empty(user_agent: &[u8]) -> bool {
    matches!(user_agent.trim_ascii(), b"" | b"-")
}

/// Whether it begins as browsers, old phones and the browsers inside apps do, or shows their engine.
pub(super) fn has_browser_form(user_agent: &[u8]) -> bool {
    let has = |sign: &[u8]| memchr::memmem::find(user_agent, sign).is_some();
    if begins(user_agent, MOZILLA_STARTS) {
        // Browsers tell their platform in brackets, or at least their engine; nothing else needs to.
        return memchr::memchr(b'(', user_agent).is_some() || has(b"AppleWebKit/");
    }
    begins(user_agent, BROWSER_STARTS)
        || has(b"; wv)")
        || (!has(b"Mozilla/") && BROWSER_SIGNS.iter().any(|sign| has(sign)))
}

/// Where an Android device says what it is: between the first brackets.
///
/// Makers name their phones as they please, `Spider` and `XBot` among them.
pub(super) fn device_part(user_agent: &[u8]) -> Range<usize> {
    let Some(open) = memchr::memchr(b'(', user_agent) else { return 0..0 };
    let inside = user_agent.get(open + 1..).unwrap_or_default();
    if !begins(inside, ANDROID_STARTS) {
        return 0..0;
    }
    let mut depth = 1_usize;
    let is_last = |byte: &u8| {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    };
    let length = inside.iter().position(is_last).unwrap_or(inside.len());
    open..open + 1 + length
}

/// Whether a mail address stands in it: browsers have nobody to write to.
pub(super) fn has_address(user_agent: &[u8]) -> bool {
    memchr::memchr_iter(b'@', user_agent).any(|at| is_domain(user_agent.get(at + 1..).unwrap_or_default()))
}

/// Whether it says `compatible` and then names no browser that ever said so.
pub(super) fn is_merely_compatible(user_agent: &[u8]) -> bool {
    let Some(claim) = after(user_agent, b"compatible;") else { return false };
    let claim = claim.trim_ascii_start();
    claim.first().is_some_and(u8::is_ascii_alphabetic) && !begins(claim, COMPATIBLE_BROWSERS)
}

/// Whether it claims a Chrome that never shipped.
///
/// From Chrome 5 to 79 no patch number came near a thousand. One family of scrapers makes up such
/// numbers by the hundred thousand. Yandex's browser put its own numbers there, builds numbered 0
/// are shortened versions of real ones, and later majors are left alone: the rule must not turn
/// people into bots as Chrome moves on.
pub(super) fn is_forged_chrome(user_agent: &[u8]) -> bool {
    let Some(version) = after(user_agent, b"Chrome/") else { return false };
    let mut numbers = version.split(|&byte| byte == b'.').map(leading_number);
    let mut next = || numbers.next().flatten();
    let (Some(major), Some(_), Some(build), Some(patch)) = (next(), next(), next(), next()) else { return false };
    MAJORS_WITH_SHORT_PATCHES.contains(&major)
        && build != 0
        && patch >= FIRST_IMPOSSIBLE_PATCH
        && memchr::memmem::find(user_agent, b"YaBrowser/").is_none()
}

/// Whether `text` begins with a host name: labels with a dot between, a letter after it.
fn is_domain(text: &[u8]) -> bool {
    let in_label = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
    let label = text.iter().take(LONGEST_LABEL).take_while(in_label).count();
    let dot_and_letter = text.get(label..label + 2).is_some_and(|end| end[0] == b'.' && end[1].is_ascii_alphabetic());
    label > 0 && dot_and_letter
}

/// What follows the first `word`, which ends with a rare byte: to look for that is the quickest.
fn after<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let last = *word.last()?;
    let end = memchr::memchr_iter(last, text).find(|&at| text.get(..=at).is_some_and(|text| text.ends_with(word)))?;
    text.get(end + 1..)
}

/// The number at the start of `text`, if there is one and it fits.
fn leading_number(text: &[u8]) -> Option<u32> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(text.get(..digits)?).ok()?.parse().ok()
}

/// Whether `text` begins with one of `starts`, in any case.
fn begins(text: &[u8], starts: &[&str]) -> bool {
    let is_at_start =
        |start: &str| text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start.as_bytes()));
    starts.iter().copied().any(is_at_start)
}

const MAJORS_WITH_SHORT_PATCHES: RangeInclusive<u32> = 5..=79;
const FIRST_IMPOSSIBLE_PATCH: u32 = 900;
/// A label of a host name has at most 63 bytes.
const LONGEST_LABEL: usize = 63;

/// Browsers that called themselves compatible.
const COMPATIBLE_BROWSERS: &[&str] = &[
    "MSIE",
    "Konqueror",
    "Opera",
    "Windows",
    "Linux",
    "Android",
    "U;",
    "iCab",
    "Netscape",
    "X11",
    "WebTV",
    "Macintosh",
    "IBrowse",
    "Amiga",
    "NetPositive",
    "Polaris",
];

/// What only browsers say, wherever it stands: the name of an engine, or of what old phones ran.
const BROWSER_SIGNS: &[&[u8]] = &[
    b"AppleWebKit",
    b"AppleWebkit",
    b"MIDP",
    b"UP.Browser",
    b"NetFront",
    b"Obigo",
    b"Gecko/",
    b"Dalvik/",
    b"UNTRUSTED/1.0",
];

const MOZILLA_STARTS: &[&str] = &["Mozilla/", "Mozilla /"];

const ANDROID_STARTS: &[&str] = &["Linux; Android", "Linux; U; Android", "Linux;Android", "Linux;U;Android", "Android"];

const BROWSER_STARTS: &[&str] = &[
    // Browsers.
    "Opera/",
    "Lynx/",
    "Links (",
    "ELinks",
    "w3m/",
    "Dillo/",
    "NetSurf/",
    "UCWEB/",
    "iCab/",
    "IBrowse/",
    "Amiga",
    "HotJava/",
    "QQBrowser",
    // The browsers inside apps.
    "[FB",
    "FBAN/",
    "Instagram ",
    "Dalvik/",
    "GoogleApp/",
    "Line/",
    "Snapchat/",
    // Phones from before smartphones.
    "Nokia",
    "SonyEricsson",
    "Samsung",
    "SEC-",
    "BlackBerry",
    "LG-",
    "LGE-",
    "LG/",
    "MOT-",
    "Motorola",
    "ZTE",
    "HUAWEI",
    "Alcatel",
    "Philips",
    "Sagem",
    "SIE-",
    "Sharp",
    "SANYO",
    "Panasonic",
    "KDDI-",
    "DoCoMo/",
    "SoftBank/",
    "Vodafone/",
    "J-PHONE/",
    "HTC",
    "Lenovo",
    "Micromax",
    "Spice",
    "Karbonn",
    "KYOCERA",
    "PalmOS",
    "Palm",
    "Sony",
    "BenQ",
    "GIONEE",
    "TCL",
    "OPPO",
    "Xiaomi",
    "Android ",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn chrome(version: &str) -> bool {
        is_forged_chrome(format!("Mozilla/5.0 (Linux) AppleWebKit/537.36 Chrome/{version} Safari/537.36").as_bytes())
    }

    #[test]
    fn a_chrome_that_never_shipped_is_forged() {
        assert!(chrome("56.0.1535.1682"));
        assert!(chrome("79.0.3945.999"));
    }

    #[test]
    fn a_chrome_that_shipped_is_not_forged() {
        assert!(!chrome("56.0.2924.87"));
        assert!(!chrome("148.0.7700.1234"));
        assert!(!chrome("56.0.0.0"));
        assert!(!chrome("4.1.249.1064"));
    }

    #[test]
    fn yandex_numbered_its_chromes_differently() {
        assert!(!is_forged_chrome(b"Mozilla/5.0 Chrome/30.0.1599.12785 YaBrowser/13.12.1599.12785 Safari/537.36"));
    }

    #[test]
    fn the_device_part_ends_with_its_own_bracket() {
        let ua = b"Mozilla/5.0 (Linux; Android 9; Novo(HD) Build/1) AppleWebKit/537.36";
        assert_eq!(&ua[device_part(ua)], b"(Linux; Android 9; Novo(HD) Build/1");
        assert_eq!(device_part(b"Mozilla/5.0 (compatible; Acme)"), 0..0);
        assert_eq!(device_part(b"(Android"), 0..8);
    }

    #[test]
    fn a_mail_address_has_a_host_name() {
        assert!(has_address(b"Mozilla/5.0 (info@example.com)"));
        assert!(!has_address(b"Mozilla/5.0 (Ecosia android@88.0.4324.181)"));
        assert!(!has_address(b"x@"));
    }

    #[test]
    fn compatible_with_nothing_known_is_no_browser() {
        assert!(is_merely_compatible(b"Mozilla/5.0 (compatible; Acme/1.0)"));
        assert!(!is_merely_compatible(b"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)"));
        assert!(!is_merely_compatible(b"Mozilla/4.0 (compatible;)"));
    }

    #[test]
    fn an_odd_version_is_not_forged() {
        for odd in ["", "56", "56.0", "56.0.x.1682", "99999999999999.0.1.1000", "....", "W.X.Y.Z"] {
            assert!(!chrome(odd), "{odd}");
        }
    }

    #[test]
    fn a_dash_is_an_empty_user_agent() {
        assert!(is_empty(b"-") && is_empty(b" \t") && is_empty(b""));
        assert!(!is_empty(b"--"));
    }

    #[test]
    fn a_browser_is_known_by_its_beginning_in_any_case() {
        assert!(has_browser_form(b"mozilla/5.0 (X11)"));
        assert!(!has_browser_form(b"curl/8.9.1"));
        assert!(!has_browser_form(b"Moz"));
    }
}

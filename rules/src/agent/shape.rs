//! What a User-Agent looks like, whoever it names: empty, no browser's form, a Chrome that never was.

use std::{ops::Range, sync::LazyLock};

use aho_corasick::AhoCorasick;

/// Whether nothing is there; a log writes `-` for it.
pub(super) fn is_empty(user_agent: &[u8]) -> bool {
    matches!(user_agent.trim_ascii(), b"" | b"-")
}

/// Whether it begins as browsers, old phones and the browsers inside apps do, or shows their engine.
pub(super) fn has_browser_form(user_agent: &[u8]) -> bool {
    let has = |sign: &[u8]| memchr::memmem::find(user_agent, sign).is_some();
    if begins_like_browser(user_agent) {
        // Browsers tell their platform, nearly always in brackets; nothing else needs to.
        return match memchr::memchr(b'(', user_agent) {
            Some(open) => names_platform(user_agent, open + 1) || has(b"Safari/") || has(b"NetFront/"),
            None => has(b"AppleWebKit/"),
        };
    }
    begins(user_agent, BROWSER_STARTS) || shows_browser(user_agent)
}

/// Whether it begins as browsers of any age do.
pub(super) fn begins_like_browser(user_agent: &[u8]) -> bool {
    begins(user_agent, MOZILLA_STARTS)
}

/// Whether an engine or an app shows through, though it begins in its own way: bots put their name before a whole browser's.
fn shows_browser(user_agent: &[u8]) -> bool {
    let has = |sign: &[u8]| memchr::memmem::find(user_agent, sign).is_some();
    SIGNS_IN_TEXT.as_ref().is_some_and(|signs| signs.is_match(user_agent)) && (!has(b"Mozilla/") || has(b"; wv)"))
}

/// Whether it names a platform, where one belongs or anywhere.
fn names_platform(user_agent: &[u8], inside: usize) -> bool {
    begins(user_agent.get(inside..).unwrap_or_default(), COMMON_PLATFORMS)
        || PLATFORMS_IN_TEXT.as_ref().is_some_and(|platforms| platforms.is_match(user_agent))
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
    // A product that is neither the system nor the build is no maker's: `; DuplexWeb-Google/1.0)`.
    let length = match memchr::memrchr(b';', inside.get(..length).unwrap_or_default()) {
        Some(last) if is_product(inside.get(last + 1..length).unwrap_or_default()) => last,
        _ => length,
    };
    open..open + 1 + length
}

fn is_product(part: &[u8]) -> bool {
    memchr::memchr(b'/', part).is_some() && memchr::memmem::find(part, b"Build/").is_none()
}

/// Whether it is a phone's or a tablet's.
pub(super) fn is_phone(user_agent: &[u8]) -> bool {
    let Some(open) = memchr::memchr(b'(', user_agent) else { return false };
    let inside = user_agent.get(open + 1..).unwrap_or_default();
    begins(inside, PHONES) || begins(inside, ANDROID_STARTS)
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

/// Whether `text` begins with one of `starts`, in any case.
fn begins(text: &[u8], starts: &[&str]) -> bool {
    let Some(first) = text.first().map(u8::to_ascii_lowercase) else { return false };
    starts.iter().map(|start| start.as_bytes()).any(|start| {
        start.first().is_some_and(|byte| byte.to_ascii_lowercase() == first)
            && text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
    })
}

const PHONES: &[&str] = &["iPhone", "iPad", "iPod"];

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

/// `None` only if the list outgrew the automaton, which a test rules out.
static SIGNS_IN_TEXT: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(BROWSER_SIGNS).ok());

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

const COMMON_PLATFORMS: &[&str] = &["Linux", "Windows", "iPhone", "Macintosh", "X11", "compatible", "iPad"];

/// `None` only if the list outgrew the automaton, which a test rules out.
static PLATFORMS_IN_TEXT: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(PLATFORMS).ok());

/// Parts of the names of platforms and of those who build them.
const PLATFORMS: &[&[u8]] = &[
    b"AIX",
    b"AMIGA",
    b"ANDROID",
    b"Amiga",
    b"Android",
    b"BB10",
    b"BSD",
    b"BeOS",
    b"BlackBerry",
    b"Brew",
    b"CrOS",
    b"Darwin",
    b"Fuchsia",
    b"HP-UX",
    b"HPUX",
    b"Haiku",
    b"HbbTV",
    b"IRIX",
    b"J2ME",
    b"KAIOS",
    b"KFAPWI",
    b"Kindle",
    b"LG",
    b"Linux",
    b"MIDP",
    b"MSIE",
    b"Mac",
    b"Maemo",
    b"MeeGo",
    b"Mobile",
    b"Nintendo",
    b"Nokia",
    b"OS/2",
    b"OSF1",
    b"Obigo",
    b"PLAYSTATION",
    b"PSP",
    b"Palm",
    b"PlayStation",
    b"QNX",
    b"RISC",
    b"SAMSUNG",
    b"SMART",
    b"Series",
    b"Smart",
    b"Solaris",
    b"SunOS",
    b"SymbOS",
    b"SymbianOS",
    b"Symbian",
    b"TV",
    b"Tablet",
    b"Tizen",
    b"Trident",
    b"U;",
    b"Unix",
    b"Unknown",
    b"VMS",
    b"Vodafone",
    b"Web0S",
    b"Wii",
    b"Win",
    b"X11",
    b"Xbox",
    b"android",
    b"bada",
    b"hpwOS",
    b"iOS",
    b"iPad",
    b"iPhone",
    b"iPod",
    b"linux",
    b"mac",
    b"webOS",
    b"win",
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
    // Televisions.
    "HbbTV/",
    "RokuBrowser/",
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

    #[test]
    fn the_device_part_ends_with_its_own_bracket_or_before_a_product() {
        let ua = b"Mozilla/5.0 (Linux; Android 9; Novo(HD) Build/1) AppleWebKit/537.36";
        assert_eq!(&ua[device_part(ua)], b"(Linux; Android 9; Novo(HD) Build/1");
        assert_eq!(device_part(b"Mozilla/5.0 (compatible; Acme)"), 0..0);
        assert_eq!(device_part(b"(Android"), 0..8);
        assert_eq!(device_part(b"(Android 9; Acme 3; AcmeCheck/1)"), 0..18);
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
    fn a_dash_is_an_empty_user_agent() {
        assert!(is_empty(b"-") && is_empty(b" \t") && is_empty(b""));
        assert!(!is_empty(b"--"));
    }

    #[test]
    fn the_lists_fit_into_their_automata() {
        assert!(SIGNS_IN_TEXT.is_some() && PLATFORMS_IN_TEXT.is_some());
    }

    #[test]
    fn a_browser_names_a_platform() {
        assert!(has_browser_form(b"Mozilla/5.0 (Fuchsia) AppleWebKit/537.36 (KHTML, like Gecko)"));
        assert!(!has_browser_form(b"Mozilla/5.0 (Acme) AppleWebKit/537.36 (KHTML, like Gecko)"));
    }

    #[test]
    fn phones_and_tablets_name_themselves() {
        assert!(is_phone(b"Mozilla/5.0 (iPad; CPU OS 18_0)") && is_phone(b"Dalvik/2.1.0 (Linux; U; Android 16)"));
        assert!(!is_phone(b"Mozilla/5.0 (X11; Linux x86_64)") && !is_phone(b"Android"));
    }

    #[test]
    fn a_browser_is_known_by_its_beginning_in_any_case() {
        assert!(has_browser_form(b"mozilla/5.0 (X11)"));
        assert!(!has_browser_form(b"curl/8.9.1"));
        assert!(!has_browser_form(b"Moz"));
    }
}

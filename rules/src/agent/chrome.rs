//! Chromes that never shipped: a family of scrapers makes up versions by the hundred thousand.

/// Whether it claims a Chrome that never shipped.
///
/// From major 5 to 79 the build must lie between the branches of the majors around it, and the patch
/// below a thousand. After that both must be wrong at once, for forks of Chromium number more freely;
/// and what is newer than the table is left alone: the rule must not turn people into bots as Chrome
/// moves on. Some browsers put their own numbers there, and builds numbered 0 are shortened versions of real ones.
pub(super) fn is_forged(user_agent: &[u8]) -> bool {
    let Some([major, 0, build, patch]) = version(user_agent) else { return false };
    let patched_too_often = patch >= FIRST_IMPOSSIBLE_PATCH;
    if build == 0 || !(is_between_branches(major, build).is_some_and(|shipped| !shipped) || patched_too_often) {
        return false;
    }
    let forged = match major {
        5..=79 => true,
        80.. => patched_too_often && is_between_branches(major, build) == Some(false),
        _ => false,
    };
    forged && !NUMBER_FREELY.iter().any(|browser| memchr::memmem::find(user_agent, browser).is_some())
}

/// Whether a build is one between the branch before a major's own and the one after it; `None` for a major that the table does not know.
fn is_between_branches(major: u32, build: u32) -> Option<bool> {
    let at = usize::try_from(major.checked_sub(FIRST_BRANCH)?).ok()?;
    let before = BRANCHES.get(at.checked_sub(1)?)?;
    let after = BRANCHES.get(at + 1)?;
    Some((u32::from(*before)..=u32::from(*after)).contains(&build))
}

/// The four numbers of the version.
fn version(user_agent: &[u8]) -> Option<[u32; 4]> {
    let names_chrome = |&at: &usize| user_agent.get(..at).is_some_and(|before| before.ends_with(b"Chrome"));
    let slash = memchr::memchr_iter(b'/', user_agent).find(names_chrome)?;
    let text = user_agent.get(slash + 1..)?;
    let end = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(text.len());
    let mut numbers = text.get(..end)?.split(|&byte| byte == b'.').map(number);
    let mut next = || numbers.next().flatten();
    Some([next()?, next()?, next()?, next()?])
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

const FIRST_IMPOSSIBLE_PATCH: u32 = 900;

/// Browsers that put numbers of their own there.
const NUMBER_FREELY: &[&[u8]] = &[b"YaBrowser/", b"YaSearchBrowser/", b"Iron/"];

const FIRST_BRANCH: u32 = 4;

/// The branch of each major from 4 on, as the releases show it: Chrome 120 was 120.0.6099.
const BRANCHES: &[u16] = &[
    249, 375, 472, 517, 552, 597, // 4 to 9
    648, 696, 742, 782, 835, 874, 912, 963, 1025, 1084, // 10 to 19
    1132, 1180, 1229, 1271, 1312, 1364, 1410, 1453, 1500, 1547, // 20 to 29
    1599, 1650, 1700, 1750, 1847, 1916, 1985, 2062, 2125, 2171, // 30 to 39
    2214, 2272, 2311, 2357, 2403, 2454, 2490, 2526, 2564, 2623, // 40 to 49
    2661, 2704, 2743, 2785, 2840, 2883, 2924, 2987, 3029, 3071, // 50 to 59
    3112, 3163, 3202, 3239, 3282, 3325, 3359, 3396, 3440, 3497, // 60 to 69
    3538, 3578, 3626, 3683, 3729, 3770, 3809, 3865, 3904, 3945, // 70 to 79
    3987, 4044, 4085, 4103, 4147, 4183, 4240, 4280, 4324, 4389, // 80 to 89
    4430, 4472, 4515, 4577, 4606, 4638, 4664, 4692, 4758, 4844, // 90 to 99
    4896, 4951, 5005, 5060, 5112, 5195, 5249, 5304, 5359, 5414, // 100 to 109
    5481, 5563, 5615, 5672, 5735, 5790, 5845, 5938, 5993, 6045, // 110 to 119
    6099, 6167, 6261, 6312, 6367, 6422, 6478, 6533, 6613, 6668, // 120 to 129
    6723, 6778, 6834, 6943, 6998, 7049, 7103, 7151, 7204, 7258, // 130 to 139
    7339, 7390, 7444, 7499, 7559, 7632, 7680, 7727, 7778, 7827, // 140 to 149
    7871, // 150
];

#[cfg(test)]
mod tests {
    use super::*;

    fn chrome(version: &str) -> bool {
        is_forged(format!("Mozilla/5.0 (Linux) AppleWebKit/537.36 Chrome/{version} Safari/537.36").as_bytes())
    }

    #[test]
    fn a_chrome_that_never_shipped_is_forged() {
        assert!(chrome("56.0.1535.1682"), "neither build nor patch");
        assert!(chrome("79.0.3945.999"), "no such patch");
        assert!(chrome("56.0.1535.87"), "no such build");
        assert!(chrome("120.0.1535.1682"), "neither build nor patch");
    }

    #[test]
    fn a_chrome_that_shipped_is_not_forged() {
        for version in ["56.0.2924.87", "56.0.0.0", "4.1.249.1064", "120.0.6099.1234", "120.0.1535.87"] {
            assert!(!chrome(version), "{version}");
        }
    }

    #[test]
    fn a_chrome_newer_than_the_table_is_not_forged() {
        assert!(!chrome("151.0.1535.1682"));
        assert!(!chrome("400.0.12345.6789"));
    }

    #[test]
    fn branches_grow() {
        assert!(BRANCHES.is_sorted());
        assert_eq!(BRANCHES.get(120 - FIRST_BRANCH as usize), Some(&6099));
    }

    #[test]
    fn yandex_numbered_its_chromes_differently() {
        assert!(!is_forged(b"Mozilla/5.0 Chrome/30.0.1599.12785 YaBrowser/13.12.1599.12785 Safari/537.36"));
    }

    #[test]
    fn an_odd_version_is_not_forged() {
        for odd in [
            "",
            "56",
            "56.0",
            "56.0.x.1682",
            "99999999999999.0.1.1000",
            "....",
            "W.X.Y.Z",
            "0.0.1.1000",
            "19.77.34.5",
            "48.0 Safari",
        ] {
            assert!(!chrome(odd), "{odd}");
        }
    }
}

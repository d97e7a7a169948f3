//! The cookies of one browser for one site.
//!
//! Domain, path and `Secure` are not looked at: a visitor knows one host, and the demo sets its
//! cookies for all of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Names and values, as they go back to the server.
#[derive(Debug, Default)]
pub(super) struct Jar(BTreeMap<String, String>);

impl Jar {
    /// Keeps or deletes what a `Set-Cookie` field says at `now`.
    pub(super) fn store(&mut self, set_cookie: &str, now: Timestamp) {
        let mut parts = set_cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() {
            return;
        }
        if is_over(parts, now) {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The `Cookie` field, if there is anything to say.
    pub(super) fn header(&self) -> Option<String> {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// Whether these attributes delete the cookie. `Max-Age` goes before `Expires` (RFC 6265, 5.3).
fn is_over<'a>(attributes: impl Iterator<Item = &'a str>, now: Timestamp) -> bool {
    let (mut by_age, mut by_date) = (None, None);
    for (name, value) in attributes.filter_map(|attribute| attribute.split_once('=')) {
        if name.trim().eq_ignore_ascii_case("max-age") {
            by_age = value.trim().parse::<i64>().ok().map(|seconds| seconds <= 0).or(by_age);
        } else if name.trim().eq_ignore_ascii_case("expires") {
            by_date = date(value).map(|date| date <= now).or(by_date);
        }
    }
    by_age.or(by_date).unwrap_or(false)
}

/// `Thu, 01 Jan 1970 00:00:00 GMT`, also with the dashes that some servers still write.
fn date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(&text.trim().replace('-', " ")).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(set_cookies: &[&str]) -> Option<String> {
        let now = "2026-03-12T12:00:00Z".parse().unwrap();
        let mut jar = Jar::default();
        for set_cookie in set_cookies {
            jar.store(set_cookie, now);
        }
        jar.header()
    }

    #[test]
    fn the_last_value_of_a_name_goes_back() {
        assert_eq!(after(&["a=1; Path=/", "b=x=y; HttpOnly", "a=2"]).as_deref(), Some("a=2; b=x=y"));
    }

    #[test]
    fn a_cookie_is_deleted_by_age_and_by_date() {
        assert_eq!(after(&["a=1", "a=; Path=/; Max-Age=0"]), None);
        assert_eq!(after(&["a=1", "a=; max-age=-1"]), None);
        assert_eq!(after(&["a=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]), None);
        assert_eq!(after(&["a=1", "a=; expires=Thu, 01-Jan-1970 00:00:00 GMT"]), None);
    }

    #[test]
    fn a_cookie_with_time_left_stays() {
        assert_eq!(after(&["a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]).as_deref(), Some("a=1"));
        assert_eq!(after(&["a=1; Expires=Fri, 13 Mar 2026 12:00:00 GMT"]).as_deref(), Some("a=1"));
        assert_eq!(after(&["a=1; Expires=someday"]).as_deref(), Some("a=1"));
    }

    #[test]
    fn what_is_no_cookie_is_not_kept() {
        assert_eq!(after(&["", "novalue", "=x", ";;"]), None);
    }
}

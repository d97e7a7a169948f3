//! Whether what changes something comes from our own page; why, is told in [`super`].
//!
//! How `Sec-Fetch-Site` and `Origin` are weighed is that of Go's `net/http.CrossOriginProtection`, whose documentation has the reasons.

use axum::http::{HeaderMap, Method, header};

use super::refusal::Refusal;

/// The header that a page of another site may not send.
pub(super) const HEADER: &str = "X-Portalmeter";
/// Its value.
pub(super) const VALUE: &str = "1";

/// Refuses what changes something and could come from a page of another site.
pub(super) fn check(method: &Method, headers: &HeaderMap, trusted: bool) -> Result<(), Refusal> {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    if reads || (is_marked(headers) && is_from_our_page(headers, trusted)) { Ok(()) } else { Err(Refusal::NotOurPage) }
}

fn is_marked(headers: &HeaderMap) -> bool {
    headers.get(HEADER).is_some_and(|value| value.as_bytes() == VALUE.as_bytes())
}

fn is_from_our_page(headers: &HeaderMap, trusted: bool) -> bool {
    // A browser sends one of each. Two could be read in two ways.
    let only = |name: &str| headers.get_all(name).iter().collect::<Vec<_>>();
    match only("sec-fetch-site").as_slice() {
        [] => {}
        [site] => return site.as_bytes() == b"same-origin",
        _ => return false,
    }
    match only("origin").as_slice() {
        [] => true,
        [origin] => origin.to_str().is_ok_and(|origin| asked(headers, trusted).any(|host| is_of(origin, host))),
        _ => false,
    }
}

/// The hosts that were asked: the one in the request, and the one that a trusted proxy was asked for.
fn asked(headers: &HeaderMap, trusted: bool) -> impl Iterator<Item = &str> {
    let forwarded = trusted.then(|| headers.get("x-forwarded-host")).flatten();
    [headers.get(header::HOST), forwarded].into_iter().flatten().filter_map(|host| host.to_str().ok())
}

/// Whether an origin has this host and port. The usual port is in neither.
fn is_of(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    authority.is_some_and(|authority| !host.is_empty() && authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(method: &Method, fields: &[(&'static str, &'static str)], trusted: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", "usage.example:9090".parse().unwrap());
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        check(method, &headers, trusted).is_ok()
    }

    const MARK: (&str, &str) = ("x-portalmeter", "1");

    #[test]
    fn what_only_reads_needs_nothing() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(is_taken(&method, &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], false));
        }
        for method in [Method::POST, Method::DELETE, Method::PUT, Method::PATCH, "FOO".parse().unwrap()] {
            assert!(!is_taken(&method, &[], false), "{method}");
        }
    }

    #[test]
    fn our_own_page_and_scripts_are_taken() {
        for fields in [
            &[MARK][..],
            &[MARK, ("sec-fetch-site", "same-origin")],
            &[MARK, ("origin", "https://usage.example:9090")],
            &[MARK, ("origin", "http://USAGE.example:9090")],
            &[MARK, ("sec-fetch-site", "same-origin"), ("origin", "https://usage.example")],
        ] {
            assert!(is_taken(&Method::POST, fields, false), "{fields:?}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        for fields in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("x-portalmeter", "0")],
            &[MARK, ("sec-fetch-site", "cross-site")],
            &[MARK, ("sec-fetch-site", "same-site"), ("origin", "https://usage.example:9090")],
            &[MARK, ("sec-fetch-site", "none")],
            &[MARK, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[MARK, ("origin", "null")],
            &[MARK, ("origin", "")],
            &[MARK, ("origin", "https://usage.example")],
            &[MARK, ("origin", "https://usage.example:9090.evil.example")],
            &[MARK, ("origin", "ftp://usage.example:9090")],
        ] {
            assert!(!is_taken(&Method::POST, fields, false), "{fields:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_says_which_host_it_was_asked_for() {
        let fields = [MARK, ("origin", "https://usage.example"), ("x-forwarded-host", "usage.example")];
        assert!(is_taken(&Method::POST, &fields, true));
        assert!(!is_taken(&Method::POST, &fields, false));
    }
}

//! Does a page of the same origin send this? A browser says so itself, in fields that no script can set.

use http::HeaderMap;

/// Whether a request comes from a page of the host that it goes to. A browser that says nothing is too old to be asked.
pub(super) fn is_same(headers: &HeaderMap, host: &str) -> bool {
    let only = |name: &str| {
        let mut all = headers.get_all(name).iter();
        all.next().filter(|_| all.next().is_none()).map(|value| value.to_str().unwrap_or_default())
    };
    let several = |name: &str| headers.get_all(name).iter().count() > 1;
    if several("origin") || several("sec-fetch-site") {
        return false;
    }
    let site = only("sec-fetch-site").map(|site| site == "same-origin");
    let origin = only("origin").map(|origin| is_of(origin, host));
    match (site, origin) {
        (None, None) => false,
        (site, origin) => site != Some(false) && origin != Some(false),
    }
}

fn is_of(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    // Where TLS ends before us, only the port tells the scheme.
    let default = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let bare = |authority: &str| authority.strip_suffix(default).unwrap_or(authority).to_ascii_lowercase();
    !host.is_empty() && bare(authority) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(fields: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        is_same(&headers, "support.example:8443")
    }

    #[test]
    fn only_a_page_of_the_same_origin_is_heard() {
        for fine in [
            &[("origin", "https://support.example:8443")][..],
            &[("origin", "https://Support.Example:8443")],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://support.example:8443")],
        ] {
            assert!(same(fine), "{fine:?}");
        }
        for not in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "https://support.example")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://support.example:8443.evil.example")],
            &[("origin", "file://support.example:8443")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://support.example:8443")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
            &[("origin", "https://support.example:8443"), ("origin", "https://evil.example")],
            &[("referer", "https://support.example:8443/")],
        ] {
            assert!(!same(not), "{not:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("origin", "https://a.example".parse().unwrap());
        assert!(is_same(&headers, "a.example:443") && !is_same(&headers, "a.example:80"));
    }
}

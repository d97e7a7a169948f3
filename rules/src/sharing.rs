//! May a shared cache store this response, or did one serve it?
//!
//! Such a response says nothing about who asked, and a cookie on it could reach somebody else.

use crate::facts::Response;

/// Whether shared caches may store the response, or it carries `Age`.
///
/// Counted is what the portal says outright: `public`, `s-maxage`, a CDN's own field, or a lifetime
/// without `private`, `no-store` or `no-cache`. A page that says nothing is taken as not shared.
pub fn may_be_shared(response: &Response<'_>) -> bool {
    let headers = response.headers;
    if headers.has("age") || headers.has("surrogate-control") || headers.has("cdn-cache-control") {
        return true;
    }
    let (mut public, mut lasting, mut closed) = (false, false, false);
    headers.each("cache-control", &mut |field| {
        for directive in field.split(|&byte| byte == b',') {
            let directive = directive.trim_ascii();
            let (name, value) = match memchr::memchr(b'=', directive) {
                Some(equals) => (directive[..equals].trim_ascii(), directive[equals + 1..].trim_ascii()),
                None => (directive, &b""[..]),
            };
            let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
            let positive = value.iter().any(|digit| matches!(digit, b'1'..=b'9'));
            public |= is(b"public") || (is(b"s-maxage") && positive);
            lasting |= is(b"max-age") && positive;
            closed |= is(b"private") || is(b"no-store") || is(b"no-cache");
        }
    });
    !closed && (public || lasting)
}

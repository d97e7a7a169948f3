//! Fields that a client nominates in `Connection` are meant for us alone (RFC 9110, 7.6.1).
//!
//! The portal does not get them, so the meter must not see them either: a cookie so hidden would make
//! somebody of a visitor whom the portal takes for a guest.

use http::HeaderName;
use pingora::http::RequestHeader;

/// What belongs to the connection or to the framing of the message, and is Pingora's to deal with.
const KEPT: [&str; 12] = [
    "close",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "connection",
];

/// Takes nominated fields out of a request.
pub(crate) fn drop_nominated(request: &mut RequestHeader) {
    let fields = request.headers.get_all(http::header::CONNECTION).iter();
    let tokens = fields.flat_map(|field| field.as_bytes().split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    let nominated = tokens.filter(|token| !KEPT.iter().any(|kept| token.eq_ignore_ascii_case(kept.as_bytes())));
    let names: Vec<HeaderName> = nominated.filter_map(|token| HeaderName::from_bytes(token).ok()).collect();
    for name in names {
        request.remove_header(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nominated_goes_and_what_frames_the_message_stays() {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        for (name, value) in [
            ("Connection", "keep-alive, Cookie ,,x-auth-user, \"x-any\""),
            ("Connection", "Upgrade, Content-Length, Host"),
            ("Cookie", "a=1"),
            ("Cookie", "b=2"),
            ("X-Auth-User", "ann"),
            ("X-Any", "1"),
            ("Upgrade", "websocket"),
            ("Content-Length", "0"),
            ("Host", "a.example"),
        ] {
            request.append_header(name, value).unwrap();
        }
        drop_nominated(&mut request);
        let mut left: Vec<&str> = request.headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["connection", "content-length", "host", "upgrade", "x-any"]);
    }
}

//! Fields that a peer nominates in `Connection` are meant for us alone (RFC 9110, 7.6.1).
//!
//! What the portal does not get the meter must not see either: a cookie so hidden would make somebody of a
//! visitor whom the portal takes for a guest.

use http::{HeaderMap, HeaderName};

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

/// The fields that this message nominates.
pub(crate) fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let fields = headers.get_all(http::header::CONNECTION).iter();
    let tokens = fields.flat_map(|field| field.as_bytes().split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    let nominated = tokens.filter(|token| !KEPT.iter().any(|kept| token.eq_ignore_ascii_case(kept.as_bytes())));
    nominated.filter_map(|token| HeaderName::from_bytes(token).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nominated_goes_and_what_frames_the_message_stays() {
        let mut message = HeaderMap::new();
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
            message.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        for name in nominated(&message) {
            message.remove(name);
        }
        let mut left: Vec<&str> = message.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["connection", "content-length", "host", "upgrade", "x-any"]);
    }
}

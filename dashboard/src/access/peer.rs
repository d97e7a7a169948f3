//! Who is at the other end, as far as trusted proxies say: the client's address, and whether it spoke https.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// The other end of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    /// The client's address; none if the listener does not tell.
    pub(super) ip: Option<IpAddr>,
    /// Whether the connection comes from a trusted proxy.
    pub(super) trusted: bool,
    /// Whether the client spoke https.
    pub(super) https: bool,
}

/// Fields that proxies add, and nobody who asks the loopback directly.
const OF_PROXIES: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

impl Peer {
    /// By the connection's address, and if that is a trusted proxy, by what it says.
    pub(super) fn of(parts: &Parts, trusted_proxies: &[IpNet]) -> Self {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let Some(ConnectInfo(address)) = connection else { return Self { ip: None, trusted: false, https: false } };
        let ip = address.ip().to_canonical();
        let is_trusted = |ip: IpAddr| trusted_proxies.iter().any(|network| network.contains(&ip));
        if !is_trusted(ip) {
            return Self { ip: Some(ip), trusted: false, https: false };
        }
        let hops = hops(&parts.headers);
        let believed = hops.iter().rev().take_while(|hop| hop.is_some()).flatten();
        // The nearest that no proxy of ours is; else the farthest.
        let mut client = ip;
        for hop in believed {
            client = *hop;
            if !is_trusted(client) {
                break;
            }
        }
        let proto = parts.headers.get("x-forwarded-proto").map(HeaderValue::as_bytes).unwrap_or_default();
        let first = proto.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
        Self { ip: Some(client), trusted: true, https: first.eq_ignore_ascii_case(b"https") }
    }
}

/// Whether a proxy passed this on.
pub(super) fn came_through_a_proxy(headers: &HeaderMap) -> bool {
    OF_PROXIES.iter().any(|name| headers.contains_key(*name))
}

/// The addresses of `X-Forwarded-For`, in order; nothing where one cannot be read.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let fields = headers.get_all("x-forwarded-for").iter();
    fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b',')).map(hop).collect()
}

fn hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let ip: Option<IpAddr> = text.parse().ok();
    let ip = ip.or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()));
    let ip = ip.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    ip.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn peer(address: &str, fields: &[(&str, &str)]) -> Peer {
        let mut request = Request::builder();
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let address: SocketAddr = address.parse().unwrap();
        parts.extensions.insert(ConnectInfo(address));
        Peer::of(&parts, &["10.0.0.0/8".parse().unwrap()])
    }

    fn client(address: &str, forwarded: &str) -> String {
        peer(address, &[("x-forwarded-for", forwarded)]).ip.unwrap().to_string()
    }

    #[test]
    fn a_trusted_proxy_says_who_the_client_is() {
        assert_eq!(client("10.0.0.1:1", "192.0.2.1"), "192.0.2.1");
        assert_eq!(client("[::ffff:10.0.0.1]:1", "192.0.2.1:80, 10.0.0.2"), "192.0.2.1");
        assert_eq!(
            client("10.0.0.1:1", "198.51.100.7, 192.0.2.1"),
            "192.0.2.1",
            "what stands before is the client's word"
        );
        assert_eq!(client("10.0.0.1:1", "198.51.100.7, nonsense"), "10.0.0.1");
    }

    #[test]
    fn nobody_else_does() {
        let fields = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https")];
        let stranger = peer("203.0.113.9:1", &fields);
        assert_eq!(stranger, Peer { ip: Some([203, 0, 113, 9].into()), trusted: false, https: false });
        assert!(peer("10.0.0.1:1", &fields).https);
        assert!(!peer("10.0.0.1:1", &[("x-forwarded-proto", "http, https")]).https);
    }
}

//! The client behind trusted proxies, and the X-Forwarded fields that tell the portal of it.
//!
//! Only a peer in `server.trusted_proxies` is believed; anybody else's fields are replaced.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// Who sent a request, as far as trusted peers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// The client's address.
    pub(crate) ip: IpAddr,
    /// The address the connection came from.
    pub(crate) peer: IpAddr,
    /// Whether that is a trusted proxy.
    pub(crate) trusted: bool,
    /// Whether the client spoke https.
    pub(crate) https: bool,
}

impl Client {
    /// The client of a request from `peer`, by the request's fields if `peer` is trusted.
    pub(crate) fn behind(peer: IpAddr, headers: &HeaderMap, trusted_proxies: &[IpNet], tls: bool) -> Self {
        let peer = peer.to_canonical();
        let is_trusted = |ip: &IpAddr| trusted_proxies.iter().any(|net| net.contains(ip));
        let trusted = is_trusted(&peer);
        if !trusted {
            return Self { ip: peer, peer, trusted, https: tls };
        }
        let mut ip = peer;
        for hop in hops(headers).rev() {
            let Some(hop) = hop else { break };
            ip = hop;
            if !is_trusted(&hop) {
                break;
            }
        }
        let https = first_word(headers, "x-forwarded-proto").map_or(tls, |proto| proto.eq_ignore_ascii_case(b"https"));
        Self { ip, peer, trusted, https }
    }
}

/// The addresses of X-Forwarded-For in order; `None` where one cannot be read.
fn hops(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = Option<IpAddr>> {
    let fields: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(http::HeaderValue::as_bytes).collect();
    let hops: Vec<Option<IpAddr>> =
        fields.iter().flat_map(|field| field.split(|&byte| byte == b',')).map(hop).collect();
    hops.into_iter()
}

fn hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let ip: Option<IpAddr> = text.parse().ok();
    let ip = ip.or_else(|| text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip()));
    let ip = ip.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    ip.map(|ip| ip.to_canonical())
}

fn first_word<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let value = headers.get(name)?.as_bytes();
    value.split(|&byte| byte == b',').next().map(<[u8]>::trim_ascii)
}

/// The values of X-Forwarded-For, -Proto and -Host that the portal gets.
pub(crate) fn fields(client: &Client, headers: &HeaderMap, host: &str, tls: bool) -> [(&'static str, Vec<u8>); 3] {
    let mut chain = Vec::new();
    if client.trusted {
        for value in headers.get_all("x-forwarded-for") {
            chain.extend_from_slice(value.as_bytes());
            chain.extend_from_slice(b", ");
        }
    }
    chain.extend_from_slice(client.peer.to_string().as_bytes());
    let kept = |name: &str| client.trusted.then(|| headers.get(name).map(|value| value.as_bytes().to_vec())).flatten();
    let proto = kept("x-forwarded-proto").unwrap_or_else(|| if tls { b"https".to_vec() } else { b"http".to_vec() });
    let asked = kept("x-forwarded-host").unwrap_or_else(|| host.as_bytes().to_vec());
    [("X-Forwarded-For", chain), ("X-Forwarded-Proto", proto), ("X-Forwarded-Host", asked)]
}

/// What [`fields`] says.
const SAID: [&str; 3] = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
/// What only a trusted peer may say beside that. Portals behind some servers answer with the last two's address
/// instead of the one asked for, and the meter would have judged another page.
const CLAIMS: [&str; 7] = [
    "forwarded",
    "x-real-ip",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-original-url",
    "x-rewrite-url",
];

/// Whether a field tells of the client what its sender may not say, or says what we say in another spelling.
pub(crate) fn is_forged(field: &str, trusted: bool) -> bool {
    SAID.iter().any(|name| field != *name && passes_for(field, name))
        || (!trusted && CLAIMS.iter().any(|name| passes_for(field, name)))
}

/// Whether a field could be taken for `name` by a portal that reads all but letters and digits alike, as CGI does.
pub(crate) fn passes_for(field: &str, name: &str) -> bool {
    field.len() == name.len()
        && field.bytes().zip(name.bytes()).all(|(a, b)| {
            let plain = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
            plain(a) == plain(b)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        map
    }

    fn behind(peer: &str, fields: &[(&'static str, &'static str)]) -> Client {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        Client::behind(peer.parse().unwrap(), &headers(fields), &trusted, false)
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_it_says() {
        let client = behind("203.0.113.9", &[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https")]);
        assert_eq!((client.ip.to_string().as_str(), client.https), ("203.0.113.9", false));
    }

    #[test]
    fn behind_trusted_proxies_the_last_untrusted_hop_is_the_client() {
        let fields = [("x-forwarded-for", "1.1.1.1, 203.0.113.9"), ("x-forwarded-for", "10.0.0.7")];
        assert_eq!(behind("10.0.0.1", &fields).ip.to_string(), "203.0.113.9");
    }

    #[test]
    fn a_hop_that_is_no_address_ends_the_chain() {
        assert_eq!(behind("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, garbage")]).ip.to_string(), "10.0.0.1");
    }

    #[test]
    fn underscores_pass_for_dashes() {
        assert!(passes_for("x_auth_Request-user", "X-Auth-Request-User"));
        assert!(!passes_for("x-auth-request-use", "X-Auth-Request-User"));
    }
}

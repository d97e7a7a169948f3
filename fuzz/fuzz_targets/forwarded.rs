//! The client behind trusted proxies, and what the portal is told of it.
//!
//! Input, a line each: `peer ADDRESS`, `trust NETWORK`, `host NAME`, `tls`, and fields as `> name: value`.

#![no_main]

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use portalmeter::fuzz::{Forwarded, behind};
use portalmeter_fuzz::{field, lines};

fuzz_target!(|input: &[u8]| {
    let mut peer: IpAddr = [10, 0, 0, 1].into();
    let (mut trusted, mut headers, mut host, mut tls) = (Vec::<IpNet>::new(), HeaderMap::new(), "a.example", false);
    for line in lines(input) {
        if let Some((name, value)) = line.strip_prefix(b"> ").and_then(field) {
            headers.append(name, value);
            continue;
        }
        let Ok(line) = std::str::from_utf8(line) else { continue };
        match line.split_once(' ') {
            Some(("peer", text)) => peer = text.parse().unwrap_or(peer),
            Some(("trust", text)) => trusted.extend(text.parse::<IpNet>().ok()),
            Some(("host", text)) => host = text,
            _ => tls |= line == "tls",
        }
    }
    check(&behind(peer, &headers, &trusted, host, tls), peer.to_canonical(), &headers, &trusted, host, tls);
});

fn check(found: &Forwarded, peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet], host: &str, tls: bool) {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip));
    assert_eq!((found.peer, found.trusted), (peer, is_trusted(peer)));
    let all = |name: &str| -> Vec<&[u8]> { headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect() };
    let [chain, proto, asked] = found.fields.each_ref().map(|(_, value)| value.as_slice());
    let scheme = if tls { &b"https"[..] } else { b"http" };
    if !found.trusted {
        assert_eq!((found.ip, found.https), (peer, tls), "an untrusted peer was believed");
        assert_eq!(chain, peer.to_string().as_bytes());
        assert_eq!((proto, asked), (scheme, host.as_bytes()));
        return;
    }
    // The chain from its end: each proxy is believed about who came to it, as long as it is trusted.
    let told: Vec<u8> = all("x-forwarded-for").join(&b',');
    let mut client = peer;
    for hop in told.split(|&byte| byte == b',').rev() {
        let Some(hop) = address(hop).filter(|_| is_trusted(client)) else { break };
        client = hop;
    }
    assert_eq!(found.ip, client);
    let mut whole = all("x-forwarded-for");
    let last = peer.to_string();
    whole.push(last.as_bytes());
    assert_eq!(chain, whole.join(&b", "[..]), "the chain was cut");
    assert_eq!(proto, all("x-forwarded-proto").first().copied().unwrap_or(scheme));
    assert_eq!(asked, all("x-forwarded-host").first().copied().unwrap_or(host.as_bytes()));
}

fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip = match (text.parse::<IpAddr>(), text.parse::<SocketAddr>(), bare) {
        (Ok(ip), _, _) => ip,
        (_, Ok(socket), _) => socket.ip(),
        (_, _, Some(bare)) => bare.parse().ok()?,
        _ => return None,
    };
    Some(ip.to_canonical())
}

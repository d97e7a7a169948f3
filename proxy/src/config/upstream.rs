//! Where a portal's requests go.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

use super::problem::Notes;
use super::raw::Text;

/// One of a portal's servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// Its name or address, without brackets.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

/// An upstream from its URL; `listen` is where we listen ourselves.
pub(super) fn upstream(text: &Text, listen: &[SocketAddr], notes: &mut Notes) -> Option<Upstream> {
    match parse(text.get_ref()) {
        Ok(upstream) if is_ourselves(&upstream, listen) => {
            notes
                .error(text.span(), format!("`{upstream}` is portalmeter itself"))
                .advise("name the portal's own address; `server.listen` is where its visitors come in");
            None
        }
        Ok(upstream) => Some(upstream),
        Err((message, hint)) => {
            notes.error(text.span(), format!("`{}` {message}", text.get_ref())).advise(hint);
            None
        }
    }
}

fn parse(url: &str) -> Result<Upstream, (&'static str, String)> {
    let address = address(url)?;
    if address.target != "/" {
        let server = url.get(..url.len() - address.written).unwrap_or(url);
        let hint = format!("write \"{server}\"; what is metered is said by `paths`");
        return Err(("has a path, and paths go on as they come", hint));
    }
    Ok(address.upstream)
}

/// A whole URL: a server, and path and query there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) upstream: Upstream,
    pub(crate) target: String,
    /// How many bytes of the URL the target takes.
    written: usize,
}

/// Reads a URL; else says what it is not, and what to write.
pub(crate) fn address(url: &str) -> Result<Address, (&'static str, String)> {
    let example = || "such as \"http://10.0.0.5:8000\"".to_owned();
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(("is not a URL", format!("write \"http://{url}\"")));
    };
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err(("is neither http nor https", format!("write \"http://{rest}\""))),
    };
    let uri: Uri = url.parse().map_err(|_| ("is not a URL", example()))?;
    let authority = uri.authority().ok_or_else(|| ("names no host", example()))?;
    if authority.as_str().contains('@') {
        return Err(("names a user", "requests go on with what the visitor sent; leave the user out".to_owned()));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let port = match authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':')) {
        None => {
            if tls {
                443
            } else {
                80
            }
        }
        Some(port) => {
            port.parse().ok().filter(|port| *port != 0).ok_or_else(|| ("has no port from 1 to 65535", example()))?
        }
    };
    if host.is_empty() {
        return Err(("names no host", example()));
    }
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let written = rest.len() - rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Ok(Address { upstream: Upstream { host: host.to_ascii_lowercase(), port, tls }, target, written })
}

/// Whether the upstream is one of our own listeners: every request would go in circles.
fn is_ourselves(upstream: &Upstream, listen: &[SocketAddr]) -> bool {
    let host = if upstream.host == "localhost" { "127.0.0.1" } else { &upstream.host };
    let Ok(ip) = host.parse::<IpAddr>() else { return false };
    let ours = |ours: &IpAddr| *ours == ip || (ours.is_unspecified() && (ip.is_loopback() || ip.is_unspecified()));
    listen.iter().any(|address| address.port() == upstream.port && ours(&address.ip()))
}

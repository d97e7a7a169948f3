//! Where a store or ledger is: its URL, from the configuration, from the environment or from a file of its own.

use std::fmt;
use std::ops::Range;

use percent_encoding::percent_decode_str;

use super::around::Around;
use super::hidden::Hidden;
use super::problem::Notes;
use super::raw;
use super::veil::veiled_url;

/// A URL, taken apart: `scheme://user:password@host:port,host:port/path?query`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) scheme: String,
    pub(super) password: Option<Hidden>,
    pub(super) hosts: Vec<Host>,
    /// Without its first slash.
    pub(super) path: String,
    /// Without its question mark.
    pub(super) query: String,
    /// Behind a `#`.
    pub(super) fragment: Option<String>,
}

/// A server, by name or address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// Without brackets.
    name: String,
    /// If it is written.
    port: Option<u16>,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.name.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// A URL as it is configured.
pub(super) struct Written {
    /// What it says; not to be shown.
    pub(super) url: String,
    /// Where it stands in the configuration, or where it is said where it stands.
    pub(super) at: Range<usize>,
    /// How messages name it.
    pub(super) name: String,
    /// The URL stands in the configuration itself.
    pub(super) in_file: bool,
}

/// What is wrong with a URL, and what to write.
pub(super) type Wrong = (String, String);

/// The URL that is configured by `url`, `url_env` or `url_file`; nothing if none is, or what is said of it is noted.
pub(super) fn written(
    url: Option<&toml::Spanned<raw::Url>>,
    env: Option<&raw::Text>,
    file: Option<&raw::Text>,
    around: Around<'_>,
    notes: &mut Notes,
) -> Option<Written> {
    let all = [url.map(toml::Spanned::span), env.map(toml::Spanned::span), file.map(toml::Spanned::span)];
    if let [_, second, ..] = all.iter().flatten().collect::<Vec<_>>().as_slice() {
        let problem = notes.error((*second).clone(), "the URL is written twice");
        problem.advise("one of `url`, `url_env` and `url_file`");
        return None;
    }
    if let Some(text) = url {
        let url = text.get_ref().0.clone();
        return Some(Written { name: format!("`{}`", veiled_url(&url)), url, at: text.span(), in_file: true });
    }
    if let Some(variable) = env {
        let url = super::hidden::from_env(variable, around, notes)?;
        let name = format!("the URL in `{}`", variable.get_ref());
        return Some(Written { url: url.reveal().to_owned(), at: variable.span(), name, in_file: false });
    }
    let path = file?;
    let url = super::hidden::from_file(path, "URL", around, notes)?;
    let name = format!("the URL in the file `{}`", path.get_ref());
    Some(Written { url: url.reveal().to_owned(), at: path.span(), name, in_file: false })
}

/// Takes a URL apart.
pub(super) fn parse(url: &str) -> Result<Location, Wrong> {
    let wrong = |message: &str, hint: &str| Err((message.to_owned(), hint.to_owned()));
    let Some((scheme, rest)) = url.split_once("://") else {
        return wrong("is not a URL", EXAMPLES);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    if !authority.contains('@') && behind.contains('@') {
        return wrong("has a password that cannot be told from the rest", ESCAPES);
    }
    let (user, servers) = authority.rsplit_once('@').map_or((None, authority), |(user, rest)| (Some(user), rest));
    let password = match user.and_then(|user| user.split_once(':')) {
        None => None,
        Some((_, password)) => decoded(password)?.map(Hidden::new),
    };
    let hosts = if servers.is_empty() { Ok(Vec::new()) } else { servers.split(',').map(host).collect() };
    let (behind, fragment) =
        behind.split_once('#').map_or((behind, None), |(rest, part)| (rest, Some(part.to_owned())));
    let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
    Ok(Location {
        scheme: scheme.to_ascii_lowercase(),
        password,
        hosts: hosts?,
        path: path.trim_start_matches('/').to_owned(),
        query: query.to_owned(),
        fragment,
    })
}

const EXAMPLES: &str = "such as \"redis://10.0.0.5:6379\" or \"postgres://10.0.0.5/portalmeter\"";
/// How what divides a URL is written within its parts.
pub(super) const ESCAPES: &str =
    "within user and password write %40 for @, %3A for :, %2F for /, %3F for ?, %23 for #, %25 for %";

/// What stands for itself and what is escaped; nothing if it is empty.
fn decoded(text: &str) -> Result<Option<String>, Wrong> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text.into_owned())),
        Err(_) => Err(("has a password that is not UTF-8".to_owned(), ESCAPES.to_owned())),
    }
}

fn host(text: &str) -> Result<Host, Wrong> {
    let hint = "a name or an address, and a port where it is not the usual one, such as \"10.0.0.5:6379\"".to_owned();
    let (name, rest) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((name, rest)) => (name, rest),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let legal = |char: char| char.is_ascii_alphanumeric() || "-._:%".contains(char);
    if name.is_empty() {
        return Err(("names no host".to_owned(), hint));
    }
    if !name.chars().all(legal) {
        return Err(("has a host that is none".to_owned(), hint));
    }
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        Some(port) if port.parse().is_ok_and(|port: u16| port != 0) => port.parse().ok(),
        _ => return Err(("has no port from 1 to 65535".to_owned(), hint)),
    };
    Ok(Host { name: name.to_ascii_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let all = parse("Redis+Sentinel://pm:a%40b@s1:26379,[::1]/main/2?x=1#y").unwrap();
        assert_eq!(all.scheme, "redis+sentinel");
        assert_eq!(all.password.as_ref().map(Hidden::reveal), Some("a@b"));
        assert_eq!(all.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["s1:26379", "[::1]"]);
        assert_eq!((all.path.as_str(), all.query.as_str(), all.fragment.as_deref()), ("main/2", "x=1", Some("y")));
        let least = parse("redis://db").unwrap();
        assert_eq!((least.password, least.hosts[0].port), (None, None));
    }

    #[test]
    fn what_is_no_url_is_told_without_what_may_be_a_password() {
        for (url, told) in [
            ("hunter2", "not a URL"),
            ("redis://:hun/ter2@db", "cannot be told"),
            ("redis://:hunter2@", ""),
            ("redis://:hunter2@:6379", "names no host"),
            ("redis://:hunter2@db:0", "no port"),
            ("redis://:hunter2@db:x", "no port"),
            ("redis://:hunter2@d b", "none"),
            ("redis://:%ff@db", "not UTF-8"),
        ] {
            match parse(url) {
                Ok(location) => assert!(told.is_empty() && location.hosts.is_empty(), "{url}"),
                Err((message, hint)) => {
                    assert!(message.contains(told) && !told.is_empty(), "{url}: {message}");
                    assert!(!format!("{message} {hint}").contains("hun"), "{message} {hint}");
                }
            }
        }
    }
}

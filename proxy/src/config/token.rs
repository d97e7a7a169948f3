//! A token source: pinned algorithms, and keys that fit them.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use portalmeter_rules::identity::jwt::{BadToken, Carrier, Claims, Expectations, Token};
use portalmeter_rules::identity::keys::{KeyRing, Material};
use toml::Spanned;

use super::around::Around;
use super::names::{cookie_name, header_name};
use super::problem::Notes;
use super::raw::{self, Text};
use super::units::time;
use super::upstream;

pub(super) fn build(raw: &raw::Identity, at: &Range<usize>, around: Around<'_>, notes: &mut Notes) -> Option<Token> {
    let carrier = carrier(raw, at, notes);
    let algorithms = algorithms(raw, at, notes);
    let key = key(raw, at, around, notes);
    let expect = Expectations {
        audience: texts(raw.audience.as_ref()),
        issuer: raw.issuer.as_ref().map(|issuer| issuer.get_ref().clone()),
        leeway: time(raw.leeway.as_ref(), Duration::from_mins(1), notes).as_secs() as i64,
    };
    let claims = claims(raw.claims.as_ref(), notes);
    let (algorithms, key) = (algorithms?, key?);
    if !fits(algorithms, &key, notes) {
        return None;
    }
    let (names, carrier) = (texts(Some(algorithms)), carrier?);
    let material = match &key.kind {
        KeyKind::Public => Material::PublicPem(&key.content),
        KeyKind::Secret => Material::Secret(&key.content),
        KeyKind::Set => Material::Jwks(&key.content),
        KeyKind::Published { url, refresh } => {
            let ring = KeyRing::new(url.clone(), *refresh, &names).map(Arc::new);
            let token = ring.and_then(|ring| Token::fetched(carrier, &names, ring, expect, claims));
            return token.inspect_err(|bad| refuse(bad, algorithms, &key, notes)).ok();
        }
    };
    match Token::new(carrier, &names, material, expect, claims) {
        Ok(token) => Some(token),
        Err(bad) => {
            refuse(&bad, algorithms, &key, notes);
            None
        }
    }
}

fn refuse(bad: &BadToken, algorithms: &Spanned<Vec<Text>>, key: &KeyFile, notes: &mut Notes) {
    match bad {
        BadToken::Algorithm(name) => {
            let at = algorithms
                .get_ref()
                .iter()
                .find(|text| text.get_ref() == name)
                .map_or(algorithms.span(), Spanned::span);
            notes.error(at, bad.to_string()).advise("name what the issuer signs with, such as \"RS256\"");
        }
        BadToken::NoAlgorithm => {
            notes.error(algorithms.span(), bad.to_string()).advise("algorithms = [\"RS256\"]");
        }
        BadToken::Key(_) => {
            let hint = match &key.kind {
                KeyKind::Public => "a public key in PEM: -----BEGIN PUBLIC KEY-----",
                KeyKind::Secret => "the shared secret, as it is",
                KeyKind::Set | KeyKind::Published { .. } => "a JSON Web Key Set: {\"keys\": […]}",
            };
            notes.error(key.at.clone(), bad.to_string()).advise(hint);
        }
        BadToken::Mismatch { .. } => {
            notes.error(algorithms.span(), bad.to_string()).also(key.at.clone(), "the key");
        }
    }
}

fn carrier(raw: &raw::Identity, at: &Range<usize>, notes: &mut Notes) -> Option<Carrier> {
    match (&raw.cookie, &raw.header) {
        (Some(cookie), None) => cookie_name(cookie, notes).map(Carrier::Cookie),
        (None, Some(header)) => header_name(header, notes).map(Carrier::Header),
        (Some(_), Some(header)) => {
            let message = "a token is in a cookie or in a header, not in both";
            notes.error(header.span(), message).advise("make it two sources");
            None
        }
        (None, None) => {
            let hint = "cookie = \"id_token\", or header = \"Authorization\"";
            notes.missing(at.clone(), "a jwt source does not say where the token is", hint);
            None
        }
    }
}

fn algorithms<'a>(raw: &'a raw::Identity, at: &Range<usize>, notes: &mut Notes) -> Option<&'a Spanned<Vec<Text>>> {
    if raw.algorithms.is_none() {
        let hint = "pin what the issuer signs with: algorithms = [\"RS256\"]";
        notes.missing(at.clone(), "a jwt source names no `algorithms`", hint);
    }
    raw.algorithms.as_ref()
}

struct KeyFile {
    kind: KeyKind,
    content: Vec<u8>,
    at: Range<usize>,
}

enum KeyKind {
    Public,
    Secret,
    Set,
    Published { url: String, refresh: Duration },
}

fn key(raw: &raw::Identity, at: &Range<usize>, around: Around<'_>, notes: &mut Notes) -> Option<KeyFile> {
    let example = "key = { public_key_file = \"idp.pem\" }, or secret_file, jwks_file, jwks_url";
    let Some(table) = &raw.key else {
        notes.missing(at.clone(), "a jwt source has no `key`", example);
        return None;
    };
    let key = table.get_ref();
    if let Some(address) = &key.jwks_url {
        return published(address, key, notes);
    }
    if let Some(refresh) = &key.refresh {
        notes.error(refresh.span(), "`refresh` belongs to `jwks_url`");
    }
    let files = [
        (KeyKind::Public, "public key", &key.public_key_file),
        (KeyKind::Secret, "secret of the tokens", &key.secret_file),
        (KeyKind::Set, "key set", &key.jwks_file),
    ];
    let mut given = files.into_iter().filter_map(|(kind, what, file)| Some((kind, what, file.as_ref()?)));
    let Some((kind, what, file)) = given.next() else {
        notes.missing(table.span(), "the key has no file", example);
        return None;
    };
    if let Some((_, _, second)) = given.next() {
        notes.error(second.span(), "a source has one key").advise("several keys are a set: jwks_file = \"jwks.json\"");
        return None;
    }
    let content = around.read(file, what, notes)?;
    Some(KeyFile { kind, content, at: file.span() })
}

/// How often keys are fetched unless it is said; issuers publish a new key long before they use it.
const REFRESH: Duration = Duration::from_mins(10);

/// Keys that are fetched while the proxy runs: over TLS, or from this machine.
fn published(address: &Text, key: &raw::Key, notes: &mut Notes) -> Option<KeyFile> {
    let files = [&key.public_key_file, &key.secret_file, &key.jwks_file];
    if let Some(second) = files.into_iter().flatten().next() {
        notes.error(second.span(), "a source has one key").advise("leave the file out, or `jwks_url`");
    }
    let refresh = time(key.refresh.as_ref(), REFRESH, notes);
    if let Some(written) = key.refresh.as_ref().filter(|_| refresh < Duration::from_secs(1)) {
        notes.error(written.span(), "the issuer would be asked all the time").advise("at least 1s; 10m is usual");
    }
    let url = address.get_ref();
    match upstream::address(url) {
        Ok(to) if to.upstream.tls || is_loopback(&to.upstream.host) => {
            let kind = KeyKind::Published { url: url.clone(), refresh };
            Some(KeyFile { kind, content: Vec::new(), at: address.span() })
        }
        Ok(_) => {
            notes
                .error(address.span(), format!("keys from `{url}` could be anybody's: it is not https"))
                .advise("write \"https://…\"; http is for this machine alone");
            None
        }
        Err((message, hint)) => {
            notes.error(address.span(), format!("`{url}` {message}")).advise(hint);
            None
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A shared secret verifies HS algorithms and nothing else does: a mix would let a public key sign.
fn fits(algorithms: &Spanned<Vec<Text>>, key: &KeyFile, notes: &mut Notes) -> bool {
    let mut fits = true;
    for text in algorithms.get_ref() {
        let shared = text.get_ref().starts_with("HS");
        let message = match &key.kind {
            KeyKind::Published { .. } if shared => "needs a shared secret, and published keys are public",
            KeyKind::Public if shared => "needs a shared secret, and the key is a public one",
            KeyKind::Secret if !shared => "needs a public key, and the key is a shared secret",
            _ => continue,
        };
        let hint = "HS algorithms go with `secret_file`, all others with `public_key_file`, `jwks_file` or `jwks_url`";
        notes
            .error(text.span(), format!("`{}` {message}", text.get_ref()))
            .also(key.at.clone(), "the key")
            .advise(hint);
        fits = false;
    }
    fits
}

fn claims(raw: Option<&Spanned<raw::Claims>>, notes: &mut Notes) -> Claims {
    let mut name = |text: &Text| {
        if text.get_ref().is_empty() {
            notes.error(text.span(), "a claim without a name");
        }
        text.get_ref().clone()
    };
    let Some(raw) = raw.map(Spanned::get_ref) else {
        return Claims { user: SUBJECT.to_owned(), roles: None, account: None };
    };
    Claims {
        user: raw.user.as_ref().map_or_else(|| SUBJECT.to_owned(), &mut name),
        roles: raw.roles.as_ref().map(&mut name),
        account: raw.account.as_ref().map(&mut name),
    }
}

/// The registered claim for whom a token is about (RFC 7519, 4.1.2).
const SUBJECT: &str = "sub";

fn texts(list: Option<&Spanned<Vec<Text>>>) -> Vec<String> {
    list.map(|list| list.get_ref().iter().map(|text| text.get_ref().clone()).collect()).unwrap_or_default()
}

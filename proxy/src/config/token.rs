//! A token source: pinned algorithms, and keys that fit them.

use std::ops::Range;
use std::time::Duration;

use portalmeter_rules::identity::jwt::{BadToken, Carrier, Claims, Expectations, Material, Token};
use toml::Spanned;

use super::around::Around;
use super::names::{cookie_name, header_name};
use super::problem::Notes;
use super::raw::{self, Text};
use super::units::time;

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
    let material = match key.kind {
        KeyKind::Public => Material::PublicPem(&key.content),
        KeyKind::Secret => Material::Secret(&key.content),
        KeyKind::Set => Material::Jwks(&key.content),
    };
    let names = texts(Some(algorithms));
    match Token::new(carrier?, &names, material, expect, claims) {
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
            let hint = match key.kind {
                KeyKind::Public => "a public key in PEM: -----BEGIN PUBLIC KEY-----",
                KeyKind::Secret => "the shared secret, as it is",
                KeyKind::Set => "a JSON Web Key Set: {\"keys\": […]}",
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Public,
    Secret,
    Set,
}

fn key(raw: &raw::Identity, at: &Range<usize>, around: Around<'_>, notes: &mut Notes) -> Option<KeyFile> {
    let example = "key = { public_key_file = \"idp.pem\" }, or secret_file, or jwks_file";
    let Some(table) = &raw.key else {
        notes.missing(at.clone(), "a jwt source has no `key`", example);
        return None;
    };
    let key = table.get_ref();
    if let Some(url) = &key.jwks_url {
        notes
            .error(url.span(), "keys from a `jwks_url` come with the next release")
            .advise("until then fetch the set to a file: jwks_file = \"jwks.json\"");
        return None;
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

/// A shared secret verifies HS algorithms and nothing else does: a mix would let a public key sign.
fn fits(algorithms: &Spanned<Vec<Text>>, key: &KeyFile, notes: &mut Notes) -> bool {
    let mut fits = true;
    for text in algorithms.get_ref() {
        let shared = text.get_ref().starts_with("HS");
        let message = match key.kind {
            KeyKind::Public if shared => "needs a shared secret, and the key is a public one",
            KeyKind::Secret if !shared => "needs a public key, and the key is a shared secret",
            _ => continue,
        };
        let hint = "HS algorithms go with `secret_file`, all others with `public_key_file` or `jwks_file`";
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

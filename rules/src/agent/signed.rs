//! Bots that sign their requests, whatever their User-Agent says (Web Bot Auth).
//!
//! HTTP message signatures (RFC 9421) of the profile draft-ietf-webbotauth-httpsig-protocol-01, by
//! keys that the operator has configured; nothing is fetched. Who signed is told by the key alone:
//! what a request says of itself in `Signature-Agent` is a claim until its directory was asked. A
//! signature that does not verify says nothing, and the other rules decide.

mod base;
mod keys;

use jsonwebtoken::{Algorithm, crypto};
use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parameters, Parser};

pub use keys::{BadKeys, SignatureKeys};

use super::Bot;
use crate::facts::{Headers, Request};
use keys::Key;

impl SignatureKeys {
    /// The bot that signed the request with one of the keys.
    pub(super) fn signer(&self, request: &Request<'_>) -> Option<&Bot> {
        if self.is_empty() {
            return None;
        }
        let inputs = dictionary(request.headers, "signature-input")?;
        let signatures = dictionary(request.headers, "signature")?;
        let candidates = inputs.iter().filter_map(|(label, entry)| {
            let ListEntry::InnerList(covered) = entry else { return None };
            let key = self.find(text(&covered.params, "keyid")?)?;
            let ListEntry::Item(signature) = signatures.get(label.as_str())? else { return None };
            Some((key, covered, signature.bare_item.as_byte_sequence()?))
        });
        let mut candidates = candidates.take(MOST_SIGNATURES);
        candidates
            .find(|(key, covered, signature)| verifies(key, covered, signature, request))
            .map(|(key, ..)| key.bot())
    }
}

fn verifies(key: &Key, covered: &InnerList, signature: &[u8], request: &Request<'_>) -> bool {
    let is_ours = text(&covered.params, "tag") == Some(TAG);
    let is_ed25519 =
        covered.params.get("alg").is_none_or(|alg| alg.as_string().is_some_and(|alg| alg.as_str() == "ed25519"));
    if !is_ours || !is_ed25519 || !is_fresh(&covered.params, request) {
        return false;
    }
    let Some(base) = base::of(covered, request) else { return false };
    let signature = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature);
    crypto::verify(&signature, base.as_bytes(), key.verifying(), Algorithm::EdDSA).unwrap_or(false)
}

/// Whether it was made before the request and holds still; clocks may differ a little.
fn is_fresh(params: &Parameters, request: &Request<'_>) -> bool {
    let seconds = |name| params.get(name).and_then(BareItem::as_integer).map(i64::from);
    let (Some(created), Some(expires)) = (seconds("created"), seconds("expires")) else { return false };
    let now = request.at.div_euclid(1000);
    created <= now + LEEWAY && now < expires + LEEWAY && created < expires
}

fn text<'a>(params: &'a Parameters, name: &str) -> Option<&'a str> {
    Some(params.get(name)?.as_string()?.as_str())
}

/// A field that is a dictionary, all its lines together.
fn dictionary(headers: &dyn Headers, name: &str) -> Option<Dictionary> {
    Parser::new(&joined(headers, name)?).parse().ok()
}

/// The lines of a field as one, trimmed; `None` if there is none, or too much of it.
fn joined(headers: &dyn Headers, name: &str) -> Option<Vec<u8>> {
    let mut all: Option<Vec<u8>> = None;
    let mut length = 0_usize;
    headers.each(name, &mut |line| {
        let line = line.trim_ascii();
        length = length.saturating_add(line.len());
        if length > LONGEST_FIELD {
            return;
        }
        match &mut all {
            Some(all) => {
                all.extend_from_slice(b", ");
                all.extend_from_slice(line);
            }
            None => all = Some(line.to_vec()),
        }
    });
    all.filter(|_| length <= LONGEST_FIELD)
}

const TAG: &str = "web-bot-auth";

/// By how many seconds clocks may differ.
const LEEWAY: i64 = 60;

/// So many signatures by known keys are tried; each costs as much as some hundred other rules.
const MOST_SIGNATURES: usize = 2;

/// Bytes of a field that a signature is about, or stands in.
const LONGEST_FIELD: usize = 8 * 1024;

#[cfg(test)]
mod tests;

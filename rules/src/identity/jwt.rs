//! A signed token in a cookie or a header: verified by pinned algorithms and configured keys.
//!
//! A cookie's token that is missing or has expired says guest; a bearer token's absence says
//! nothing; a token that does not verify says nothing, whoever made it.

use std::fmt;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::Person;
use crate::cookies;
use crate::facts::Request;
use crate::roles;

/// Where the token travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// In a cookie of this name.
    Cookie(String),
    /// In a header field of this name, in lower case; a `Bearer ` before it is dropped.
    Header(String),
}

/// Which claims name what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The user's id.
    pub user: String,
    /// Roles: a list, or text separated by commas.
    pub roles: Option<String>,
    /// The company.
    pub account: Option<String>,
}

/// What makes a token source.
#[derive(Debug, Clone)]
pub struct Token {
    carrier: Carrier,
    algorithms: Vec<Algorithm>,
    keys: Vec<Key>,
    audience: Vec<String>,
    issuer: Option<String>,
    leeway: i64,
    claims: Claims,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    decoding: DecodingKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.id)
    }
}

/// Why a token source cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Not one of those we verify.
    #[error("`{0}` is not one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA")]
    Algorithm(String),
    /// None pinned.
    #[error("no algorithm is named")]
    NoAlgorithm,
    /// The key file is not what it should be.
    #[error("the key cannot be read: {0}")]
    Key(String),
    /// A key for one kind of algorithm, and none of that kind named.
    #[error("the key is for {key}, but the algorithms are {algorithms}")]
    Mismatch {
        /// What the key is.
        key: String,
        /// What was pinned.
        algorithms: String,
    },
}

/// Key material as it was read from its file.
#[derive(Debug, Clone, Copy)]
pub enum Material<'a> {
    /// A shared secret, for HS algorithms; a line end behind it is dropped.
    Secret(&'a [u8]),
    /// A public key in PEM.
    PublicPem(&'a [u8]),
    /// A JSON Web Key Set.
    Jwks(&'a [u8]),
}

/// What the token must say beside being signed.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// One of these audiences, if any are named.
    pub audience: Vec<String>,
    /// This issuer, if one is named.
    pub issuer: Option<String>,
    /// How far clocks may differ, in seconds.
    pub leeway: i64,
}

/// Longest token that is looked at.
const LONGEST: usize = 16 * 1024;

impl Token {
    /// A source from its configuration.
    pub fn new(
        carrier: Carrier,
        algorithms: &[String],
        material: Material<'_>,
        expect: Expectations,
        claims: Claims,
    ) -> Result<Self, BadToken> {
        let algorithms: Vec<Algorithm> =
            algorithms.iter().map(|name| algorithm(name)).collect::<Result<_, BadToken>>()?;
        if algorithms.is_empty() {
            return Err(BadToken::NoAlgorithm);
        }
        let keys = keys(material, &algorithms)?;
        let usable = |key: &Key| algorithms.iter().any(|algorithm| fits(key, *algorithm));
        if !keys.iter().any(usable) {
            let key = keys.first().map_or_else(|| "nothing".to_owned(), |key| format!("{:?}", key.decoding.family()));
            return Err(BadToken::Mismatch { key, algorithms: format!("{algorithms:?}") });
        }
        let Expectations { audience, issuer, leeway } = expect;
        Ok(Self { carrier, algorithms, keys, audience, issuer, leeway, claims })
    }

    /// Who holds the request's token.
    pub fn ask(&self, request: &Request<'_>) -> Option<Holder> {
        match &self.carrier {
            Carrier::Cookie(name) => {
                let token = cookies::first(request.headers, name.as_bytes());
                match token.map(|token| self.verify(token, request.at)) {
                    // A log without cookies says nothing about them.
                    None => request.tells("cookie").then_some(Holder::Nobody),
                    Some(Verified::Expired) => Some(Holder::Nobody),
                    Some(Verified::Person(person)) => Some(Holder::Person(person)),
                    Some(Verified::Not) => None,
                }
            }
            Carrier::Header(name) => {
                let value = request.headers.first(name)?.trim_ascii();
                let scheme = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
                let token = if scheme { value[7..].trim_ascii() } else { value };
                match self.verify(token, request.at) {
                    Verified::Person(person) => Some(Holder::Person(person)),
                    Verified::Expired | Verified::Not => None,
                }
            }
        }
    }

    fn verify(&self, token: &[u8], now: i64) -> Verified {
        let Some(token) = std::str::from_utf8(token).ok().filter(|token| token.len() <= LONGEST) else {
            return Verified::Not;
        };
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Verified::Not };
        if !self.algorithms.contains(&header.alg) {
            return Verified::Not;
        }
        let named = |key: &&Key| header.kid.is_none() || key.id.is_none() || key.id == header.kid;
        let mut candidates = self.keys.iter().filter(|key| fits(key, header.alg)).filter(named);
        let claims = candidates.find_map(|key| self.claims_of(token, header.alg, &key.decoding));
        claims.map_or(Verified::Not, |claims| self.judge(&claims, now))
    }

    fn claims_of(&self, token: &str, algorithm: Algorithm, key: &DecodingKey) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        // Times are judged below, against the request's own time and not the machine's clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = !self.audience.is_empty();
        if !self.audience.is_empty() {
            validation.set_audience(&self.audience);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation).ok().map(|data| data.claims)
    }

    fn judge(&self, claims: &Map<String, Value>, now: i64) -> Verified {
        let seconds = now.div_euclid(1000);
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().map(|time| time as i64));
        match time("nbf") {
            Some(Some(from)) if seconds < from.saturating_sub(self.leeway) => return Verified::Not,
            Some(None) => return Verified::Not,
            _ => {}
        }
        match time("exp") {
            Some(Some(until)) if seconds >= until.saturating_add(self.leeway) => return Verified::Expired,
            Some(None) => return Verified::Not,
            _ => {}
        }
        let text = |name: &str| match claims.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Verified::Person(Person {
            user: text(&self.claims.user).map(|user| user.into_bytes().into()),
            roles: self.claims.roles.as_ref().map(|name| roles_in(claims.get(name))),
            account: self.claims.account.as_deref().and_then(text),
        })
    }
}

/// Who holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// There is none, or it has expired.
    Nobody,
    /// A signed-in user.
    Person(Person<'static>),
}

enum Verified {
    Person(Person<'static>),
    Expired,
    Not,
}

fn roles_in(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(text)) => roles::split(text).map(str::to_owned).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn algorithm(name: &str) -> Result<Algorithm, BadToken> {
    name.parse().map_err(|_| BadToken::Algorithm(name.to_owned()))
}

fn fits(key: &Key, algorithm: Algorithm) -> bool {
    key.decoding.family() == algorithm.family() && key.algorithm.is_none_or(|only| only == algorithm)
}

fn keys(material: Material<'_>, algorithms: &[Algorithm]) -> Result<Vec<Key>, BadToken> {
    let only = |key: DecodingKey| vec![Key { id: None, algorithm: None, decoding: key }];
    match material {
        Material::Secret(secret) => {
            let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
            let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
            if secret.is_empty() {
                return Err(BadToken::Key("the secret is empty".to_owned()));
            }
            Ok(only(DecodingKey::from_secret(secret)))
        }
        Material::PublicPem(pem) => public_key(pem, algorithms).map(only),
        Material::Jwks(json) => {
            let set: JwkSet = serde_json::from_slice(json).map_err(|error| BadToken::Key(error.to_string()))?;
            let usable = set.keys.iter().filter_map(|jwk| {
                let algorithm = jwk.common.key_algorithm.and_then(|name| name.to_string().parse().ok());
                let decoding = DecodingKey::from_jwk(jwk).ok()?;
                Some(Key { id: jwk.common.key_id.clone(), algorithm, decoding })
            });
            let usable: Vec<Key> = usable.collect();
            if usable.is_empty() {
                return Err(BadToken::Key("the key set holds no key of use".to_owned()));
            }
            Ok(usable)
        }
    }
}

/// A PEM may be of any of three kinds; the pinned algorithms say which to expect first.
fn public_key(pem: &[u8], algorithms: &[Algorithm]) -> Result<DecodingKey, BadToken> {
    let mut failure = None;
    for algorithm in algorithms {
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(pem),
            Algorithm::EdDSA => DecodingKey::from_ed_pem(pem),
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => continue,
            _ => DecodingKey::from_rsa_pem(pem),
        };
        match key {
            Ok(key) => return Ok(key),
            Err(error) => failure = Some(error.to_string()),
        }
    }
    let secret = "a public key cannot verify an HS algorithm".to_owned();
    Err(BadToken::Key(failure.unwrap_or(secret)))
}

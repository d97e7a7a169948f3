//! The keys that tokens are verified with: read from files once, or fetched again and again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::jwt::BadToken;

/// A key, and for what it may be used.
#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    pub(super) decoding: DecodingKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.id)
    }
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

/// Keys that an issuer publishes at an address, as they were when somebody last fetched them.
///
/// Fetching is the proxy's business; until it has been done once, no token can be verified. The last good
/// keys stay while the issuer is away.
pub struct KeyRing {
    /// Where the keys are.
    pub url: String,
    /// How often they are fetched.
    pub refresh: Duration,
    algorithms: Vec<Algorithm>,
    keys: ArcSwapOption<Vec<Key>>,
    generation: AtomicU64,
    missed: AtomicBool,
}

/// Where a token's keys come from.
#[derive(Debug, Clone)]
pub(super) enum Keys {
    Read(Vec<Key>),
    Fetched(Arc<KeyRing>),
}

/// Most keys of one set that are kept. Issuers have a handful.
const MOST_KEYS: usize = 64;
/// Most keys that one token is tried with: each try costs some 20 µs of RSA.
const MOST_TRIES: usize = 8;

impl KeyRing {
    /// A ring without keys; `algorithms` are those that tokens may be signed with.
    pub fn new(url: String, refresh: Duration, algorithms: &[String]) -> Result<Self, BadToken> {
        let algorithms = super::jwt::algorithms(algorithms)?;
        if let Some(shared) = algorithms.iter().find(|algorithm| algorithm.family() == AlgorithmFamily::Hmac) {
            return Err(BadToken::Mismatch { key: "a published one".to_owned(), algorithms: format!("{shared:?}") });
        }
        let (keys, generation, missed) = (ArcSwapOption::empty(), AtomicU64::new(0), AtomicBool::new(false));
        Ok(Self { url, refresh, algorithms, keys, generation, missed })
    }

    /// Takes the keys of a set that was fetched; says how many. A set without a key of use changes nothing.
    pub fn replace(&self, jwks: &[u8]) -> Result<usize, BadToken> {
        let mut keys = set(jwks)?;
        keys.retain(|key| self.algorithms.iter().any(|algorithm| key.fits(*algorithm)));
        keys.truncate(MOST_KEYS);
        if keys.is_empty() {
            return Err(BadToken::Key("the key set holds no key for these algorithms".to_owned()));
        }
        let count = keys.len();
        self.keys.store(Some(Arc::new(keys)));
        self.generation.fetch_add(1, Ordering::Release);
        Ok(count)
    }

    /// Whether there are keys at all.
    pub fn has_keys(&self) -> bool {
        self.keys.load().is_some()
    }

    /// Whether a token since the last call named a key that is not here: the issuer may have changed keys.
    pub fn was_missed(&self) -> bool {
        self.missed.swap(false, Ordering::Relaxed)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("url", &self.url).field("refresh", &self.refresh).finish_non_exhaustive()
    }
}

impl Keys {
    /// Another number whenever the keys may be others.
    pub(super) fn generation(&self) -> u64 {
        match self {
            Self::Read(_) => 0,
            Self::Fetched(ring) => ring.generation.load(Ordering::Acquire),
        }
    }

    /// What `verified` makes of the first key that it accepts, of those that may have signed such a token.
    pub(super) fn find<T>(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
        verified: impl FnMut(&DecodingKey) -> Option<T>,
    ) -> Option<T> {
        match self {
            Self::Read(keys) => candidates(keys, algorithm, id).map(|key| &key.decoding).find_map(verified),
            Self::Fetched(ring) => {
                let keys = ring.keys.load();
                let keys = keys.as_ref().map_or(&[][..], |keys| keys.as_slice());
                let found = candidates(keys, algorithm, id).map(|key| &key.decoding).find_map(verified);
                // A bad signature under a key we know is a forgery, and no reason to ask the issuer.
                let known = id.is_some() && candidates(keys, algorithm, id).next().is_some();
                if found.is_none() && !known {
                    ring.missed.store(true, Ordering::Relaxed);
                }
                found
            }
        }
    }
}

fn candidates<'k>(keys: &'k [Key], algorithm: Algorithm, id: Option<&'k str>) -> impl Iterator<Item = &'k Key> {
    let named = move |key: &&Key| id.is_none() || key.id.is_none() || key.id.as_deref() == id;
    keys.iter().filter(move |key| key.fits(algorithm)).filter(named).take(MOST_TRIES)
}

impl Key {
    fn only(decoding: DecodingKey) -> Vec<Self> {
        vec![Self { id: None, algorithm: None, decoding }]
    }

    /// A key never verifies an algorithm of another family: a public key is no secret.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.decoding.family() == algorithm.family() && self.algorithm.is_none_or(|only| only == algorithm)
    }
}

/// The keys in a file.
pub(super) fn keys(material: Material<'_>, algorithms: &[Algorithm]) -> Result<Vec<Key>, BadToken> {
    match material {
        Material::Secret(secret) => {
            let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
            let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
            if secret.is_empty() {
                return Err(BadToken::Key("the secret is empty".to_owned()));
            }
            Ok(Key::only(DecodingKey::from_secret(secret)))
        }
        Material::PublicPem(pem) => public_key(pem, algorithms).map(Key::only),
        Material::Jwks(json) => set(json),
    }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The keys of a set. One that we cannot read, or that is for encryption, is left out: sets may hold keys of any kind (RFC 7517, 5).
fn set(json: &[u8]) -> Result<Vec<Key>, BadToken> {
    let set: Set = serde_json::from_slice(json).map_err(|error| BadToken::Key(error.to_string()))?;
    let usable = set.keys.into_iter().filter_map(|key| {
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
            return None;
        }
        // A key for an algorithm that we do not know verifies nothing.
        let algorithm = match &jwk.common.key_algorithm {
            Some(name) => Some(name.to_string().parse().ok()?),
            None => None,
        };
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Key { id: jwk.common.key_id.clone(), algorithm, decoding })
    });
    let usable: Vec<Key> = usable.collect();
    if usable.is_empty() {
        return Err(BadToken::Key("the key set holds no key of use".to_owned()));
    }
    Ok(usable)
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

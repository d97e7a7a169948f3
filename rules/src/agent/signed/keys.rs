//! The keys by which bots sign, read from a JSON Web Key Set.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, OctetKeyPairParameters, OctetKeyPairType, ThumbprintHash,
};
use serde::Deserialize;

use crate::agent::{Bot, Category};

/// Public keys of bots, each with the bot it proves. None by default: then no signature is looked at.
#[derive(Debug, Clone, Default)]
pub struct SignatureKeys {
    keys: Vec<Key>,
}

/// A key, and whose it is.
#[derive(Clone)]
pub(super) struct Key {
    thumbprint: String,
    verifying: DecodingKey,
    bot: Bot,
}

/// Why a file of keys was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// No key set at all.
    #[error("this is no JSON Web Key Set: {0}")]
    NotAKeySet(String),
    /// Nothing to verify with.
    #[error("it holds no Ed25519 key")]
    NoKey,
    /// More than 256.
    #[error("it holds {0} keys, more than 256")]
    TooMany(usize),
    /// A key's `x`.
    #[error("key {0} has no `x` of 32 bytes in base64url")]
    NotAKey(usize),
    /// A key's `agent`.
    #[error("the `agent` of key {0} is not 1 to 64 characters")]
    Agent(usize),
    /// A key's `category`.
    #[error("`{1}` of key {0} is not a category of bots")]
    Category(usize, String),
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<RawKey>,
}

/// A key as its file has it. `agent` and `category` are ours, and may be missing.
#[derive(Deserialize)]
struct RawKey {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    agent: Option<String>,
    category: Option<String>,
}

impl SignatureKeys {
    /// The Ed25519 keys of a JSON Web Key Set; keys of other kinds are passed over.
    ///
    /// A key's `agent` names the bot, as a name or as the address of its directory, whose host is
    /// then the name; without one, it is named after the key. Its `category` is `ai_user` if it
    /// names none: it is assistants that sign and otherwise look like the browser they drive.
    pub fn from_jwks(text: &[u8]) -> Result<Self, BadKeys> {
        let set: RawSet = serde_json::from_slice(text).map_err(|error| BadKeys::NotAKeySet(error.to_string()))?;
        if set.keys.len() > MOST {
            return Err(BadKeys::TooMany(set.keys.len()));
        }
        let numbered = (1..).zip(&set.keys).filter(|(_, raw)| raw.kty == "OKP" && raw.crv == "Ed25519");
        let keys = numbered.map(|(number, raw)| key(number, raw)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(BadKeys::NoKey) } else { Ok(Self { keys }) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of that thumbprint (RFC 7638, RFC 8037).
    pub(super) fn find(&self, thumbprint: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.thumbprint == thumbprint)
    }
}

impl Key {
    pub(super) fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    pub(super) fn bot(&self) -> &Bot {
        &self.bot
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} of {})", self.thumbprint, self.bot.name)
    }
}

fn key(number: usize, raw: &RawKey) -> Result<Key, BadKeys> {
    let bytes = URL_SAFE_NO_PAD.decode(raw.x.trim_end_matches('=')).ok().filter(|bytes| bytes.len() == KEY_BYTES);
    let x = URL_SAFE_NO_PAD.encode(bytes.ok_or(BadKeys::NotAKey(number))?);
    let verifying = DecodingKey::from_ed_components(&x).map_err(|_| BadKeys::NotAKey(number))?;
    let thumbprint = thumbprint(x).ok_or(BadKeys::NotAKey(number))?;
    let name = match &raw.agent {
        Some(agent) => host_of(agent).to_owned(),
        None => format!("key {}", thumbprint.get(..SHORT_THUMBPRINT).unwrap_or_default()),
    };
    if !(1..=LONGEST_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(BadKeys::Agent(number));
    }
    let category = match &raw.category {
        Some(category) => category.parse().map_err(|_| BadKeys::Category(number, category.clone()))?,
        None => Category::AiUser,
    };
    let bot = Bot::new(&name, category, format!("agent:signature:{name}"));
    Ok(Key { thumbprint, verifying, bot })
}

fn thumbprint(x: String) -> Option<String> {
    let key_type = OctetKeyPairType::OctetKeyPair;
    let algorithm =
        AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters { key_type, curve: EllipticCurve::Ed25519, x });
    Jwk { common: CommonParameters::default(), algorithm }.thumbprint(ThumbprintHash::SHA256).ok()
}

fn host_of(agent: &str) -> &str {
    let Some(rest) = agent.strip_prefix("https://") else { return agent };
    rest.split(['/', ':', '?', '#']).next().unwrap_or_default()
}

/// More keys than this are somebody's list, not the few agents that a portal knows.
const MOST: usize = 256;
const KEY_BYTES: usize = 32;
const LONGEST_NAME: usize = 64;
/// Enough of a thumbprint to find the key again.
const SHORT_THUMBPRINT: usize = 12;

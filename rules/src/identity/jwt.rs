//! A signed token in a cookie or a header: verified by pinned algorithms and configured keys.
//!
//! A cookie's token that is missing or has expired says guest; a bearer token's absence says
//! nothing; a token that does not verify says nothing, whoever made it.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::keys::{self, Key, KeyRing, Keys, Material};
use super::named::{Named, Presented};
use super::verified::Lately;
use super::{Person, roles_in};
use crate::cookies::{self, Only};
use crate::facts::{Request, only};
use crate::pattern::Pattern;

/// Where the token travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// In a cookie of this name.
    Cookie(String),
    /// In a header field of this name, in lower case; a `Bearer ` before it is dropped.
    Header(String),
}

impl Carrier {
    fn named(&self) -> Named {
        let name = match self {
            Self::Cookie(name) => Pattern::name(name).ok(),
            Self::Header(_) => None,
        };
        Named::new(name.as_slice())
    }
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
    keys: Keys,
    audience: Vec<String>,
    issuer: Option<String>,
    leeway: i64,
    claims: Claims,
    lately: Lately<Said>,
    /// Its cookie, as servers read cookies.
    named: Named,
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
        let algorithms = self::algorithms(algorithms)?;
        let keys = keys::keys(material, &algorithms)?;
        let usable = |key: &Key| algorithms.iter().any(|algorithm| key.fits(*algorithm));
        if !keys.iter().any(usable) {
            let key = keys.first().map_or_else(|| "nothing".to_owned(), |key| format!("{:?}", key.decoding.family()));
            return Err(BadToken::Mismatch { key, algorithms: format!("{algorithms:?}") });
        }
        let Expectations { audience, issuer, leeway } = expect;
        Ok(Self {
            named: carrier.named(),
            carrier,
            algorithms,
            keys: Keys::Read(keys),
            audience,
            issuer,
            leeway,
            claims,
            lately: Lately::new(),
        })
    }

    /// A source whose keys are fetched into `ring`.
    pub fn fetched(
        carrier: Carrier,
        algorithms: &[String],
        ring: Arc<KeyRing>,
        expect: Expectations,
        claims: Claims,
    ) -> Result<Self, BadToken> {
        let algorithms = self::algorithms(algorithms)?;
        let Expectations { audience, issuer, leeway } = expect;
        Ok(Self {
            named: carrier.named(),
            carrier,
            algorithms,
            keys: Keys::Fetched(ring),
            audience,
            issuer,
            leeway,
            claims,
            lately: Lately::new(),
        })
    }

    /// The keys that have to be fetched, if they do.
    pub fn ring(&self) -> Option<&Arc<KeyRing>> {
        match &self.keys {
            Keys::Read(_) => None,
            Keys::Fetched(ring) => Some(ring),
        }
    }

    /// Who holds the request's token.
    pub fn ask(&self, request: &Request<'_>) -> Option<Holder> {
        match &self.carrier {
            Carrier::Cookie(_) if self.named.presented(request.headers) == Presented::Unclear => None,
            Carrier::Cookie(name) => match cookies::only(request.headers, name.as_bytes()) {
                // A log without cookies says nothing about them.
                Only::None => request.tells("cookie").then_some(Holder::Nobody),
                // The portal may go by the other one.
                Only::Several => None,
                Only::One(token) => match self.verify(token, request.at) {
                    Verified::Expired => Some(Holder::Nobody),
                    Verified::Person(person) => Some(Holder::Person(person)),
                    Verified::Not => None,
                },
            },
            Carrier::Header(name) => {
                let value = only(request.headers, name)?.trim_ascii();
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
        // Asked before the keys are: they may change in between.
        let generation = self.keys.generation();
        let said = self.lately.find(token.as_bytes(), generation, || self.read(token));
        said.map_or(Verified::Not, |said| said.at(now.div_euclid(1000), self.leeway))
    }

    /// What a token says, if a key has signed it.
    fn read(&self, token: &str) -> Option<Said> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // What a token calls critical has to be understood (RFC 7515, section 4.1.11), and nothing of it is.
        if header.crit.is_some() || !self.algorithms.contains(&header.alg) {
            return None;
        }
        let verified = |key: &DecodingKey| self.claims_of(token, header.alg, key);
        self.said(&self.keys.find(header.alg, header.kid.as_deref(), verified)?)
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

    fn said(&self, claims: &Map<String, Value>) -> Option<Said> {
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().map(|time| time as i64));
        let (from, until) = (time("nbf"), time("exp"));
        if from == Some(None) || until == Some(None) {
            return None;
        }
        let text = |name: &str| match claims.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let person = Person {
            user: text(&self.claims.user).map(|user| user.into_bytes().into()),
            roles: self.claims.roles.as_ref().map(|name| roles_in(claims.get(name))),
            account: self.claims.account.as_deref().and_then(text),
        };
        Some(Said { person, from: from.flatten(), until: until.flatten() })
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

/// What a token says, whatever the time is.
#[derive(Clone)]
struct Said {
    person: Person<'static>,
    /// From when and until when it holds, in seconds since 1970.
    from: Option<i64>,
    until: Option<i64>,
}

impl Said {
    fn at(&self, now: i64, leeway: i64) -> Verified {
        if self.from.is_some_and(|from| now < from.saturating_sub(leeway)) {
            return Verified::Not;
        }
        if self.until.is_some_and(|until| now >= until.saturating_add(leeway)) {
            return Verified::Expired;
        }
        Verified::Person(self.person.clone())
    }
}

enum Verified {
    Person(Person<'static>),
    Expired,
    Not,
}

/// The algorithms of these names.
pub(super) fn algorithms(names: &[String]) -> Result<Vec<Algorithm>, BadToken> {
    if names.is_empty() {
        return Err(BadToken::NoAlgorithm);
    }
    names.iter().map(|name| name.parse().map_err(|_| BadToken::Algorithm(name.to_owned()))).collect()
}

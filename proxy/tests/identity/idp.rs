//! Issuers of tokens: keys made for the test, tokens, and the address where keys are published.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::faults::origin::Origin;

/// An issuer's RSA key.
pub(crate) struct Issuer {
    signing: EncodingKey,
    /// The public key, as a file holds it.
    pub(crate) public_pem: String,
    modulus: String,
    exponent: String,
}

/// Two issuers: ours, and one that nobody asked.
pub(crate) static OURS: LazyLock<Issuer> = LazyLock::new(Issuer::new);
pub(crate) static OTHER: LazyLock<Issuer> = LazyLock::new(Issuer::new);

impl Issuer {
    fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let modulus = pair.public_key().modulus();
        let exponent = pair.public_key().exponent();
        Self {
            signing: EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap(),
            public_pem: pem("PUBLIC KEY", public.as_ref()),
            modulus: number(modulus.big_endian_without_leading_zero()),
            exponent: number(exponent.big_endian_without_leading_zero()),
        }
    }

    /// A token of these claims, signed with this issuer's key.
    pub(crate) fn token(&self, id: Option<&str>, claims: &Value) -> String {
        self.token_by(Algorithm::RS256, id, claims)
    }

    pub(crate) fn token_by(&self, algorithm: Algorithm, id: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: id.map(str::to_owned), ..Header::new(algorithm) };
        encode(&header, claims, &self.signing).unwrap()
    }

    /// One whose reader has to understand `what`.
    pub(crate) fn critical(&self, what: &str, id: Option<&str>, claims: &Value) -> String {
        let header =
            Header { kid: id.map(str::to_owned), crit: Some(vec![what.to_owned()]), ..Header::new(Algorithm::RS256) };
        encode(&header, claims, &self.signing).unwrap()
    }

    /// The public key in a set.
    pub(crate) fn jwk(&self, id: Option<&str>) -> Value {
        let mut jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "n": self.modulus, "e": self.exponent });
        if let Some(id) = id {
            jwk["kid"] = id.into();
        }
        jwk
    }
}

fn pem(what: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

/// A token with a shared secret.
pub(crate) fn shared(secret: &[u8], algorithm: Algorithm, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
}

/// A header and claims that nobody signed, and what stands in the signature's place.
pub(crate) fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

/// A set of keys.
pub(crate) fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Where keys are published: what it answers can be changed.
pub(crate) struct Published {
    pub(crate) origin: Origin,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Published {
    pub(crate) fn new(body: &str) -> Self {
        let answer = Arc::new(Mutex::new(Vec::new()));
        let said = Arc::clone(&answer);
        let origin = Origin::new(move |_, stream| {
            let answer = said.lock().unwrap().clone();
            stream.write_all(&answer)?;
            Ok(false)
        });
        let published = Self { origin, answer };
        published.says("200 OK", "", body);
        published
    }

    /// From now on it answers this.
    pub(crate) fn says(&self, status: &str, fields: &str, body: &str) {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{fields}\r\n", body.len());
        *self.answer.lock().unwrap() = (head + body).into_bytes();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/keys", self.origin.address)
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.origin.asked().len()
    }
}

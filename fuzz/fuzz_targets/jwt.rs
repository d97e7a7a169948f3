//! Signed tokens: what the fuzzer writes is never believed unless the right key signed it.
//!
//! Input: the token's header in the first line, its claims in the second, a whole token in the rest.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use libfuzzer_sys::fuzz_target;
use portalmeter_fuzz::Fields;
use portalmeter_rules::facts::{Origin, Request};
use portalmeter_rules::identity::Person;
use portalmeter_rules::identity::jwt::{Carrier, Claims, Expectations, Holder, Token};
use portalmeter_rules::identity::keys::Material;
use serde_json::Value;

const KEY: &[u8] = b"the key that signs what is believed";
/// The fuzzer sees what is signed and compared, and might learn what the key has signed. This one signs nothing.
const UNUSED: &[u8] = b"a key that has never signed anything";
const PEM: &[u8] = include_bytes!("../portals/es256.pem");
const JWKS: &[u8] = include_bytes!("../portals/jwks.json");
/// The instant of every request, in seconds; clocks may differ by a minute.
const NOW: i64 = 1_773_306_000;
const LEEWAY: i64 = 60;

struct Sources {
    plain: Token,
    strict: Token,
    /// Whose keys sign nothing here.
    closed: Vec<Token>,
}

thread_local! {
    static SOURCES: Sources = Sources {
        plain: token(&["HS256"], Material::Secret(KEY), &[], None),
        strict: token(&["HS256", "HS384"], Material::Secret(KEY), &["portal"], Some("https://idp.example")),
        closed: vec![
            token(&["HS256", "HS384", "HS512"], Material::Secret(UNUSED), &[], None),
            token(&["ES256"], Material::PublicPem(PEM), &[], None),
            token(&["ES256", "EdDSA", "RS256", "PS256", "HS256"], Material::Jwks(JWKS), &[], None),
        ],
    };
}

fn token(algorithms: &[&str], material: Material<'_>, audience: &[&str], issuer: Option<&str>) -> Token {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let expect = Expectations { audience: owned(audience), issuer: issuer.map(str::to_owned), leeway: LEEWAY };
    let claims = Claims { user: "sub".into(), roles: Some("groups".into()), account: Some("org".into()) };
    let carrier = Carrier::Header("authorization".into());
    Token::new(carrier, &owned(algorithms), material, expect, claims).expect("the target's own source")
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(3, |&byte| byte == b'\n');
    let [header, claims, whole] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let header = if header.is_empty() { &br#"{"alg":"HS256","typ":"JWT"}"#[..] } else { header };
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    SOURCES.with(|sources| {
        let genuine = signed(&message, KEY);
        let public = [PEM, PEM.trim_ascii(), JWKS, b""].map(|key| signed(&message, key));
        for source in &sources.closed {
            for forged in [whole, genuine.as_bytes()].into_iter().chain(public.iter().map(String::as_bytes)) {
                assert_eq!(ask(source, forged), None, "a token that its key has not signed");
            }
        }
        let says = |of: &[u8]| serde_json::from_slice::<Value>(of).ok();
        for source in [&sources.plain, &sources.strict] {
            if let Some(person) = ask(source, genuine.as_bytes()) {
                believed(&person, says(header), says(claims));
            }
        }
        if let Some(person) = ask(&sources.strict, genuine.as_bytes()) {
            assert_eq!(ask(&sources.plain, genuine.as_bytes()), Some(person), "less is asked, and less believed");
            let claims = says(claims).unwrap_or_default();
            assert_eq!(claims["iss"], "https://idp.example");
            let aud = &claims["aud"];
            assert!(aud == "portal" || aud.as_array().is_some_and(|list| list.contains(&"portal".into())), "{aud}");
        }
    });
});

fn signed(message: &str, key: &[u8]) -> String {
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(key), Algorithm::HS256);
    format!("{message}.{}", signature.expect("a signature"))
}

/// What a person's token must have said.
fn believed(person: &Person<'_>, header: Option<Value>, claims: Option<Value>) {
    let (header, claims) = (header.expect("a header that is JSON"), claims.expect("claims that are JSON"));
    assert_eq!(header["alg"], "HS256");
    let claims = claims.as_object().expect("claims");
    let time = |name: &str| claims.get(name).map(|value| value.as_f64().expect("a time"));
    assert!(time("exp").is_none_or(|until| until as i64 > NOW - LEEWAY), "expired");
    assert!(time("nbf").is_none_or(|from| from as i64 <= NOW + LEEWAY), "not yet valid");
    let user = person.user.as_deref();
    match claims.get("sub") {
        Some(Value::String(text)) => assert_eq!(user, Some(text.as_bytes())),
        Some(Value::Number(number)) => assert_eq!(user, Some(number.to_string().as_bytes())),
        _ => assert_eq!(user, None),
    }
    let roles = person.roles.as_deref().expect("roles are asked for");
    let written = claims.get("groups").map(Value::to_string).unwrap_or_default();
    assert!(roles.len() <= written.len());
    if !matches!(claims.get("groups"), Some(Value::String(_) | Value::Array(_))) {
        assert!(roles.is_empty());
    }
}

fn ask(source: &Token, token: &[u8]) -> Option<Person<'static>> {
    let carried = [b"Bearer ", token].concat();
    let headers = Fields(vec![("authorization", &carried)]);
    let request = Request {
        at: NOW * 1000,
        origin: Origin::Wire,
        client: [203, 0, 113, 9].into(),
        trusted_peer: false,
        https: true,
        method: b"GET",
        host: Some("support.example.com"),
        target: b"/home",
        tells_cookies: true,
        tells_agent: true,
        remote_user: None,
        answers: &[],
        headers: &headers,
    };
    match source.ask(&request) {
        Some(Holder::Person(person)) => Some(person),
        Some(Holder::Nobody) | None => None,
    }
}

//! `jwt`: signed tokens, with keys from files and from their issuer.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::idp::{OTHER, OURS, Published, now, set, shared, unsigned};
use super::table::{Row, TRUSTED, holds, row};
use crate::faults::meter::until;
use crate::faults::stage::{Given, Stage};

const SECRET: &str = "a secret that issuer and portal share, long enough";

fn source(algorithms: &str, key: &str) -> String {
    format!(
        "roles.external = [\"customer\"]\nroles.internal = [\"staff\"]\n\
         [[portal.identity]]\nkind = \"jwt\"\ncookie = \"id_token\"\nalgorithms = {algorithms}\nkey = {key}\n\
         audience = [\"portal\"]\nissuer = \"https://idp.example\"\n\
         claims = {{ user = \"sub\", roles = \"groups\" }}\n"
    )
}

fn stage(algorithms: &str, key: &str, files: &[(&str, &str)]) -> Stage {
    let portal = source(algorithms, key);
    Stage::new(&Given { portal: &portal, files, trusted: TRUSTED, ..Given::default() })
}

/// A customer's claims, with these instead.
fn ann(other: Value) -> Value {
    with(json!({ "sub": "ann", "groups": ["customer"] }), other)
}

/// A colleague's claims, with these instead.
fn bob(other: Value) -> Value {
    with(json!({ "sub": "bob", "groups": ["staff"] }), other)
}

fn with(person: Value, other: Value) -> Value {
    let mut claims = json!({ "iss": "https://idp.example", "aud": "portal", "exp": now() + 3600 });
    for more in [person, other] {
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    claims
}

fn none() -> Value {
    json!({})
}

fn cookie(what: &'static str, token: &str, is: &'static str) -> Row {
    row(what, format!("Cookie: id_token={token}"), is)
}

/// What no key of ours has signed, whatever kind it is.
fn forged(id: Option<&str>) -> Vec<Row> {
    let good = OURS.token(id, &bob(none()));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let customers = OURS.token(id, &ann(none()));
    let staff = bob(none());
    let other = |key: &Value| unsigned(key, &staff, signature);
    vec![
        cookie("no algorithm", &unsigned(&json!({ "alg": "none" }), &staff, ""), "unknown"),
        cookie("no algorithm, in capitals", &unsigned(&json!({ "alg": "NONE" }), &staff, ""), "unknown"),
        cookie("no algorithm, with a signature", &other(&json!({ "alg": "none" })), "unknown"),
        cookie("no header", &format!(".{}", signed.split_once('.').unwrap().1), "unknown"),
        cookie("no signature", &format!("{signed}."), "unknown"),
        cookie("neither signature nor dot", signed, "unknown"),
        cookie(
            "a customer's token with a colleague's claims",
            &format!("{signed}.{}", customers.rsplit_once('.').unwrap().1),
            "unknown",
        ),
        cookie(
            "signed with the public key as if it were a secret",
            &shared(OURS.public_pem.as_bytes(), Algorithm::HS256, &staff),
            "unknown",
        ),
        cookie(
            "the same without the line end",
            &shared(OURS.public_pem.trim_end().as_bytes(), Algorithm::HS256, &staff),
            "unknown",
        ),
        cookie("another issuer's key", &OTHER.token(id, &staff), "unknown"),
        cookie("another issuer's key by its own name", &OTHER.token(Some("other"), &staff), "unknown"),
        cookie("a key of its own in the header", &other(&json!({ "alg": "RS256", "jwk": OTHER.jwk(None) })), "unknown"),
        cookie(
            "an address of keys in the header",
            &other(&json!({ "alg": "RS256", "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/" })),
            "unknown",
        ),
        cookie("a file for a key", &other(&json!({ "alg": "RS256", "kid": "../../etc/passwd" })), "unknown"),
        cookie("another algorithm of the same key", &OURS.token_by(Algorithm::RS512, id, &staff), "unknown"),
        cookie("one that asks to be understood", &OURS.critical("x", id, &staff), "unknown"),
        cookie("an encrypted one", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d", "unknown"),
        cookie("a huge one", &"x".repeat(20_000), "unknown"),
        cookie("a huge number of dots", &".".repeat(5_000), "unknown"),
    ]
}

/// Tokens in more than one place, or in another than theirs.
fn misplaced(id: Option<&str>) -> Vec<Row> {
    let (good, customers) = (OURS.token(id, &bob(none())), OURS.token(id, &ann(none())));
    let staff = bob(none());
    vec![
        cookie(
            "an honest one and a forged one",
            &format!("{customers}; id_token={}", OTHER.token(id, &staff)),
            "unknown",
        ),
        cookie(
            "a forged one and an honest one",
            &format!("{}; id_token={customers}", OTHER.token(id, &staff)),
            "unknown",
        ),
        cookie("a colleague's beside one's own", &format!("{good}; id_token={customers}"), "unknown"),
        cookie("one's own in a second field", &format!("{good} | Cookie: id_token={customers}"), "unknown"),
        row("a colleague's in another header", format!("Authorization: Bearer {good}"), "guest"),
        row("a colleague's in another cookie", format!("Cookie: id_token2={good}"), "guest"),
        row("a colleague's in another case", format!("Cookie: ID_TOKEN={good}"), "unknown"),
        row("a colleague's within quotes", format!("Cookie: a=\"; id_token={good}; b=\""), "unknown"),
        row(
            "a colleague's where the portal sees no cookies",
            format!("Connection: Cookie | Cookie: id_token={good}"),
            "guest",
        ),
    ]
}

/// Signed by the right key, and of no use all the same.
fn misused(id: Option<&str>) -> Vec<Row> {
    vec![
        cookie("not yet valid", &OURS.token(id, &bob(json!({ "nbf": now() + 600 }))), "unknown"),
        cookie("valid from a text", &OURS.token(id, &bob(json!({ "nbf": "soon" }))), "unknown"),
        cookie("valid until a text", &OURS.token(id, &bob(json!({ "exp": "never" }))), "unknown"),
        cookie("for another portal", &OURS.token(id, &bob(json!({ "aud": "shop" }))), "unknown"),
        cookie("for no portal", &OURS.token(id, &bob(json!({ "aud": null }))), "unknown"),
        cookie("by another issuer", &OURS.token(id, &bob(json!({ "iss": "https://evil.example" }))), "unknown"),
        cookie(
            "by an issuer of a similar name",
            &OURS.token(id, &bob(json!({ "iss": "https://idp.example.evil" }))),
            "unknown",
        ),
        cookie("expired", &OURS.token(id, &bob(json!({ "exp": now() - 600 }))), "guest"),
    ]
}

fn honest(id: Option<&str>) -> Vec<Row> {
    vec![
        cookie("a customer", &OURS.token(id, &ann(none())), "external ann"),
        cookie("a colleague", &OURS.token(id, &bob(none())), "internal bob"),
        cookie("expired within leeway", &OURS.token(id, &ann(json!({ "exp": now() - 30 }))), "external ann"),
        cookie("for several portals", &OURS.token(id, &ann(json!({ "aud": ["shop", "portal"] }))), "external ann"),
        cookie("roles as text", &OURS.token(id, &ann(json!({ "groups": "a, customer" }))), "external ann"),
        cookie("a claim of staff that is no role", &OURS.token(id, &ann(json!({ "role": "staff" }))), "external ann"),
        cookie(
            "the same one twice",
            &{
                let token = OURS.token(id, &ann(none()));
                format!("{token}; id_token={token}")
            },
            "external ann",
        ),
        row("no token", "", "guest"),
        row("an empty token", "Cookie: id_token=", "guest"),
    ]
}

#[test]
fn a_token_is_believed_by_the_key_in_a_file() {
    let pem = OURS.public_pem.clone();
    let stage = stage("[\"RS256\"]", "{ public_key_file = \"idp.pem\" }", &[("idp.pem", &pem)]);
    holds(&stage, &honest(None));
    holds(&stage, &honest(Some("any name")));
    holds(&stage, &forged(None));
    holds(&stage, &misplaced(None));
    holds(&stage, &misused(None));
}

#[test]
fn a_token_is_believed_by_the_keys_in_a_set() {
    // Among keys for encryption, of kinds that nobody knows yet, and a secret.
    let secret = json!({ "kty": "oct", "kid": "k1", "k": "c3RhZmY" });
    let mut sealed = OTHER.jwk(Some("sealed"));
    sealed["use"] = "enc".into();
    let keys = set(&[secret, sealed, json!({ "kty": "AKP", "kid": "k1", "alg": "ML-DSA-44" }), OURS.jwk(Some("k1"))]);
    let stage = stage("[\"RS256\"]", "{ jwks_file = \"jwks.json\" }", &[("jwks.json", &keys)]);
    holds(&stage, &honest(Some("k1")));
    holds(&stage, &honest(None));
    holds(&stage, &forged(Some("k1")));
    holds(&stage, &misplaced(Some("k1")));
    holds(&stage, &misused(Some("k1")));
    holds(
        &stage,
        &[
            cookie("by a key that is not there", &OURS.token(Some("k2"), &bob(none())), "unknown"),
            cookie("by a key for encryption", &OTHER.token(Some("sealed"), &bob(none())), "unknown"),
            cookie("by the secret in the set", &shared(b"staff", Algorithm::HS256, &bob(none())), "unknown"),
        ],
    );
}

#[test]
fn a_token_is_believed_by_a_shared_secret() {
    let stage = stage("[\"HS256\"]", "{ secret_file = \"secret.txt\" }", &[("secret.txt", SECRET)]);
    let good = |claims: &Value| shared(SECRET.as_bytes(), Algorithm::HS256, claims);
    holds(
        &stage,
        &[
            cookie("a customer", &good(&ann(none())), "external ann"),
            cookie("a colleague", &good(&bob(none())), "internal bob"),
            cookie("another algorithm", &shared(SECRET.as_bytes(), Algorithm::HS512, &bob(none())), "unknown"),
            cookie("another secret", &shared(b"guess", Algorithm::HS256, &bob(none())), "unknown"),
            cookie("no secret", &shared(b"", Algorithm::HS256, &bob(none())), "unknown"),
            cookie("a public key", &OURS.token(None, &bob(none())), "unknown"),
            cookie("no algorithm", &unsigned(&json!({ "alg": "none" }), &bob(none()), ""), "unknown"),
            cookie("expired", &good(&bob(json!({ "exp": now() - 600 }))), "guest"),
            cookie("expired and forged", &shared(b"guess", Algorithm::HS256, &bob(json!({ "exp": 1 }))), "unknown"),
        ],
    );
}

#[test]
fn a_bearer_token_says_who_it_is_and_its_absence_nothing() {
    let pem = OURS.public_pem.clone();
    let portal = source("[\"RS256\"]", "{ public_key_file = \"idp.pem\" }")
        .replace("cookie = \"id_token\"", "header = \"Authorization\"");
    let files = [("idp.pem", pem.as_str())];
    let stage = Stage::new(&Given { portal: &portal, files: &files, trusted: TRUSTED, ..Given::default() });
    let (customer, colleague) = (OURS.token(None, &ann(none())), OURS.token(None, &bob(none())));
    holds(
        &stage,
        &[
            row("a customer", format!("Authorization: Bearer {customer}"), "external ann"),
            row("the scheme in small letters", format!("authorization: bearer {customer}"), "external ann"),
            row("a colleague", format!("Authorization: Bearer {colleague}"), "internal bob"),
            row("none", "", "unknown"),
            row("a password", "Authorization: Basic Ym9iOnN0YWZm", "unknown"),
            row("expired", format!("Authorization: Bearer {}", OURS.token(None, &bob(json!({ "exp": 1 })))), "unknown"),
            row("forged", format!("Authorization: Bearer {}", OTHER.token(None, &bob(none()))), "unknown"),
            row(
                "two of them",
                format!("Authorization: Bearer {colleague} | Authorization: Bearer {customer}"),
                "unknown",
            ),
            row("with an underscore", format!("Author_ization: Bearer {colleague}"), "unknown"),
            row("in a cookie", format!("Cookie: Authorization={colleague}"), "unknown"),
        ],
    );
}

fn published(keys: &Published, refresh: &str) -> Stage {
    let key = format!("{{ jwks_url = \"{}\", refresh = \"{refresh}\" }}", keys.url());
    stage("[\"RS256\"]", &key, &[])
}

fn age(stage: &Stage) -> Option<i64> {
    // A metric that is not there reads as 0.
    let failures = stage.running.metric("jwks_failures_total{portal=\"help\",source=\"identity 1: jwt\"}");
    (failures == 0).then(|| stage.running.metric("jwks_age_seconds{portal=\"help\",source=\"identity 1: jwt\"}"))
}

fn failures(stage: &Stage) -> i64 {
    stage.running.metric("jwks_failures_total{portal=\"help\",source=\"identity 1: jwt\"}")
}

#[test]
fn a_token_is_believed_by_the_keys_that_its_issuer_publishes() {
    let keys = Published::new(&set(&[OTHER.jwk(Some("old")), OURS.jwk(Some("k1"))]));
    let stage = published(&keys, "10m");
    until("the keys are fetched", || stage.setup.log().contains("an issuer's keys are here"));
    assert!(age(&stage).is_some_and(|age| age < 60));
    holds(&stage, &honest(Some("k1")));
    holds(&stage, &honest(None));
    holds(&stage, &forged(Some("k1")));
    holds(&stage, &misplaced(Some("k1")));
    holds(&stage, &misused(Some("k1")));
    for _ in 0..50 {
        stage.ask(&crate::faults::stage::get(9, "/", "Cookie: id_token=eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AA\r\n"));
    }
    assert_eq!(keys.times_asked(), 1, "unknown keys are asked for after half a minute at the earliest");
    let asked = keys.origin.last();
    assert_eq!((asked.path().as_str(), asked.texts("host")), ("/keys", vec![keys.origin.address.to_string()]));
}

#[test]
fn until_the_issuer_answers_its_tokens_say_nothing() {
    let keys = Published::new("");
    keys.says("503 Service Unavailable", "", &set(&[OURS.jwk(Some("k1"))]));
    let stage = published(&keys, "1s");
    until("it is tried again", || failures(&stage) >= 2);
    holds(
        &stage,
        &[
            cookie("a customer", &OURS.token(Some("k1"), &ann(none())), "unknown"),
            cookie("expired", &OURS.token(Some("k1"), &ann(json!({ "exp": 1 }))), "unknown"),
            row("no token", "", "guest"),
        ],
    );
    keys.says("200 OK", "", &set(&[OURS.jwk(Some("k1"))]));
    until("the keys are fetched", || stage.setup.log().contains("an issuer's keys are here"));
    holds(&stage, &[cookie("a customer", &OURS.token(Some("k1"), &ann(none())), "external ann")]);
}

#[test]
fn keys_change_with_their_issuer_and_the_last_good_ones_stay_while_it_is_away() {
    let keys = Published::new(&set(&[OTHER.jwk(Some("k1"))]));
    let stage = published(&keys, "1s");
    until("the keys are fetched", || stage.setup.log().contains("an issuer's keys are here"));
    let old = || OTHER.token(Some("k1"), &ann(none()));
    holds(&stage, &[cookie("by the old key", &old(), "external ann")]);
    let of_no_use = [
        ("500 Internal Server Error", String::new(), set(&[OURS.jwk(Some("k2"))])),
        ("200 OK", String::new(), "<html>".to_owned()),
        ("200 OK", String::new(), set(&[])),
        ("200 OK", String::new(), set(&[json!({ "kty": "oct", "k": "c3RhZmY", "kid": "k1" })])),
        ("200 OK", String::new(), format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300_000))),
        ("302 Found", "Location: /other\r\n".to_owned(), String::new()),
    ];
    for (status, fields, body) in of_no_use {
        keys.says(status, &fields, &body);
        let before = failures(&stage);
        until("it fails", || failures(&stage) > before);
        holds(&stage, &[cookie("by the old key", &old(), "external ann")]);
    }
    assert!(keys.origin.asked().iter().all(|asked| asked.path() == "/keys"), "no redirect is followed");
    let many: Vec<Value> = (0..100).map(|number| OTHER.jwk(Some(&format!("o{number}")))).collect();
    keys.says("200 OK", "", &set(&[vec![OURS.jwk(Some("k2"))], many].concat()));
    let new = || OURS.token(Some("k2"), &bob(none()));
    let metric = "observations_total{kind=\"page\",evidence=\"internal\"}";
    let ask = || stage.ask(&crate::faults::stage::get(250, "/", &format!("Cookie: id_token={}\r\n", new()))).status;
    until("the new key is known", || ask() == 200 && stage.running.metric(metric) > 0);
    holds(
        &stage,
        &[
            cookie("by the new key", &new(), "internal bob"),
            cookie("by the old key", &old(), "unknown"),
            cookie("by a key far down in the set", &OTHER.token(Some("o90"), &bob(none())), "unknown"),
        ],
    );
}

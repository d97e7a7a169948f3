use std::net::Ipv4Addr;

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};

use super::*;
use crate::agent::{AgentOptions, Agents, Category};
use crate::facts::Origin;

/// An agent with a key of its own: the key's first 16 bytes are what PKCS #8 puts before a seed.
struct Agent {
    signing: EncodingKey,
    x: String,
}

impl Agent {
    fn new(seed: u8) -> Self {
        let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        der.extend([seed; 32]);
        let signing = EncodingKey::from_ed_der(&der);
        let jwk = Jwk::from_encoding_key(&signing, Algorithm::EdDSA).unwrap();
        let AlgorithmParameters::OctetKeyPair(pair) = jwk.algorithm else { panic!("no key pair") };
        Self { signing, x: pair.x }
    }

    fn jwks(&self, more: &str) -> String {
        format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{}"{more}}}]}}"#, self.x)
    }

    fn keys(&self) -> SignatureKeys {
        SignatureKeys::from_jwks(self.jwks(r#","agent":"https://acme.example""#).as_bytes()).unwrap()
    }

    fn thumbprint(&self) -> String {
        let jwk = Jwk::from_encoding_key(&self.signing, Algorithm::EdDSA).unwrap();
        jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap()
    }

    /// Parameters of a signature that is fine at [`NOON`].
    fn params(&self, covered: &str) -> String {
        let keyid = self.thumbprint();
        format!(
            r#"({covered});created={};expires={};keyid="{keyid}";alg="ed25519";tag="web-bot-auth""#,
            NOON - 10,
            NOON + 3600
        )
    }

    fn sign(&self, base: &str) -> String {
        let signature = crypto::sign(base.as_bytes(), &self.signing, Algorithm::EdDSA).unwrap();
        let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap();
        format!("sig1=:{}:", STANDARD.encode(signature))
    }

    /// A request that is signed for its host, as agents do.
    fn signed(&self) -> Asked {
        let params = self.params(r#""@authority" "signature-agent";key="sig1""#);
        let base = format!(
            "\"@authority\": portal.example\n\"signature-agent\";key=\"sig1\": \"https://acme.example\"\n\"@signature-params\": {params}"
        );
        Asked::new(&params, &self.sign(&base)).with("signature-agent", r#"sig1="https://acme.example""#)
    }
}

/// In seconds.
const NOON: i64 = 1_800_000_000;

/// A request to `portal.example`.
#[derive(Clone)]
struct Asked {
    at: i64,
    headers: Vec<(&'static str, String)>,
}

impl Headers for Asked {
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.headers.iter().filter(|(there, _)| *there == name).for_each(|(_, value)| visit(value.as_bytes()));
    }
}

impl Asked {
    fn new(params: &str, signature: &str) -> Self {
        let asked = Self { at: NOON, headers: vec![("host", "Portal.example:443".to_owned())] };
        asked.with("signature-input", &format!("sig1={params}")).with("signature", signature)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(there, _)| *there != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn at(mut self, at: i64) -> Self {
        self.at = at;
        self
    }

    fn request(&self) -> Request<'_> {
        Request {
            at: self.at * 1000,
            origin: Origin::Wire,
            client: Ipv4Addr::LOCALHOST.into(),
            trusted_peer: false,
            https: true,
            method: b"GET",
            host: Some("portal.example"),
            target: b"/csp?id=home",
            tells_cookies: true,
            tells_agent: true,
            remote_user: None,
            answers: &[],
            headers: self,
        }
    }

    fn signer(&self, keys: &SignatureKeys) -> Option<String> {
        keys.signer(&self.request()).map(|bot| bot.name.to_string())
    }
}

#[test]
fn a_signature_by_a_known_key_names_its_agent() {
    let agent = Agent::new(1);
    assert_eq!(agent.signed().signer(&agent.keys()).as_deref(), Some("acme.example"));
}

#[test]
fn a_signed_request_is_a_bots_whatever_browser_it_names() {
    let agent = Agent::new(1);
    let agents = |human_categories| {
        Agents::new(AgentOptions { signature_keys: agent.keys(), human_categories, ..AgentOptions::default() })
    };
    let chrome =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
    let signed = agent.signed().with("user-agent", chrome);
    let bot = agents([].into()).sender(&signed.request()).unwrap();
    assert_eq!(
        (&*bot.name, bot.category, &*bot.rule),
        ("acme.example", Category::AiUser, "agent:signature:acme.example")
    );
    let forged = signed.clone().with("host", "other.example");
    assert_eq!(agents([].into()).sender(&forged.request()), None);
    assert_eq!(agents([Category::AiUser].into()).sender(&signed.request()), None, "its category counts as people");
    let named = signed.with("user-agent", "AcmeBot/1.0");
    let bot = agents([Category::AiUser].into()).sender(&named.request()).unwrap();
    assert_eq!(&*bot.rule, "agent:word:bot", "what it says of itself is the better name");
}

#[test]
fn the_example_of_the_specification_verifies() {
    let keys =
        r#"{"keys":[{"kty":"RSA"},{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}]}"#;
    let params = r#"("@authority" "signature-agent";key="agent2");created=1735689600;keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519";expires=4889289600;nonce="n9p433xm+NJ3ph3upfBIGmsuwHw387YV7Q/F+6BSpGCVjYCqQw6rznNA8PVVLySrAWsv0hQtFioQb6E1YsauiA==";tag="web-bot-auth""#;
    let signature = "sig1=:RdNFx5Bj6au3YgAMQL/RzmUlZE8QZLIaXGRpw985hWnwPfMxT228NMk6ehRS1PSl4e8PhbNZACSanGdhEwYCCg==:";
    let asked = Asked::new(params, signature)
        .with("host", "example.com")
        .with("signature-agent", r#"agent2="https://signature-agent.test""#);
    let keys = SignatureKeys::from_jwks(keys.as_bytes()).unwrap();
    assert_eq!(asked.signer(&keys).as_deref(), Some("key poqkLGiymh_W"));
}

#[test]
fn all_that_tells_a_request_may_be_covered() {
    let agent = Agent::new(1);
    let covered = r#""@method" "@authority" "@scheme" "@target-uri" "@path" "@query" "@request-target" "accept""#;
    let params = agent.params(covered);
    let base = [
        "\"@method\": GET",
        "\"@authority\": portal.example",
        "\"@scheme\": https",
        "\"@target-uri\": https://portal.example/csp?id=home",
        "\"@path\": /csp",
        "\"@query\": ?id=home",
        "\"@request-target\": /csp?id=home",
        "\"accept\": text/html",
        &format!("\"@signature-params\": {params}"),
    ];
    let asked = Asked::new(&params, &agent.sign(&base.join("\n"))).with("accept", " text/html ");
    assert_eq!(asked.signer(&agent.keys()).as_deref(), Some("acme.example"));
    assert_eq!(asked.with("accept", "*/*").signer(&agent.keys()), None, "another field than was signed");
}

#[test]
fn a_signature_that_does_not_hold_says_nothing() {
    let agent = Agent::new(1);
    let (signed, keys) = (agent.signed(), agent.keys());
    let stranger = Agent::new(2);
    let rows = [
        ("a key that nobody configured", stranger.signed()),
        ("another's key under this one's name", {
            let claim = signed.headers.iter().find(|(name, _)| *name == "signature-input").unwrap().1.clone();
            stranger.signed().with("signature-input", &claim)
        }),
        ("another host", signed.clone().with("host", "other.example")),
        ("another agent than was signed", signed.clone().with("signature-agent", r#"sig1="https://other.example""#)),
        ("expired", signed.clone().at(NOON + 3600 + LEEWAY)),
        ("not made yet", signed.clone().at(NOON - 10 - LEEWAY - 1)),
        ("no signature", signed.clone().with("signature", "sig2=:AAAA:")),
        ("no bytes", signed.clone().with("signature", "sig1=1")),
        ("no structured field", signed.clone().with("signature-input", "sig1=(((")),
        ("too long", signed.with("signature", &format!("sig1=:{}:", "A".repeat(LONGEST_FIELD)))),
    ];
    for (why, asked) in rows {
        assert_eq!(asked.signer(&keys), None, "{why}");
    }
}

#[test]
fn a_signature_of_another_kind_says_nothing() {
    let agent = Agent::new(1);
    let fine = agent.params(r#""@authority""#);
    let rows = [
        ("for another purpose", fine.replace("web-bot-auth", "other")),
        ("for no host", fine.replace("\"@authority\"", "\"@method\"")),
        ("by another algorithm", fine.replace("ed25519", "rsa-pss-sha512")),
        ("without an end", fine.replace(";expires=", ";ends=")),
        ("without a beginning", fine.replace(";created=", ";made=")),
        ("over the same twice", fine.replace("\"@authority\"", "\"@authority\" \"@authority\"")),
        ("over what is not there", fine.replace("\"@authority\"", "\"@authority\" \"accept\"")),
        ("over what cannot be told", fine.replace("\"@authority\"", "\"@authority\" \"@status\"")),
        ("in another form", fine.replace("\"@authority\"", "\"@authority\";sf")),
    ];
    let value = |line: &str| if line == "\"@method\"" { "GET" } else { "portal.example" }.to_owned();
    for (why, params) in rows {
        let covered = &params[1..params.find(')').unwrap()];
        let lines: Vec<_> = covered.split(' ').map(|name| format!("{name}: {}", value(name))).collect();
        let base = format!("{}\n\"@signature-params\": {params}", lines.join("\n"));
        assert_eq!(Asked::new(&params, &agent.sign(&base)).signer(&agent.keys()), None, "{why}");
    }
    let base = format!("\"@authority\": portal.example\n\"@signature-params\": {fine}");
    assert!(Asked::new(&fine, &agent.sign(&base)).signer(&agent.keys()).is_some(), "the row that all others vary");
}

#[test]
fn clocks_may_differ_a_little() {
    let agent = Agent::new(1);
    for at in [NOON - 10 - LEEWAY, NOON + 3600 + LEEWAY - 1] {
        assert!(agent.signed().at(at).signer(&agent.keys()).is_some());
    }
}

#[test]
fn without_keys_nothing_is_verified() {
    assert_eq!(Agent::new(1).signed().signer(&SignatureKeys::default()), None);
}

#[test]
fn a_key_may_say_whose_it_is_and_what_for() {
    let agent = Agent::new(1);
    let bot = |more: &str| {
        let keys = SignatureKeys::from_jwks(agent.jwks(more).as_bytes()).unwrap();
        keys.find(&agent.thumbprint()).unwrap().bot().clone()
    };
    assert_eq!(&*bot(r#","agent":"Acme""#).rule, "agent:signature:Acme");
    assert_eq!(bot("").category, Category::AiUser);
    assert_eq!(bot(r#","category":"monitoring""#).category, Category::Monitoring);
}

#[test]
fn bad_keys_say_why() {
    let agent = Agent::new(1);
    let refused = |text: &str| SignatureKeys::from_jwks(text.as_bytes()).unwrap_err();
    assert!(matches!(refused("{}"), BadKeys::NotAKeySet(_)));
    assert_eq!(refused(r#"{"keys":[{"kty":"RSA"}]}"#), BadKeys::NoKey);
    assert_eq!(refused(r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}"#), BadKeys::NotAKey(1));
    assert_eq!(refused(&agent.jwks(r#","agent":"""#)), BadKeys::Agent(1));
    assert_eq!(refused(&agent.jwks(r#","category":"ai""#)), BadKeys::Category(1, "ai".to_owned()));
    let many = format!(r#"{{"keys":[{}]}}"#, vec![r#"{"kty":"RSA"}"#; 257].join(","));
    assert_eq!(refused(&many), BadKeys::TooMany(257));
}

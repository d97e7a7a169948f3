//! What is right is taken as it was meant.

use super::*;

/// The contract's example, without what comes with later releases.
const CONTRACT: &str = r#"
data_dir = "data"
secret = { file = "secret", previous = ["old"] }

[server]
listen = ["0.0.0.0:8080"]
threads = 2
trusted_proxies = ["10.0.0.0/8"]
drain = "10s"
[admin]
listen = "127.0.0.1:9090"
metrics_open = false
[store]
url = "embedded"
prefix = "pm"
[journal]
keep = "45m"
max_size = "10GiB"
max_wait = "20ms"
archive = "archive"
archive_keep = "100d"
[ledger]
url = "embedded"
seal_after = "12h"
seal_wait = "24h"
keep_sessions = "400d"
[flush]
interval = "10s"
files = { dir = "usage", formats = ["csv", "jsonl"] }

[[portal]]
name = "support"
experience = "service_portal"
product = "servicenow"
hosts = ["support.example.com", "*.help.example.com"]
paths = ["/csp"]
default = true
upstream = ["http://10.0.0.5:8000"]
timezone = "Europe/Berlin"
metering = "on"
contracted_sessions = 50000

[portal.session]
idle_timeout = "30m"
max_duration = "4h"
day_rollover = "count"
login = "continue"
min_pages = 1
[portal.visitor]
mode = "cookie"
cookie_name = "pm_visitor"
cookie_domain = ""
secure = "auto"
[portal.pages]
login = ["/login*", "/csp?id=login*"]
logout = ["/logout*"]
pages = ["/api/view/*"]
background = ["/api/poll*"]
ignore = ["/healthz"]
module = "/embed/{module}/**"
modules = ["chat", "search"]
[portal.roles]
preset = "servicenow"
external = ["customer"]
internal = ["staff"]
guest = ["visitor"]
unmapped = "external"
[portal.bots]
allow = ["OurApp/*"]
add = ["AcmeProbe*"]
categories = { ai_user = "human" }
[portal.guard]
starts_per_minute = 0

[[portal.identity]]
kind = "network"
internal = ["192.0.2.0/24"]
[[portal.identity]]
kind = "response_header"
header = "X-Is-Logged-In"
external = "true"
guest = "false"
user = "X-User"
roles = "X-Roles"
account = "X-Company"
[[portal.identity]]
kind = "jwt"
cookie = "id_token"
algorithms = ["EdDSA"]
key = { public_key_file = "idp.pem" }
audience = ["portal"]
issuer = "https://idp.example.com"
leeway = "60s"
claims = { user = "sub", roles = "groups", account = "org" }
[[portal.identity]]
kind = "header"
user = "X-Auth-Request-User"
roles = "X-Auth-Request-Groups"
[[portal.identity]]
kind = "cookie"
logged_in = ["wordpress_logged_in_*"]
"#;

#[test]
fn keys_by_which_bots_sign_are_read() {
    good(&portal("bots.signature_keys = \"agents.jwks\"\n"));
}

#[test]
fn the_contracts_example_is_read_in_full() {
    let dir = folder();
    let (config, warnings) = read_in(dir.path(), CONTRACT).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(config.data_dir, dir.path().join("data"));
    assert_eq!(config.secret.source, SecretSource::File);
    assert_eq!((config.secret.current.len(), config.secret.previous.len()), (32, 1));
    assert_eq!((config.server.listen.len(), config.server.threads), (1, 2));
    assert_eq!(config.server.trusted_proxies[0].to_string(), "10.0.0.0/8");
    assert_eq!((config.journal.keep, config.journal.max_size), (45 * 60_000, 10 << 30));
    assert_eq!(config.journal.archive, Some(dir.path().join("archive")));
    let files = config.flush.files.clone().unwrap();
    assert_eq!((files.dir, files.csv, files.jsonl), (dir.path().join("usage"), true, true));
    let [portal] = config.portals.as_slice() else { panic!("{:?}", config.portals) };
    assert_eq!((&*portal.rules.name, portal.stamp.policy.zone.name()), ("support", "Europe/Berlin"));
    assert_eq!(portal.stamp.policy.max_duration, Some(4 * 3_600_000));
    assert_eq!(portal.upstream[0].to_string(), "http://10.0.0.5:8000");
    assert_eq!(portal.identity_headers, ["x-auth-request-groups", "x-auth-request-user"]);
    assert_eq!(portal.hidden_headers, ["x-company", "x-is-logged-in", "x-roles", "x-user"]);
    assert!(portal.issues_cookie);
    assert_eq!(portal.contracted_sessions, Some(50_000));
    let rules: Vec<&str> = portal.rules.identity.iter().map(|source| &*source.rule).collect();
    let wanted = ["1: network", "2: response_header", "3: jwt", "4: header", "5: cookie"];
    assert_eq!(rules, wanted.map(|rule| format!("identity {rule}")));
    assert_eq!(portal.rules.roles.guest, ["Guest", "visitor"]);
}

#[test]
fn whatever_is_cut_from_or_changed_in_a_file_nothing_panics() {
    let dir = folder();
    let mut refused = 0;
    let mut try_it = |text: &str| refused += usize::from(read_in(dir.path(), text).is_err());
    let lines: Vec<&str> = CONTRACT.lines().collect();
    for line in 0..lines.len() {
        let (before, after) = (lines[..line].join("\n"), lines[line + 1..].join("\n"));
        try_it(&format!("{before}\n{after}"));
        try_it(&before);
        if let Some((key, _)) = lines[line].split_once(" = ") {
            for value in ["\"\"", "\"ü*?{\"", "-1", "9223372036854775807", "[{}]", "\"\\u0000\"", "[\"\", 3]"] {
                try_it(&format!("{before}\n{key} = {value}\n{after}"));
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn the_least_that_works_has_the_contracts_defaults() {
    let config = good(PORTAL);
    assert_eq!(config.secret.source, SecretSource::ToBeGenerated);
    assert_eq!(config.server.listen[0].to_string(), "0.0.0.0:8080");
    assert_eq!(config.server.drain, Duration::from_secs(10));
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:9090");
    assert_eq!(config.journal.keep, 45 * 60_000);
    assert_eq!(config.ledger.seal_wait, Duration::from_hours(24));
    let portal = &config.portals[0];
    assert_eq!(portal.rules.place.paths, ["/"]);
    assert_eq!(portal.rules.visitor.cookie.name, "pm_visitor");
    assert_eq!(portal.stamp.policy.zone.name(), "UTC");
    assert!(portal.rules.roles.is_empty() && portal.rules.identity.is_empty());
}

#[test]
fn a_missing_secret_is_a_warning() {
    let (_, warnings) = read(PORTAL).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message().contains("one will be generated"), "{}", warnings[0]);
    assert_eq!(warnings[0].line(), None);
}

#[test]
fn a_secret_may_come_from_the_environment() {
    let config = good(&format!("secret = {{ env = \"PM_SECRET\" }}\n{PORTAL}"));
    assert_eq!((config.secret.source, config.secret.current.len()), (SecretSource::Env, 32));
}

#[test]
fn presets_come_from_the_experience_and_the_portal_wins() {
    let embeddables = good(&portal("experience = \"web_embeddables\"\nsession.day_rollover = \"continue\"\n"));
    let portal_ = &embeddables.portals[0];
    assert_eq!((portal_.stamp.policy.login, portal_.stamp.policy.day_rollover), (Login::Count, DayRollover::Continue));
    assert!(portal_.rules.pages.frames && portal_.rules.visitor.cookie.embedded);
    assert_eq!(portal_.rules.roles.unmapped, Unmapped::Ignore);
    let partners = good(&portal("experience = \"partner_portal\"\n"));
    assert_eq!(partners.portals[0].stamp.policy.max_duration, Some(4 * 3_600_000));
}

#[test]
fn a_portals_own_word_on_a_role_wins_over_the_preset() {
    let config = good(&portal("[portal.roles]\npreset = \"servicenow\"\nexternal = [\"Guest\"]\n"));
    let roles = &config.portals[0].rules.roles;
    assert!(roles.guest.is_empty() && roles.external.contains(&"Guest".to_owned()));
}

#[test]
fn an_observed_portal_gets_no_cookie_and_its_records_are_trial() {
    let config = good(&portal("metering = \"observe\"\n"));
    assert!(!config.portals[0].issues_cookie && config.portals[0].stamp.policy.trial);
    let config = good(&portal("[portal.visitor]\nmode = \"portal_cookie\"\nportal_cookie = [\"JSESSIONID\"]\n"));
    assert!(!config.portals[0].issues_cookie);
    assert_eq!(config.portals[0].rules.visitor.mode, Mode::PortalCookie(vec!["JSESSIONID".to_owned()]));
}

#[test]
fn journal_keep_follows_the_longest_idle_timeout() {
    let second = PORTAL.replace("support", "other").replace("a.example", "b.example");
    let config = good(&format!("{PORTAL}session.idle_timeout = \"2h\"\n{second}"));
    assert_eq!(config.journal.keep, (2 * 60 + 15) * 60_000);
}

#[test]
fn upstreams_have_the_port_of_their_scheme() {
    let urls = "[\"https://portal.example\", \"http://[::1]:81/\", \"http://10.0.0.5\"]";
    let config = good(&portal("").replace("[\"http://10.0.0.5:8000\"]", urls));
    let shown: Vec<String> = config.portals[0].upstream.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["https://portal.example:443", "http://[::1]:81", "http://10.0.0.5:80"]);
}

#[test]
fn one_portal_without_a_file_serves_any_host() {
    let config = Config::single("127.0.0.1:8080", "http://127.0.0.1:8000", None).unwrap();
    assert_eq!((&*config.portals[0].rules.name, config.data_dir.as_path()), ("default", Path::new("data")));
    let wrong = Config::single("8080", "localhost:8000", None).unwrap_err();
    let hints: Vec<&str> = wrong.iter().filter_map(Problem::hint).collect();
    assert!(hints.iter().any(|hint| hint.contains("0.0.0.0:8080")), "{hints:?}");
    assert!(hints.iter().any(|hint| hint.contains("http://localhost:8000")), "{hints:?}");
}

struct Fields;

impl Headers for Fields {
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        match name {
            "user-agent" => visit(b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            "content-type" => visit(b"text/html"),
            _ => {}
        }
    }
}

#[test]
fn the_rules_of_a_configuration_judge() {
    let config = good(PORTAL);
    let rules = config.rules(b"0123456789abcdef");
    let request = Request {
        at: 0,
        client: "203.0.113.9".parse().unwrap(),
        trusted_peer: false,
        https: false,
        method: b"GET",
        host: Some("a.example"),
        target: b"/",
        headers: &Fields,
        origin: Origin::Wire,
        remote_user: None,
        answers: &[],
        tells_cookies: true,
        tells_agent: true,
    };
    let verdict = rules.judge(&request, &Response { status: 200, headers: &Fields }).unwrap();
    assert_eq!(verdict.kind, portalmeter_rules::verdict::Kind::Page);
}

#[test]
fn a_probe_is_read_with_its_defaults() {
    let text = "[[portal.identity]]\nkind = \"probe\"\nurl = \"/api/me?x=1\"\ncookies = [\"sessionid\", \"SSESS*\"]\n\
                external = { status = 200 }\nclaims = { user = \"/id\", roles = \"/roles\", account = \"/company\" }\n";
    let probe = |text: &str| match &good(&portal(text)).portals[0].rules.identity[0].kind {
        SourceKind::Probe(probe) => probe.as_ref().clone(),
        other => panic!("{other:?}"),
    };
    let plain = probe(text);
    assert_eq!(
        (plain.url.as_str(), plain.timeout, plain.keep),
        ("/api/me?x=1", Duration::from_secs(2), Duration::from_mins(1))
    );
    assert_eq!((&plain.external[..], &plain.guest[..]), (&[200][..], &[302, 303, 307, 401, 403][..]));
    assert_eq!(plain.claims.roles.as_deref(), Some("/roles"));
    let more = text.replace("{ status = 200 }", "{ status = [200, 403] }");
    let other = probe(&format!("{more}guest = {{ status = 404 }}\ntimeout = \"500ms\"\nkeep = \"5m\"\n"));
    assert_eq!((other.timeout, other.keep), (Duration::from_millis(500), Duration::from_mins(5)));
    assert_eq!((&other.external[..], &other.guest[..]), (&[200, 403][..], &[404][..]));
    assert!(!probe(&more).guest.contains(&403), "what is a yes is no no");
}

#[test]
fn keys_of_an_issuer_are_fetched_and_not_read() {
    let text = "[[portal.identity]]\nkind = \"jwt\"\ncookie = \"t\"\nalgorithms = [\"RS256\", \"ES256\"]\n\
                key = { jwks_url = \"https://idp.example/keys\" }\n";
    let config = good(&portal(text));
    let SourceKind::Jwt(token) = &config.portals[0].rules.identity[0].kind else { panic!("{config:?}") };
    let ring = token.ring().unwrap();
    assert_eq!((ring.url.as_str(), ring.refresh), ("https://idp.example/keys", Duration::from_mins(10)));
    assert!(!ring.has_keys());
}

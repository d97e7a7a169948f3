//! Values that are no good, and things that do not go together.

use super::*;

#[test]
fn names_hosts_and_paths_that_are_none() {
    let base = portal("");
    error(&base.replace("\"support\"", "\"Support Desk\""), "\"Support Desk\"", "not a name", "\"support-desk\"");
    error(&base.replace("a.example\"", "a.example:80\""), "\"a.example:80\"", "not a host name", "write \"a.example\"");
    error(&base.replace("a.example", "https://a.example/x"), "\"https", "not a host name", "write \"a.example\"");
    error(&base.replace("a.example", "bücher.example"), "\"bücher", "not a host name", "punycode");
    error(&base.replace("a.example", "a.*.example"), "\"a.*.example\"", "not a host name", "stands alone");
    error(&base.replace("[\"a.example\"]", "[]"), "[]", "no `hosts`", "any");
    errors_in_a_portal(&[
        ("paths = [\"/csp/**\"]\n", "\"/csp/**\"", "is not a path", "write \"/csp\""),
        ("paths = [\"csp\"]\n", "\"csp\"", "is not a path", "write \"/csp\""),
        ("paths = []\n", "[]", "no path is metered", "everything"),
        ("[portal.pages]\nlogin = [\"login*\"]\n", "\"login*\"", "does not begin with `/`", "write \"/login*\""),
        ("[portal.pages]\nignore = [\"\"]\n", "\"\"", "the pattern is empty", "\"/*\""),
        ("[portal.pages]\nmodule = \"/embed/*\"\n", "\"/embed/*\"", "has no `{module}`", "/embed/{module}/**"),
        ("[portal.pages]\nmodule = \"/a-{module}/x\"\n", "\"/a-", "whole segment", "/embed/{module}/**"),
        ("[portal.pages]\nmodules = [\"chat\"]\n", "[\"chat\"]", "`modules` without `module`", "where the name"),
        ("timezone = \"Mars/Olympus\"\n", "\"Mars", "not an IANA time zone", "Europe/Berlin"),
        ("metering = \"off\"\n", "\"off\"", "not among the words", "`observe`"),
        ("experience = \"comunity\"\n", "\"comunity\"", "not an experience", "did you mean `community`?"),
        ("contracted_sessions = 0\n", "0\n", "no sessions", "leave it out"),
        ("session.min_pages = -1\n", "-1\n", "below zero", "0 or more"),
        ("session.min_pages = 0\n", "0\n", "1 or more", "first page"),
        ("session.login = \"cout\"\n", "\"cout\"", "not among", "did you mean `count`?"),
        ("[portal.bots]\nadd = [\"\"]\n", "\"\"", "empty", "AcmeProbe"),
        ("bots.categories = { ai_users = \"human\" }\n", "ai_users", "not a category", "did you mean `ai_user`?"),
        ("bots.categories = { seo = \"person\" }\n", "\"person\"", "not among", "`human`"),
        ("bots.signature_keys = \"gone\"\n", "\"gone\"", "cannot read the keys", "relative"),
        ("bots.signature_keys = \"hs\"\n", "\"hs\"", "no JSON Web Key Set", "Ed25519"),
        ("bots.signature_keys = \"jwks.json\"\n", "\"jwks.json\"", "no Ed25519 key", "as agents publish"),
        (
            &format!("bots.add = [{}]\n", "\"a\",".repeat(257)),
            "\"a\"",
            "257 patterns, more than 256",
            "stands for many",
        ),
        ("roles.preset = \"servicenov\"\n", "\"servicenov\"", "not among", "did you mean `servicenow`?"),
        ("roles = { internal = [\"x\"], guest = [\"x\"] }\n", "\"x\"] }", "`x` is internal and guest", "one thing"),
    ]);
}

#[test]
fn cookies_that_no_browser_would_take() {
    errors_in_a_portal(&[
        ("visitor.cookie_name = \"pm visitor\"\n", "\"pm visitor\"", "not the name of a cookie", "pm_visitor"),
        ("visitor.cookie_name = \"__Host-pm\"\n", "\"__Host-pm\"", "not for a configuration", "write \"pm\""),
        ("visitor.cookie_domain = \"b.example\"\n", "\"b.example\"", "`a.example` refuse", "end with"),
        ("visitor.cookie_domain = \"example\"\n", "\"example\"", "not a domain", "example.com"),
        ("visitor.mode = \"portal_cookie\"\n", "\"portal_cookie\"", "without the names", "JSESSIONID"),
        ("visitor.mode = \"cookies\"\n", "\"cookies\"", "not among", "did you mean `cookie`?"),
        ("visitor.secure = \"maybe\"\n", "\"maybe\"", "not among", "`auto`"),
    ]);
    warning(&portal("visitor.portal_cookie = [\"A\"]\n"), "[\"A\"]", "does nothing", "mode = \"portal_cookie\"");
}

#[test]
fn upstreams_that_lead_nowhere() {
    let with = |url: &str| portal("").replace("http://10.0.0.5:8000", url);
    for (url, message, hint) in [
        ("10.0.0.5:8000", "is not a URL", "write \"http://10.0.0.5:8000\""),
        ("ftp://x", "neither http nor https", "write \"http://x\""),
        ("http://x/csp", "has a path", "write \"http://x\""),
        ("http://user:pw@x", "names a user", "leave the user out"),
        ("http://x:99999", "", ""),
        ("http://", "", "such as"),
        ("http://127.0.0.1:8080", "portalmeter itself", "portal's own address"),
    ] {
        error(&with(url), &format!("\"{url}\""), message, hint);
    }
    error(&portal("").replace("[\"http://10.0.0.5:8000\"]", "[]"), "[]", "no `upstream`", "upstream = ");
}

#[test]
fn what_has_to_be_there_is_missed_at_its_table() {
    for (line, message) in [("name = \"support\"\n", "`name`"), ("hosts = [\"a.example\"]\n", "`hosts`")] {
        error(&portal("").replace(line, ""), "[[portal]]", message, "");
    }
    error("secret = { file = \"secret\" }\n", "secret", "no portal is configured", "[[portal]]");
    error(&portal("[[portal.identity]]\n"), "[[portal.identity]]", "no `kind`", "`jwt`");
}

#[test]
fn listeners_and_networks_that_are_none() {
    let cases = [
        ("listen = [\":8080\"]\n", "\":8080\"", "not an address", "write \"0.0.0.0:8080\""),
        ("listen = [\"localhost:8080\"]\n", "\"localhost:8080\"", "not an address", "write \"127.0.0.1:8080\""),
        ("listen = [\"::1\"]\n", "\"::1\"", "not an address", "write \"[::1]:8080\""),
        ("listen = []\n", "[]", "no address", "0.0.0.0:8080"),
        ("listen = [\"[::1]:1\", \"[::1]:1\"]\n", "\"[::1]:1\"]", "twice", ""),
        ("threads = 0\n", "0\n", "not between", "one a core"),
        ("trusted_proxies = [\"10.0.0.0/33\"]\n", "\"10.0.0.0/33\"", "is not a network", "10.0.0.0/8"),
        ("[[server.tls]]\nlisten = [\"0.0.0.0:8443\"]\n", "[[server.tls]]", "later release", "trusted_proxies"),
        ("[admin]\nlisten = \"0.0.0.0:9090\"\n", "\"0.0.0.0:9090\"", "needs users", "127.0.0.1:9090"),
        ("[admin]\nlisten = \"127.0.0.1:8080\"\n", "\"127.0.0.1:8080\"", "each other's way", "another port"),
        ("[ledger]\nseal_wait = \"1h\"\n", "\"1h\"", "sealed at the latest", "no shorter"),
        ("[flush]\nfiles = { dir = \"u\", formats = [\"xml\"] }\n", "\"xml\"", "not a format", "csv"),
        ("[flush]\nfiles = { formats = [\"csv\"] }\n", "{ formats", "no `dir`", "usage"),
    ];
    for (more, marked, message, hint) in cases {
        error(&format!("secret = {{ file = \"secret\" }}\n[server]\n{more}{PORTAL}"), marked, message, hint);
    }
}

#[test]
fn files_that_are_missing_or_useless() {
    error(&format!("secret = {{ file = \"nope\" }}\n{PORTAL}"), "\"nope\"", "cannot read the secret", "relative");
    error(&format!("secret = {{ file = \"short\" }}\n{PORTAL}"), "\"short\"", "3 bytes", "openssl rand");
    error(&format!("secret = {{ env = \"NOPE\" }}\n{PORTAL}"), "\"NOPE\"", "environment has no `NOPE`", "set it");
    error(&format!("secret = {{ previous = [] }}\n{PORTAL}"), "{ previous", "neither `file` nor `env`", "file");
    let both = "secret = { file = \"secret\", env = \"PM_SECRET\" }\n";
    error(&format!("{both}{PORTAL}"), "\"PM_SECRET\"", "not from both", "");
    error(&format!("data_dir = \"secret\"\n{}", portal("")), "\"secret\"", "a file is in its place", "look at");
    error(&format!("data_dir = \"hs/x/y\"\n{}", portal("")), "\"hs/x/y\"", "a file is in its place", "look at");
}

#[test]
fn the_same_place_in_two_portals_is_refused_with_both_places() {
    let second = |lines: &str| format!("[[portal]]\nname = \"two\"\nupstream = [\"http://10.0.0.6\"]\n{lines}");
    let same = portal(&second("hosts = [\"a.example\"]\n"));
    only(&same, ("\"a.example\"", 1), true, "`/` on `a.example` is metered by two portals", "own");
    let text = portal(&format!(
        "default = true\npaths = [\"/x\", \"/y/\"]\n{}",
        second("hosts = [\"A.example\"]\npaths = [\"/y\"]\n")
    ));
    only(&text, ("\"/y\"", 0), true, "`/y` on `a.example` is metered by two portals", "own");
    let problems = read(&text).unwrap_err();
    let labels = miette::Diagnostic::labels(problems.iter().next().unwrap()).unwrap().count();
    assert_eq!(labels, 2);
    let rest = portal(&format!("paths = [\"/x\"]\n{}", second("hosts = [\"a.example\"]\npaths = [\"/y\"]\n")));
    only(&rest, ("\"a.example\"", 1), true, "nobody serves the rest of `a.example`", "default = true");
    assert!(read(&rest.replace("paths = [\"/y\"]", "paths = [\"/y\"]\ndefault = true")).is_ok());
    assert!(read(&rest.replace("paths = [\"/y\"]\n", "")).is_ok());
    let twice = rest.replace("paths = [", "default = true\npaths = [");
    only(&twice, ("true", 1), true, "two portals of a host are its default", "");
    let name = portal(&second("hosts = [\"b.example\"]\n")).replace("\"two\"", "\"support\"");
    only(&name, ("\"support\"", 1), true, "two portals are called `support`", "by name");
}

#[test]
fn internal_from_what_can_be_forged_is_refused() {
    let cookie = "[[portal.identity]]\nkind = \"cookie\"\nlogged_in = [\"s\"]\n";
    errors_in_a_portal(&[
        (&format!("{cookie}internal = \"staff\"\n"), "\"staff\"", "cannot yield `internal`", "cannot forge"),
        (&format!("{cookie}roles = \"groups\"\n"), "\"groups\"", "cannot name roles", "jwt"),
        (
            &format!("roles.internal = [\"staff\"]\n{cookie}roles = \"groups\"\n"),
            "\"groups\"",
            "cannot go with `roles.internal`",
            "jwt",
        ),
    ]);
    let open = |more: &str| format!("{}[server]\ntrusted_proxies = [\"0.0.0.0/0\"]\n", portal(more));
    for source in ["kind = \"network\"\ninternal = [\"192.0.2.0/24\"]\n", "kind = \"header\"\nuser = \"X-U\"\n"] {
        let text = open(&format!("roles.internal = [\"staff\"]\n[[portal.identity]]\n{source}"));
        let problems = read(&text).unwrap_err();
        assert!(problems.to_string().contains("trusts everybody"), "{problems}");
    }
}

#[test]
fn identity_sources_that_cannot_work() {
    let source = |lines: &str| format!("[[portal.identity]]\n{lines}");
    errors_in_a_portal(&[
        (&source("kind = \"header\"\nuser = \"X-U\"\n"), "\"header\"", "nobody could set it", "trusted_proxies"),
        (&source("kind = \"cokie\"\n"), "\"cokie\"", "not a kind", "did you mean `cookie`?"),
        (&source("kind = \"network\"\ninternal = [\"x\"]\n"), "[\"x\"]", "not a network", "10.0.0.0/8"),
        (&source("kind = \"network\"\n"), "\"network\"", "names no networks", "internal"),
        (&source("kind = \"response_header\"\nheader = \"X Y\"\n"), "\"X Y\"", "not the name of a header", ""),
        (&source("kind = \"response_header\"\nheader = \"X-Y\"\nexternal = 1\n"), "1\n", "as text", "\"true\""),
        (
            &source("kind = \"response_header\"\nheader = \"Set-Cookie\"\n"),
            "\"response",
            "browser needs",
            "hide = false",
        ),
        (&source("kind = \"response_header\"\n"), "\"response", "no `header`", "X-Is-Logged-In"),
        (&source("kind = \"cookie\"\n"), "\"cookie\"", "does not name the cookies", "logged_in"),
        (&source("kind = \"cookie\"\nlogged_in = [\"a\"]\naudience = [\"x\"]\n"), "[\"x\"]", "means nothing", "`user`"),
    ]);
    let after = source("kind = \"cookie\"\nlogged_in = [\"a\"]\n")
        + &source("kind = \"network\"\ninternal = [\"192.0.2.0/24\"]\n");
    warning(&portal(&after), "\"network\"", "never asked", "last");
}

#[test]
fn tokens_that_could_not_be_verified() {
    let token = |lines: &str| format!("[[portal.identity]]\nkind = \"jwt\"\ncookie = \"t\"\n{lines}");
    let pem = "key = { public_key_file = \"idp.pem\" }\n";
    errors_in_a_portal(&[
        (&token(pem), "\"jwt\"", "names no `algorithms`", "RS256"),
        (&token(&format!("algorithms = []\n{pem}")), "[]", "no algorithm", "RS256"),
        (&token(&format!("algorithms = [\"none\"]\n{pem}")), "\"none\"", "`none` is not one of", "RS256"),
        (&token(&format!("algorithms = [\"HS256\"]\n{pem}")), "\"HS256\"", "needs a shared secret", "secret_file"),
        (&token(&format!("algorithms = [\"RS256\"]\n{pem}")), "\"idp.pem\"", "the key", "PEM"),
        (&token("algorithms = [\"EdDSA\"]\nkey = { secret_file = \"hs\" }\n"), "\"EdDSA\"", "public key", "HS"),
        (&token("algorithms = [\"EdDSA\"]\n"), "\"jwt\"", "has no `key`", "public_key_file"),
        (
            &token("algorithms = [\"EdDSA\"]\nkey = { public_key_file = \"gone\" }\n"),
            "\"gone\"",
            "cannot read",
            "relative",
        ),
        (
            &token("algorithms = [\"EdDSA\"]\nkey = { public_key_file = \"broken.pem\" }\n"),
            "\"broken",
            "cannot be read",
            "PEM",
        ),
        (
            &token("algorithms = [\"EdDSA\"]\nkey = { jwks_file = \"jwks.json\" }\n"),
            "\"jwks.json\"",
            "no key of use",
            "Set",
        ),
        (&token(&format!("header = \"A\"\nalgorithms = [\"EdDSA\"]\n{pem}")), "\"A\"", "not in both", "two sources"),
    ]);
    let fine = token("algorithms = [\"HS256\"]\nkey = { secret_file = \"hs\" }\n");
    assert!(read(&portal(&fine)).is_ok());
}

#[test]
fn keys_that_could_be_anybodys() {
    let keys = |key: &str| {
        format!("[[portal.identity]]\nkind = \"jwt\"\ncookie = \"t\"\nalgorithms = [\"RS256\"]\nkey = {{ {key} }}\n")
    };
    errors_in_a_portal(&[
        (&keys("jwks_url = \"http://idp.example/keys\""), "\"http://idp", "it is not https", "https://"),
        (&keys("jwks_url = \"http://127.0.0.1.example/keys\""), "\"http://127", "it is not https", "https://"),
        (&keys("jwks_url = \"http://10.0.0.5/keys\""), "\"http://10.0.0.5/", "it is not https", "this machine"),
        (&keys("jwks_url = \"idp.example/keys\""), "\"idp.example", "is not a URL", "http"),
        (&keys("jwks_url = \"https://ann:pw@idp.example/\""), "\"https://ann", "names a user", ""),
        (&keys("jwks_url = \"file:///etc/keys\""), "\"file", "neither http nor https", ""),
        (&keys("jwks_url = \"https://x/\", jwks_file = \"jwks.json\""), "\"jwks.json\"", "one key", "leave"),
        (&keys("jwks_url = \"https://x/\", refresh = \"1ms\""), "\"1ms\"", "all the time", "10m"),
        (
            &keys("secret_file = \"hs\", refresh = \"1m\"").replace("RS256", "HS256"),
            "\"1m\"",
            "belongs to `jwks_url`",
            "",
        ),
        (
            &keys("jwks_url = \"https://x/\"").replace("RS256", "HS256"),
            "\"HS256\"",
            "published keys are public",
            "secret_file",
        ),
    ]);
    for fine in
        ["https://idp.example/keys?tenant=1", "http://127.0.0.1:8080/keys", "http://[::1]/keys", "http://localhost/"]
    {
        assert!(read(&portal(&keys(&format!("jwks_url = \"{fine}\"")))).is_ok(), "{fine}");
    }
}

#[test]
fn probes_that_cannot_work() {
    let probe = |lines: &str| format!("[[portal.identity]]\nkind = \"probe\"\n{lines}");
    let rest = "url = \"/me\"\ncookies = [\"s\"]\n";
    errors_in_a_portal(&[
        (&probe("cookies = [\"s\"]\n"), "\"probe\"", "what to ask", "/api/me"),
        (&probe("url = \"https://x/me\"\ncookies = [\"s\"]\n"), "\"https://x", "not a path", "own upstream"),
        (&probe("url = \"//x/me\"\ncookies = [\"s\"]\n"), "\"//x", "not a path", "/api/me"),
        (&probe("url = \"/me\"\n"), "\"probe\"", "does not name the cookies", "sessionid"),
        (&probe("url = \"/me\"\ncookies = []\n"), "\"probe\"", "does not name the cookies", "sessionid"),
        (&probe("url = \"/me\"\ncookies = [\"*\"]\n"), "\"*\"", "not the name of a cookie", "SSESS*"),
        (&probe("url = \"/me\"\ncookies = [\"a b\"]\n"), "\"a b\"", "not the name of a cookie", ""),
        (&probe(&format!("{rest}timeout = \"1m\"\n")), "\"1m\"", "would wait", "10s"),
        (&probe(&format!("{rest}timeout = \"0s\"\n")), "\"0s\"", "would wait", "10s"),
        (&probe(&format!("{rest}keep = \"1d\"\n")), "\"1d\"", "long before", "1h"),
        (&probe(&format!("{rest}external = \"200\"\n")), "\"200\"", "status codes", "{ status = 200 }"),
        (&probe(&format!("{rest}external = {{ status = 99 }}\n")), "{ status = 99", "status codes", ""),
        (&probe(&format!("{rest}guest = {{ code = 401 }}\n")), "{ code", "status codes", "guest = { status"),
        (&probe(&format!("{rest}guest = {{ status = [401, 200] }}\n")), "{ status = [401", "200 is among", ""),
        (&probe(&format!("{rest}claims = {{ user = \"id\" }}\n")), "\"id\"", "not a place in the answer", "\"/id\""),
        (&probe(&format!("{rest}logged_in = [\"x\"]\n")), "[\"x\"]", "means nothing", "`cookies`"),
    ]);
}

#[test]
fn a_pattern_that_servers_read_in_two_ways_is_told() {
    for written in ["/sso%2Flogin", "/a/..;/b*"] {
        let quoted = format!("\"{written}\"");
        warning(&portal(&format!("pages.login = [{quoted}]\n")), &quoted, "spares nothing", "write `*`");
    }
}

#[test]
fn a_pattern_in_a_form_that_no_address_has_is_told() {
    for (written, normal) in [("/a//b*", "/a/b*"), ("/%61", "/a"), ("/a;v=1", "/a"), ("/a/../b", "/b")] {
        let quoted = format!("\"{written}\"");
        warning(&portal(&format!("pages.login = [{quoted}]\n")), &quoted, "matches nothing", normal);
        warning(
            &portal(&format!("paths = [{quoted}]\n").replace('*', "")),
            &quoted.replace('*', ""),
            "matches nothing",
            "",
        );
    }
}

#[test]
fn what_may_not_be_meant_is_a_warning() {
    let after = "[portal.session]\nidle_timeout = \"2h\"\nmax_duration = \"1h\"\n";
    warning(&portal(after), "\"1h\"", "before it can be idle", "max_duration");
    warning(&portal("[journal]\nkeep = \"5m\"\n"), "\"5m\"", "shorter than the longest idle", "45m");
    warning(&portal("[journal]\narchive_keep = \"5d\"\n"), "\"5d\"", "without `archive`", "archive");
    warning(&portal("roles.unmapped = \"ignore\"\n"), "\"ignore\"", "without roles", "preset");
    let embeddables = portal("experience = \"web_embeddables\"\n[portal.pages]\nmodule = \"/e/{module}\"\n");
    warning(&embeddables, "\"web_embeddables\"", "without `pages.pages`", "first call");
    let embeddables = portal("experience = \"web_embeddables\"\n[portal.pages]\npages = [\"/e/*\"]\n");
    warning(&embeddables, "\"web_embeddables\"", "without `pages.module`", "per module");
}

#[test]
fn limits_and_times_are_such_that_something_can_pass() {
    for (more, marked, message, hint) in [
        ("limits.headers = \"2MiB\"\n", "\"2MiB\"", "not between", "default"),
        ("limits.uri = \"80KiB\"\n", "\"80KiB\"", "larger than `headers`", "96KiB"),
        ("limits.header_count = 3\n", "3\n", "3 fields", ""),
        ("limits.body = 5\n", "5\n", "", "5B"),
        ("timeouts.head = \"1ms\"\n", "\"1ms\"", "too short", "15s"),
        ("resolver = [\"dns.example\"]\n", "\"dns.example\"", "DNS server", "10.0.0.2:53"),
        ("resolver = [\"10.0.0.2:0\"]\n", "\"10.0.0.2:0\"", "DNS server", ""),
    ] {
        error(&format!("secret = {{ file = \"secret\" }}\n[server]\n{more}{PORTAL}"), marked, message, hint);
    }
    errors_in_a_portal(&[
        ("timeouts.connect = \"0s\"\n", "\"0s\"", "too short", "10s"),
        ("guard.starts_per_minute = 60001\n", "60001", "no guard", "0 is off"),
    ]);
}

//! Where store and ledger are, and that nobody gets to see their passwords.

use super::super::ledger::Postgres;
use portalmeter_meter::store::redis::Settings;
use portalmeter_meter::store::redis::address::Shape;

use super::*;

/// The configuration with these lines before its portal.
fn with(lines: &str) -> String {
    format!("secret = {{ file = \"secret\" }}\n{lines}{PORTAL}")
}

fn redis(lines: &str) -> Settings {
    match good(&with(&format!("[store]\n{lines}"))).store {
        Store::Redis(redis) => *redis,
        Store::Embedded => panic!("embedded"),
    }
}

fn postgres(lines: &str) -> Postgres {
    match good(&with(&format!("[ledger]\n{lines}"))).ledger.place {
        Place::Postgres(postgres) => postgres,
        Place::Embedded => panic!("embedded"),
    }
}

#[test]
fn redis_is_one_server_a_cluster_or_what_sentinels_say() {
    let one = redis("url = \"redis://db\"\n");
    assert_eq!((one.address.to_string().as_str(), one.prefix.as_str()), ("redis://db:6379/0", "pm"));
    let lines =
        "url = \"rediss://pm@[::1]:6380/3\"\nca_file = \"ca.pem\"\nprefix = \"shop\"\ntimeouts.answer = \"300ms\"\n";
    let two = redis(lines);
    assert_eq!(
        (two.address.to_string().as_str(), two.address.login.user.as_deref()),
        ("rediss://[::1]:6380/3", Some("pm"))
    );
    assert!(two.ca.is_some() && two.prefix == "shop");
    assert_eq!((two.connect_timeout, two.response_timeout), (Duration::from_secs(2), Duration::from_millis(300)));
    let cluster = redis("url = \"redis+cluster://a,b:7000,c\"\n");
    assert_eq!(cluster.address.to_string(), "redis+cluster://a:6379,b:7000,c:6379");
    let lines = "url = \"rediss+sentinel://a,b:26380/main/1\"\nsentinel_user = \"s\"\nsentinel_password = { file = \"password\" }\n";
    let watched = redis(lines);
    assert_eq!(watched.address.to_string(), "rediss+sentinel://a:26379,b:26380/main/1");
    let Shape::Sentinel { login, .. } = watched.address.shape else { panic!() };
    assert_eq!((login.user.as_deref(), login.password.as_deref()), (Some("s"), Some("hun:t@er2")));
}

#[test]
fn a_password_may_come_from_a_file_the_environment_or_with_the_url() {
    for lines in [
        "url = \"redis://pm@db\"\npassword = { file = \"password\" }\n",
        "url = \"redis://pm@db\"\npassword = { env = \"PM_PASSWORD\" }\n",
        "url_env = \"PM_REDIS\"\n",
        "url_file = \"redis.url\"\n",
    ] {
        let login = redis(lines).address.login;
        assert_eq!((login.user.as_deref(), login.password.as_deref()), (Some("pm"), Some("hun:t@er2")));
    }
    for lines in [
        "url = \"postgres://pm@db/usage\"\npassword = { file = \"password\" }\n",
        "url = \"postgresql://pm@db/usage?\"\npassword = { env = \"PM_PASSWORD\" }\n",
        "url_env = \"PM_POSTGRES\"\n",
    ] {
        let postgres = postgres(lines);
        let url = postgres.url.reveal();
        assert!(
            ["@db/usage?password=hun%3At%40er2", ":hun%3At%40er2@db/usage"].iter().any(|end| url.ends_with(end)),
            "{url}"
        );
        assert_eq!(postgres.shown, "postgres://db/usage");
    }
    let embedded = good(&with("[store]\nurl_env = \"PM_EMBEDDED\"\n[ledger]\nurl_env = \"PM_EMBEDDED\"\n"));
    assert!(matches!((embedded.store, embedded.ledger.place), (Store::Embedded, Place::Embedded)));
}

#[test]
fn a_password_in_the_file_works_and_is_warned_of() {
    let text = with("[store]\nurl = \"redis://:hunter2@db\"\n");
    warning(&text, "\"redis://", "whoever may read this file", "password = {");
    let text = with("[ledger]\nurl = \"postgres://pm:hunter2@db/usage\"\n");
    warning(&text, "\"postgres://", "whoever may read this file", "url_env");
}

#[test]
fn how_postgres_is_encrypted_is_said_in_its_url() {
    let url = |lines: &str| postgres(&format!("url = \"postgres://pm@db/usage{lines}\n")).url.reveal().to_owned();
    assert_eq!(url("?sslmode=verify-full\""), "postgres://pm@db/usage?sslmode=verify-full");
    assert_eq!(url("\""), "postgres://pm@db/usage");
    let with_authority = url("?sslmode=require\"\nca_file = \"ca.pem\"");
    assert!(
        with_authority.contains("?sslmode=require&sslrootcert=") && with_authority.ends_with("ca%2Epem"),
        "{with_authority}"
    );
    let socket = postgres("url = \"postgres:///usage?host=/run/postgresql\"\n");
    assert_eq!(socket.shown, "postgres:///usage");
}

#[test]
fn stores_and_ledgers_that_are_none() {
    for (lines, marked, message, hint) in [
        ("[store]\nurl = \"mysql://x\"\n", "\"mysql://x\"", "not a store", "`redis+cluster://`"),
        ("[store]\nurl = \"redi://x\"\n", "\"redi://x\"", "not a store", "did you mean `redis://`?"),
        ("[store]\nurl = \"valkey://x\"\n", "\"valkey://x\"", "not a store", "redis://"),
        ("[store]\nurl = \"redis:6379\"\n", "\"redis:6379\"", "not a store", "redis://10.0.0.5:6379"),
        ("[store]\nurl = \"postgres://x\"\n", "\"postgres://x\"", "not a store", "[ledger]"),
        ("[store]\nurl = \"redis://\"\n", "\"redis://\"", "names no host", "10.0.0.5"),
        ("[store]\nurl = \"redis://0.0.0.0\"\n", "\"redis://0", "names no host", "listens"),
        ("[store]\nurl = \"redis://a,b\"\n", "\"redis://a", "several servers", "redis+cluster://"),
        ("[store]\nurl = \"redis://a/x\"\n", "\"redis://a", "number of a database", "/0"),
        ("[store]\nurl = \"redis://a:99999\"\n", "\"redis://a", "cannot be", "6379"),
        ("[store]\nurl = \"rediss://a#insecure\"\n", "\"rediss://a", "has a `#`", "ca_file"),
        ("[store]\nurl = \"redis://a?timeout=1\"\n", "\"redis://a", "has a `?`", "key of its own"),
        ("[store]\nurl = \"redis+cluster://a/1\"\n", "\"redis+", "names a database", "leave"),
        ("[store]\nurl = \"redis+sentinel://a\"\n", "\"redis+", "what the sentinels call", "mymaster"),
        ("[store]\nurl = \"redis://a\"\nurl_env = \"PM_REDIS\"\n", "\"PM_REDIS\"", "written twice", "one of"),
        ("[store]\nurl_env = \"PM_NOTHING\"\n", "\"PM_NOTHING\"", "environment has no", "set it"),
        ("[store]\nurl_env = \"PM_PASSWORD\"\n", "\"PM_PASSWORD\"", "the URL in `PM_PASSWORD` is not a store", ""),
        ("[store]\nurl_file = \"gone\"\n", "\"gone\"", "cannot read the URL", "relative"),
        ("[store]\nurl_file = \"empty\"\n", "\"empty\"", "file of the URL is empty", ""),
        ("[store]\nurl = \"redis://a\"\npassword = {}\n", "{}", "neither `file` nor `env`", "PM_PASSWORD"),
        ("[store]\nurl = \"redis://a\"\ntimeouts.answer = \"0s\"\n", "\"0s\"", "in no time", "2s"),
        ("[store]\nurl = \"rediss://a\"\nca_file = \"hs\"\n", "\"hs\"", "no certificates", "PEM"),
        ("[ledger]\nurl = \"redis://x\"\n", "\"redis://x\"", "not a ledger", "[store]"),
        ("[ledger]\nurl = \"postgre://x\"\n", "\"postgre://x\"", "not a ledger", "did you mean `postgres://`?"),
        ("[ledger]\nurl = \"postgres:///usage\"\n", "\"postgres:///", "names no host", "/run/postgresql"),
        ("[ledger]\nurl = \"postgres://x/u?sslmode=on\"\n", "\"postgres://x", "sslmode `on`", "verify-full"),
        ("[ledger]\nurl = \"postgres://x/u?sslkey=a\"\n", "\"postgres://x", "`sslkey`", "password"),
        (
            "[ledger]\nurl = \"postgres://x/u?ssl_mode=require\"\n",
            "\"postgres://x",
            "`ssl_mode`",
            "did you mean `sslmode`?",
        ),
        ("[ledger]\nurl = \"postgres://x/u?connect_timeout=soon\"\n", "\"postgres://x", "cannot be used", "10.0.0.5"),
    ] {
        error(&with(lines), marked, message, hint);
    }
    let both = "[store]\nurl_env = \"PM_REDIS\"\npassword = { file = \"password\" }\n";
    error(&with(both), "{ file = \"password\"", "has a password already", "leave it out");
}

#[test]
fn settings_of_servers_that_are_not_there_do_nothing() {
    for (lines, marked, why, hint) in [
        ("[store]\nprefix = \"shop\"\n", "\"shop\"", "with the embedded store", "redis://"),
        ("[store]\npassword = { file = \"password\" }\n", "{ file = \"password", "with the embedded store", "redis://"),
        ("[store]\ntimeouts.connect = \"1s\"\n", "\"1s\"", "with the embedded store", "redis://"),
        ("[store]\nurl = \"redis://a\"\nca_file = \"ca.pem\"\n", "\"ca.pem\"", "without TLS", "rediss://"),
        ("[store]\nurl = \"redis://a\"\nsentinel_user = \"x\"\n", "\"x\"", "without sentinels", "redis+sentinel"),
        ("[ledger]\nca_file = \"ca.pem\"\n", "\"ca.pem\"", "with the embedded ledger", "postgres://"),
        ("[ledger]\nseal_wait = \"48h\"\n", "\"48h\"", "with the embedded store", "several nodes"),
    ] {
        warning(&with(lines), marked, &format!("does nothing {why}"), hint);
    }
    let several = with("[store]\nurl = \"redis://a\"\n[ledger]\nseal_wait = \"48h\"\n");
    assert!(read(&several).unwrap().1.is_empty());
}

#[test]
fn no_password_is_ever_shown() {
    let wrong =
        ["", "url_env = \"PM_REDIS\"\n", "timezone = 3\n", "prefix = \"B AD\"\n", "unknown = 1\n", "[[[\n", "\"\n"];
    let written = [
        "[store]\nurl = \"redis://pm:hunter2@db\"\n",
        "[store]\nurl = \"redis://pm:hunter2@d b\"\n",
        "[store]\nurl = \"redis://pm:hunter2/x@db\"\n",
        "[store]\nurl = \"redis://:hunter2\"\n",
        "[store]\nurl = \"redis://:hunter2/1\"\n",
        "[store]\nurl = \"redis+sentinel://a/m?sentinel_password=hunter2&x=1\"\n",
        "[store]\nurl = \"http://pm:hunter2@db\"\n",
        "[store]\nurl = \"redis://pm:hunter2@db\nprefix = 3\n",
        "[store]\nurl = [\"redis://pm:hunter2@db\"]\n",
        "[store]\nurl = \"redis://db\"\npassword = \"hunter2\"\n",
        "[store]\nurl = \"redis://db\"\npassword = hunter2\n",
        "[store]\nurl = \"redis://db\"\npassword = { env = 3, file = \"x\" } # redis://:hunter2@db\n",
        "[ledger]\nurl = \"postgres://pm:hunter2@db/x?sslmode=nope\"\n",
        "[ledger]\nurl = \"postgres://db/x?user=a&password=hunter2&port=x\"\n",
        "[ledger]\nurl = \"host=db password=hunter2\"\n",
        "store = \"redis://pm:hunter2@db\"\n",
        "secret = \"hunter2\"\n",
    ];
    let mut seen = 0;
    for (lines, more) in written.iter().flat_map(|lines| wrong.iter().map(move |more| (lines, more))) {
        let text = format!("{lines}{more}{PORTAL}");
        let problems: Vec<Problem> = match read(&text) {
            Ok((config, problems)) => {
                assert!(!format!("{config:?}").contains("hunter2"), "{text}");
                problems
            }
            Err(problems) => {
                assert!(!format!("{problems} {problems:?}").contains("hunter2"), "{problems}");
                problems.iter().cloned().collect()
            }
        };
        for problem in &problems {
            let shown = format!("{problem} {problem:?} {:?}", miette::Report::new(problem.clone()));
            assert!(!shown.contains("hunter2"), "{shown}");
            seen += usize::from(shown.contains('*'));
        }
    }
    assert!(seen > 50, "passwords were near what was shown only {seen} times");
}

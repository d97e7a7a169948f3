//! Who may come in at the admin listener.

use portalmeter_dashboard::access::{Reach, Role};

use super::*;

/// The configuration with these lines before its portal.
fn with(lines: &str) -> String {
    format!("secret = {{ file = \"secret\" }}\n{lines}{PORTAL}")
}

/// A user, and more of it.
fn user(more: &str) -> String {
    with(&format!("[[admin.user]]\nname = \"ann\"\n{more}"))
}

const HASH: &str =
    "password_hash = \"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$1Fuq5ZjTSwMhKK2nv4qPkUmJYGtCUXsb2NWeyP4ABEk\"\n";
const TOKEN: &str = "token_hash = \"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\n";
const SSO: &str = "[admin.sso]\nuser = \"X-Auth-Request-User\"\n";

#[test]
fn users_are_read_as_they_were_meant() {
    let lines = format!(
        "[server]\ntrusted_proxies = [\"10.0.0.2\"]\n[admin]\nlisten = \"0.0.0.0:9090\"\nsession = \"8h\"\n\
         [[admin.user]]\nname = \"ann\"\nrole = \"admin\"\n{HASH}totp = {{ file = \"ann.totp\" }}\n\
         [[admin.user]]\nname = \"robot\"\nrole = \"viewer\"\n{TOKEN}\
         [[admin.user]]\nname = \"pat@acme.example\"\nrole = \"partner\"\naccount = \"acme\"\n{HASH}{TOKEN}"
    );
    let (config, warnings) = read(&with(&lines)).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    let access = &config.admin.access;
    assert_eq!((access.idle, access.reach), (8 * 3_600_000, Reach::Network));
    assert_eq!(access.trusted_proxies, config.server.trusted_proxies);
    let [ann, robot, pat] = access.users.as_slice() else { panic!("{access:?}") };
    assert_eq!((ann.name.as_str(), &ann.role), ("ann", &Role::Admin));
    assert!(ann.password.is_some() && ann.token.is_none() && ann.totp.is_some());
    assert!(robot.role == Role::Viewer && robot.password.is_none() && robot.token.is_some());
    assert_eq!(pat.role, Role::Partner { account: "acme".to_owned() });
}

#[test]
fn without_users_the_loopback_has_a_session_of_twelve_hours() {
    let admin = good(PORTAL).admin;
    assert_eq!((admin.access.idle, admin.access.reach, admin.metrics_open), (12 * 3_600_000, Reach::Loopback, false));
    assert!(admin.access.users.is_empty() && admin.access.sso.is_none());
}

#[test]
fn an_auth_proxy_speaks_for_users_who_have_no_password() {
    let ann = "[[admin.user]]\nname = \"ann\"\nrole = \"viewer\"\n";
    let own = good(&with(&format!("{SSO}trusted = [\"10.0.0.9\"]\n{ann}"))).admin.access;
    assert_eq!(
        (own.sso.unwrap().user.as_str(), own.trusted_proxies[0].to_string().as_str()),
        ("x-auth-request-user", "10.0.0.9/32")
    );
    let shared = good(&with(&format!("[server]\ntrusted_proxies = [\"10.0.0.2\"]\n{SSO}{ann}"))).admin.access;
    assert_eq!(shared.trusted_proxies[0].to_string(), "10.0.0.2/32");
}

#[test]
fn users_that_make_no_sense() {
    let admin = format!("role = \"admin\"\n{HASH}");
    for (more, marked, message, hint) in [
        (HASH.to_owned(), "[[admin.user]]", "no `role`", "`viewer`"),
        ("role = \"admin\"\n".to_owned(), "[[admin.user]]", "neither", "hash-password"),
        (format!("role = \"root\"\n{HASH}"), "\"root\"", "`root` is not a role", "one of `admin`"),
        (format!("role = \"viewr\"\n{HASH}"), "\"viewr\"", "not a role", "did you mean `viewer`?"),
        (format!("role = \"partner\"\n{HASH}"), "[[admin.user]]", "no `account`", "acme"),
        (format!("role = \"partner\"\naccount = \"\"\n{HASH}"), "[[admin.user]]", "no `account`", "acme"),
        (format!("{admin}account = \"acme\"\n"), "\"acme\"", "sees every account", "role = \"partner\""),
        ("role = \"admin\"\npassword_hash = \"hunter2\"\n".to_owned(), "\"hunter2\"", "not the hash", "hash-password"),
        (
            "role = \"admin\"\npassword_hash = \"$2b$12$abc\"\n".to_owned(),
            "\"$2b$12$abc\"",
            "cannot be used: made by `2b`",
            "hash-password",
        ),
        (admin.replace("m=19456", "m=4194304"), "\"$argon2id", "more than 1 GiB", "hash-password"),
        ("role = \"admin\"\ntoken_hash = \"pmt_x\"\n".to_owned(), "\"pmt_x\"", "not the hash of a token", "--token"),
        (format!("{admin}totp = {{ file = \"short\" }}\n"), "{ file", "shorter than 128 bits", "base32"),
        (format!("{admin}totp = {{ env = \"PM_PASSWORD\" }}\n"), "{ env", "not base32", "base32"),
        (format!("{admin}totp = {{}}\n"), "{}", "neither `file` nor `env`", "ann.totp"),
    ] {
        error(&user(&more), marked, message, hint);
    }
    let twice = user(&format!("{admin}[[admin.user]]\nname = \"ann\"\n{admin}"));
    only(&twice, ("\"ann\"", 1), true, "two users `ann`", "may have both");
    error(&user(&admin).replace("name = \"ann\"\n", ""), "[[admin.user]]", "no `name`", "ann");
    error(&user(&admin).replace("\"ann\"", "\" ann\""), "\" ann\"", "not a name", "ann@example.com");
}

#[test]
fn what_is_easily_guessed_or_read_on_the_way_is_warned_of() {
    let weak = format!("role = \"admin\"\n{}", HASH.replace("m=19456", "m=4096"));
    warning(&user(&weak), "\"$argon2id", "can guess the password", "19 MiB");
    let bare = format!("[admin]\nlisten = \"10.0.0.1:9090\"\n[[admin.user]]\nname = \"ann\"\nrole = \"admin\"\n{HASH}");
    warning(&with(&bare), "\"10.0.0.1:9090\"", "unencrypted", "end TLS");
    let totp = format!("role = \"admin\"\n{TOKEN}totp = {{ file = \"ann.totp\" }}\n");
    warning(&user(&totp), "{ file = \"ann.totp\"", "does nothing without", "login");
    warning(
        &with(&format!("{SSO}trusted = [\"10.0.0.9\"]\n")),
        "[admin.sso]",
        "does nothing without users",
        "[[admin.user]]",
    );
}

#[test]
fn auth_proxies_and_sessions_that_make_no_sense() {
    let ann = format!("[[admin.user]]\nname = \"ann\"\nrole = \"admin\"\n{HASH}");
    for (lines, marked, message, hint) in [
        (SSO.to_owned(), "[admin.sso]", "nobody is trusted", "server.trusted_proxies"),
        (format!("{SSO}trusted = []\n"), "[]", "nobody is trusted", "10.0.0.2"),
        (format!("{SSO}trusted = [\"0.0.0.0/0\"]\n"), "[\"0.0.0.0/0\"]", "is everybody", "alone"),
        (format!("{SSO}trusted = [\"proxy\"]\n"), "\"proxy\"", "not a network", "10.0.0.0/8"),
        ("[admin.sso]\ntrusted = [\"10.0.0.2\"]\n".to_owned(), "[admin.sso]", "no `user`", "X-Auth-Request-User"),
        (
            "[admin.sso]\nuser = \"X User\"\ntrusted = [\"10.0.0.2\"]\n".to_owned(),
            "\"X User\"",
            "not the name",
            "letters",
        ),
        ("[admin]\nsession = \"8d\"\n".to_owned(), "\"8d\"", "cannot be idle", "between 1m and 7d"),
        ("[admin]\nsession = \"0s\"\n".to_owned(), "\"0s\"", "cannot be idle", "between 1m and 7d"),
        ("[admin]\nsession = 12\n".to_owned(), "12\n", "no unit", "12s"),
    ] {
        error(&with(&format!("{lines}{ann}")), marked, message, hint);
    }
}

#[test]
fn no_hash_and_no_secret_is_ever_shown() {
    for lines in
        ["password_hash = \"hunter2\"\n", "token_hash = \"hunter2\"\n", "totp = \"hunter2\"\n", "totp = hunter2\n"]
    {
        let problems = read(&user(&format!("role = \"admin\"\n{lines}"))).unwrap_err();
        let told = |problem: &Problem| format!("{problem} {:?}", miette::Report::new(problem.clone()));
        let shown = problems.iter().map(told).collect::<Vec<_>>().concat();
        assert!(!shown.contains("hunter2") && shown.contains("*******"), "{shown}");
    }
    let config = good(&user(&format!("role = \"admin\"\n{HASH}{TOKEN}totp = {{ file = \"ann.totp\" }}\n")));
    let shown = format!("{config:?}");
    assert!(!shown.contains("argon2id") && !shown.contains("ba7816bf") && !shown.contains("GEZDG"), "{shown}");
}

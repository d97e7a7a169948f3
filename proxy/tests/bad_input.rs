//! Bad input on the wire: each gets the class that `metering.md` says, and never harms the portal's visitor.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]

mod faults {
    pub(crate) mod meter;
    pub(crate) mod origin;
    pub(crate) mod stage;
    pub(crate) mod wire;
}

use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use faults::meter::{Counted, until};
use faults::origin::{Origin, page};
use faults::stage::{Given, Stage, get};
use faults::wire::Wire;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

const SECRET: &str = "the issuer's shared secret, long enough";
const JWT: &str = "[[portal.identity]]\nkind = \"jwt\"\ncookie = \"id_token\"\nalgorithms = [\"HS256\"]\n\
                   key = { secret_file = \"jwt\" }\nleeway = \"60s\"\n";
const HEADER: &str = "[[portal.identity]]\nkind = \"header\"\nuser = \"X-Auth-Request-User\"\n";

// The meter's own cookie.

#[test]
fn a_cookie_that_is_not_ours_counts_as_none() {
    let stage = Stage::new(&Given::default());
    let genuine = stage.ask(&get(1, "/", "")).our_cookie().unwrap();
    let (name, value) = genuine.split_once('=').unwrap();
    let mut changed = value.as_bytes().to_vec();
    changed[9] = if changed[9] == b'A' { b'B' } else { b'A' };
    let forgeries = [
        String::new(),
        "%00%ff".to_owned(),
        "x".repeat(7000),
        value[..value.len() / 2].to_owned(),
        String::from_utf8(changed).unwrap(),
        URL_SAFE_NO_PAD.encode([1; 39]),
        format!("{value}{value}"),
    ];
    for (number, forged) in (2..).zip(&forgeries) {
        // From an address of its own: taken for the first visitor it would count nothing.
        let answer = stage.ask(&get(number, "/", &format!("Cookie: {name}={forged}\r\n")));
        assert_eq!(answer.status, 200, "{forged}");
        assert!(answer.our_cookie().is_some(), "a page without a cookie of ours gets one: {forged}");
    }
    assert_eq!(stage.settled(), Counted::guests(1 + forgeries.len() as i64));
}

#[test]
fn the_genuine_one_of_several_cookies_of_our_name_is_found() {
    let stage = Stage::new(&Given::default());
    let genuine = stage.ask(&get(1, "/", "")).our_cookie().unwrap();
    let crowd = format!("Cookie: pm_visitor=forged; a=1; {genuine}; pm_visitor=\r\nCookie: {genuine}\r\n");
    let answer = stage.ask(&get(2, "/", &crowd));
    assert_eq!(answer.our_cookie(), None);
    assert_eq!(stage.settled(), Counted { page_views: 2, ..Counted::guests(1) });
}

#[test]
fn our_cookie_stays_from_the_portal_and_the_portals_own_lines_stay() {
    let fields = "Set-Cookie: sessionid=abc; Path=/\r\nSet-Cookie: csrftoken=x; Secure\r\n";
    let stage = Stage::before(Origin::new(move |_, stream| page(stream, fields)), &Given::default());
    let answer = stage.ask(&get(1, "/", ""));
    let lines = answer.all("set-cookie");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.contains(&"sessionid=abc; Path=/") && lines.contains(&"csrftoken=x; Secure"), "{lines:?}");
    let ours = answer.our_cookie().unwrap();
    stage.ask(&get(1, "/", &format!("Cookie: a=1; {ours}; b=\"2\"\r\nCookie: __Host-{ours}; c=\r\n")));
    assert_eq!(stage.origin.last().texts("cookie"), ["a=1; b=\"2\"; c="]);
    stage.ask(&get(1, "/", &format!("Cookie: {ours}\r\n")));
    assert!(stage.origin.last().all("cookie").is_empty());
    assert_eq!(stage.settled(), Counted { page_views: 3, ..Counted::guests(1) });
}

// Tokens.

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn token(secret: &str, algorithm: Algorithm, expires: u64) -> String {
    let claims = json!({ "sub": "ann", "exp": expires });
    encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

#[test]
fn tokens_count_as_what_they_prove() {
    let stage = Stage::new(&Given { portal: JWT, files: &[("jwt", SECRET)], ..Given::default() });
    let (later, earlier) = (now() + 3600, now() - 3600);
    let good = token(SECRET, Algorithm::HS256, later);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let claims = signed.split_once('.').unwrap().1;
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let early = json!({ "sub": "ann", "exp": later, "nbf": later });
    let early = encode(&Header::default(), &early, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    let tokens = [
        ("good", good.clone(), "external"),
        ("expired within leeway", token(SECRET, Algorithm::HS256, now() - 30), "external"),
        ("expired", token(SECRET, Algorithm::HS256, earlier), "guest"),
        ("missing", String::new(), "guest"),
        ("not yet valid", early, "unknown"),
        ("without its signature", format!("{signed}."), "unknown"),
        ("without any signature", signed.to_owned(), "unknown"),
        ("alg none", format!("{none}.{claims}."), "unknown"),
        ("alg none, signed", format!("{none}.{claims}.{}", good.rsplit_once('.').unwrap().1), "unknown"),
        ("wrong key", token("another secret of some length", Algorithm::HS256, later), "unknown"),
        ("wrong key, expired", token("another secret of some length", Algorithm::HS256, earlier), "unknown"),
        ("an algorithm that is not pinned", token(SECRET, Algorithm::HS512, later), "unknown"),
        ("garbage", "a.b.c.d".to_owned(), "unknown"),
        ("long", "x".repeat(7000), "unknown"),
    ];
    let mut expected = Counted::default();
    for (number, (what, token, evidence)) in (1..).zip(&tokens) {
        let metric = format!("observations_total{{kind=\"page\",evidence=\"{evidence}\"}}");
        let before = stage.running.metric(&metric);
        let answer = stage.ask(&get(number, "/", &format!("Cookie: id_token={token}\r\n")));
        assert_eq!(answer.status, 200, "{what}");
        assert_eq!(stage.running.metric(&metric), before + 1, "{what} is {evidence}");
        expected.page_views += 1;
        *if *evidence == "external" { &mut expected.external } else { &mut expected.guest } += 1;
    }
    assert_eq!(stage.settled(), expected);
}

// Identity headers.

const SPELLINGS: [&str; 4] =
    ["X-Auth-Request-User", "X_Auth_Request_User", "x-auth_request-user", "X-AUTH-REQUEST_USER"];

#[test]
fn identity_headers_of_untrusted_peers_are_stripped_and_prove_nothing() {
    let stage = Stage::new(&Given { portal: HEADER, trusted: "10.0.0.0/8", ..Given::default() });
    for spelling in SPELLINGS {
        stage.ask(&get(1, "/", &format!("{spelling}: mallory\r\n")));
        let asked = stage.origin.last();
        assert!(!String::from_utf8_lossy(&asked.head).contains("mallory"), "{spelling} reached the portal");
    }
    assert_eq!(stage.running.metric("observations_total{kind=\"page\",evidence=\"external\"}"), 0);
    // Whatever X-Forwarded-For says, an untrusted peer is one visitor.
    assert_eq!(stage.settled(), Counted { page_views: 4, ..Counted::guests(1) });
}

#[test]
fn identity_headers_of_trusted_peers_count() {
    let stage = Stage::new(&Given { portal: HEADER, ..Given::default() });
    stage.ask(&get(1, "/", "X-Auth-Request-User: ann\r\n"));
    assert_eq!(stage.origin.last().texts("x-auth-request-user"), ["ann"]);
    for spelling in &SPELLINGS[1..] {
        stage.ask(&get(2, "/", &format!("{spelling}: mallory\r\n")));
        assert!(!String::from_utf8_lossy(&stage.origin.last().head).contains("mallory"), "{spelling}");
    }
    assert_eq!(stage.settled(), Counted { guest: 1, external: 1, page_views: 4, ..Counted::default() });
}

#[test]
fn the_portal_learns_who_asked_for_what() {
    let trusted = Stage::new(&Given::default());
    let fields = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: www.example\r\nX_Forwarded_For: 6.6.6.6\r\n";
    trusted.ask(&get(1, "/", fields));
    let asked = trusted.origin.last();
    assert_eq!(asked.texts("x-forwarded-for"), ["20.0.0.1, 127.0.0.1"]);
    assert_eq!(asked.texts("x-forwarded-proto"), ["https"]);
    assert_eq!(asked.texts("x-forwarded-host"), ["www.example"]);
    assert!(asked.all("x_forwarded_for").is_empty());

    let untrusted = Stage::new(&Given { trusted: "10.0.0.0/8", ..Given::default() });
    let fields = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n";
    let request = String::from_utf8(get(1, "/", fields)).unwrap().replace("help.example", "help.example:8080");
    untrusted.ask(request.as_bytes());
    let asked = untrusted.origin.last();
    assert_eq!(asked.texts("host"), ["help.example:8080"]);
    assert_eq!(asked.texts("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(asked.texts("x-forwarded-proto"), ["http"]);
    assert_eq!(asked.texts("x-forwarded-host"), ["help.example:8080"], "the port belongs to the address asked for");
    assert!(asked.all("x-real-ip").is_empty() && asked.all("forwarded").is_empty());
}

// Bytes.

#[test]
fn eight_kilobytes_of_user_agent_are_a_visitor_like_any_other() {
    let stage = Stage::new(&Given::default());
    let long = format!(
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 {}",
        "x".repeat(8 << 10)
    );
    let request = format!(
        "GET / HTTP/1.1\r\nHost: help.example\r\nX-Forwarded-For: 20.0.0.1\r\nUser-Agent: {long}\r\nAccept: text/html\r\nAccept-Language: en\r\n\r\n"
    );
    assert_eq!(stage.ask(request.as_bytes()).status, 200);
    assert_eq!(stage.origin.last().texts("user-agent"), [long]);
    let counted = stage.settled();
    assert_eq!(counted.guest + counted.bot, 1, "{counted:?}");
}

#[test]
fn bytes_that_are_no_text_pass_and_count() {
    let stage = Stage::new(&Given::default());
    let fields: [&[u8]; 4] = [
        b"Cookie: a=\xff\xfe; pm_visitor=\xc3\x28",
        b"Referer: http://help.example/\xff",
        b"Accept-Language: \xff",
        b"X-Any: \x80",
    ];
    for (number, field) in (1..).zip(fields) {
        let mut request = get(number, "/", "");
        request.truncate(request.len() - 2);
        request.extend_from_slice(field);
        request.extend_from_slice(b"\r\n\r\n");
        assert_eq!(stage.ask(&request).status, 200, "{}", String::from_utf8_lossy(field));
    }
    assert_eq!(stage.origin.last().all("x-any"), [b"\x80"]);
    let mut agent = b"GET / HTTP/1.1\r\nHost: help.example\r\nX-Forwarded-For: 20.0.0.9\r\nUser-Agent: Mozilla/5.0 (X11; \xff\xfe) Gecko/20100101 Firefox/140.0\r\n".to_vec();
    agent.extend_from_slice(b"Accept: text/html\r\nAccept-Language: en\r\n\r\n");
    assert_eq!(stage.ask(&agent).status, 200);
    let counted = stage.settled();
    assert_eq!((counted.guest + counted.bot, counted.guest >= 4), (5, true), "{counted:?}");
}

#[test]
fn bytes_that_are_no_text_in_path_and_query_pass_or_are_refused_and_nothing_breaks() {
    let stage = Stage::new(&Given::default());
    let mut passed = 0;
    for (number, target) in
        (1..).zip([&b"/\xff\xfe"[..], b"/?q=\xff", b"/\xe4\xb8\xad", b"/%ff%00?%", b"//?//", b"/../../x"])
    {
        let mut request = b"GET ".to_vec();
        request.extend_from_slice(target);
        request.extend_from_slice(&get(number, "", "")["GET ".len()..]);
        let status = stage.ask(&request).status;
        println!("{}: {status}", String::from_utf8_lossy(target));
        assert!(matches!(status, 200 | 400), "{status}");
        passed += i64::from(status == 200);
    }
    assert_eq!(stage.settled(), Counted::guests(passed));
    assert_eq!(stage.running.metric("panics_total"), 0);
}

#[test]
fn garbage_for_a_request_is_refused_and_counts_nothing() {
    let stage = Stage::new(&Given::default());
    let huge = format!("GET / HTTP/1.1\r\nHost: help.example\r\nX-Big: {}\r\n\r\n", "x".repeat(2 << 20));
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and what else a browser says that takes us for https";
    for garbage in [&hello[..], b"nonsense\r\n\r\n", b"\n", huge.as_bytes()] {
        let mut wire = Wire::to(stage.proxy()).unwrap();
        wire.patient_for(Duration::from_secs(5));
        let _ = wire.send(garbage);
        let answer = wire.answer();
        println!("{} bytes: {:?}", garbage.len(), answer.as_ref().map(|answer| answer.status));
        match answer {
            Ok(answer) => assert!((400..500).contains(&answer.status), "{}", answer.head),
            // The connection is closed, and not left to hang.
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    assert_eq!(stage.ask(&get(1, "/", "")).status, 200);
    assert_eq!(stage.settled(), Counted::guests(1));
}

#[test]
fn a_host_nobody_has_is_misdirected() {
    let stage = Stage::new(&Given { hosts: "help.example", ..Given::default() });
    let asked = |host: &str| {
        let request = String::from_utf8(get(1, "/", "")).unwrap().replace("Host: help.example\r\n", host);
        stage.ask(request.as_bytes()).status
    };
    assert_eq!(asked("Host: other.example\r\n"), 421);
    assert_eq!([asked("Host: \r\n"), asked("")], [400, 400], "a Host that names nobody is no Host");
    assert_eq!(stage.settled(), Counted::default());
    assert_eq!(asked("Host: HELP.example.:80\r\n"), 200);
    assert_eq!(stage.settled(), Counted::guests(1));
}

// The portal.

#[test]
fn a_portal_that_is_down_counts_nothing() {
    let mut stage = Stage::new(&Given::default());
    stage.point_nowhere();
    assert_eq!(stage.ask(&get(1, "/", "")).status, 502);
    assert_eq!(stage.settled(), Counted::default());
}

#[test]
fn a_portal_that_is_slow_is_counted_when_it_answers() {
    let slow = Origin::new(|_, stream| {
        std::thread::sleep(Duration::from_millis(700));
        page(stream, "")
    });
    let stage = Stage::before(slow, &Given::default());
    let begun = Instant::now();
    assert_eq!(stage.ask(&get(1, "/", "")).status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(700));
    assert_eq!(stage.settled(), Counted::guests(1));
}

#[test]
fn a_page_that_is_cut_was_seen_and_the_visitor_sees_the_cut() {
    let cuts = Origin::new(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\nhalf a pa")?;
        Ok(false)
    });
    let stage = Stage::before(cuts, &Given::default());
    let mut wire = Wire::to(stage.proxy()).unwrap();
    wire.send(&get(1, "/", "")).unwrap();
    let head = wire.head().unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(wire.rest(head).is_err(), "the connection ends before the body does");
    assert_eq!(stage.settled(), Counted::guests(1));
    assert_eq!(stage.origin.asked().len(), 1, "asked once");
}

#[test]
fn a_portal_that_answers_garbage_counts_nothing() {
    let garbage = Origin::new(|_, stream| {
        stream.write_all(b"\x00\x01 this is no HTTP\r\n\r\n")?;
        Ok(false)
    });
    let stage = Stage::before(garbage, &Given::default());
    assert_eq!(stage.ask(&get(1, "/", "")).status, 502);
    let silent = Stage::before(Origin::new(|_, _| Ok(false)), &Given::default());
    assert_eq!(silent.ask(&get(1, "/", "")).status, 502);
    assert_eq!((stage.settled(), silent.settled()), (Counted::default(), Counted::default()));
}

// Starting and ending.

fn ends_in_good_order(signal: &str) {
    let slow = Origin::new(|asked, stream| {
        if asked.path() == "/slow" {
            std::thread::sleep(Duration::from_millis(800));
        }
        page(stream, "")
    });
    let stage = Stage::before(slow, &Given::default());
    let mut idle = Wire::to(stage.proxy()).unwrap();
    assert_eq!(idle.ask(&get(2, "/", "")).unwrap().status, 200);
    let mut wire = Wire::to(stage.proxy()).unwrap();
    wire.send(&get(1, "/slow", "")).unwrap();
    until("the portal is asked", || stage.origin.asked().len() == 2);
    stage.running.signal(signal);
    let (status, took) = std::thread::scope(|scope| {
        let answer = scope.spawn(move || wire.answer().unwrap());
        let Stage { running, setup, .. } = stage;
        let ended = running.end();
        assert_eq!(answer.join().unwrap().status, 200);
        assert_eq!(setup.counted(), Counted::guests(2));
        ended
    });
    assert_eq!(status.code(), Some(0));
    println!("{signal}: ended after {took:?}");
    // `drain` is 5 s; an idle connection does not use it up.
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn at_sigterm_a_request_in_flight_is_answered_and_counted() {
    ends_in_good_order("-TERM");
}

#[test]
fn at_sigint_a_request_in_flight_is_answered_and_counted() {
    ends_in_good_order("-INT");
}

#[test]
fn a_request_that_outlasts_drain_is_cut() {
    let never = Origin::new(|_, _| {
        std::thread::sleep(Duration::from_mins(1));
        Ok(false)
    });
    let stage = Stage::before(never, &Given { drain: "1s", ..Given::default() });
    let mut wire = Wire::to(stage.proxy()).unwrap();
    wire.send(&get(1, "/", "")).unwrap();
    until("the portal is asked", || !stage.origin.asked().is_empty());
    stage.running.signal("-TERM");
    let (status, took) = stage.running.end();
    assert_eq!(status.code(), Some(0));
    assert!((Duration::from_millis(900)..Duration::from_secs(3)).contains(&took), "{took:?}");
    assert_eq!(stage.setup.counted(), Counted::default());
}

#[test]
fn a_second_one_on_the_same_data_is_refused() {
    let stage = Stage::new(&Given::default());
    let second = stage.sibling();
    let (code, said) = second.run_to_the_end();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("portalmeter cannot run: data_dir") && said.contains("is in use by another portalmeter"),
        "{said}"
    );
    assert_eq!(stage.ask(&get(1, "/", "")).status, 200);
    assert_eq!(stage.settled(), Counted::guests(1));
}

#[test]
fn one_that_is_on_its_way_out_is_waited_for() {
    let stage = Stage::new(&Given::default());
    let second = stage.sibling().spawn();
    until("it found the lock held", || second.has_open("data/lock"));
    stage.running.kill();
    until("it is ready", || second.is_ready());
}

#[test]
fn a_port_in_use_is_named() {
    let stage = Stage::new(&Given::default());
    for occupied in [stage.setup.proxy, stage.setup.admin] {
        let (code, said) = stage.stranger_on(occupied).run_to_the_end();
        assert_eq!(code, Some(1));
        assert!(said.contains(&format!("portalmeter cannot run: cannot listen on {occupied}")), "{said}");
    }
}

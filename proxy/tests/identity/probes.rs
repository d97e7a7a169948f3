//! `probe`: the portal is asked who holds the cookies.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::peer::ask_by_http2;
use super::portal::{self, Held, Reading};
use super::table::{BROWSER, TRUSTED, holds, records, row, send};
use crate::faults::meter::{Counted, until};
use crate::faults::origin::Asked;
use crate::faults::stage::{Given, Stage};

const PROBE: &str = "roles.external = [\"customer\"]\nroles.internal = [\"staff\"]\n\
    pages = { login = [\"/login*\"], logout = [\"/logout*\"], pages = [\"/view/*\"], background = [\"/poll*\"] }\n\
    [[portal.identity]]\nkind = \"probe\"\nurl = \"/api/me\"\ncookies = [\"sessionid\"]\n\
    external = { status = 200 }\nclaims = { user = \"/id\", roles = \"/roles\", account = \"/company\" }\n";

fn stage(reading: Reading) -> Stage {
    Stage::before(portal::knowing(reading), &Given { portal: PROBE, trusted: TRUSTED, ..Given::default() })
}

#[test]
fn a_probe_says_what_the_portal_says() {
    let stage = stage(portal::first);
    holds(
        &stage,
        &[
            // Honest.
            row("a customer", "Cookie: sessionid=ann-1", "external ann"),
            row("a colleague", "Cookie: sessionid=bob-1", "internal bob"),
            row("nobody's cookie", "Cookie: sessionid=expired", "guest"),
            row("no cookie", "", "guest"),
            row("an empty cookie", "Cookie: sessionid=", "guest"),
            row("a cookie in quotes", "Cookie: sessionid=\"ann-1\"", "external ann"),
            row("a number for a user", "Cookie: sessionid=number", "external 7"),
            row("an answer with no user", "Cookie: sessionid=null", "guest"),
            row("an answer that leads to a login", "Cookie: sessionid=login", "guest"),
            // No clear answer.
            row("the address has moved", "Cookie: sessionid=moved", "unknown"),
            row("the portal fails", "Cookie: sessionid=broken", "unknown"),
            row("the portal has enough", "Cookie: sessionid=busy", "unknown"),
            row("there is no such page", "Cookie: sessionid=away", "unknown"),
            row("the portal hangs up", "Cookie: sessionid=closed", "unknown"),
            row("an answer that ends early", "Cookie: sessionid=cut", "unknown"),
            row("an answer that is no HTTP", "Cookie: sessionid=garbage", "unknown"),
            row("an answer that is no JSON", "Cookie: sessionid=html", "unknown"),
            row("an answer without the user", "Cookie: sessionid=odd", "unknown"),
            row("an answer without end", "Cookie: sessionid=huge", "unknown"),
            row("an answer for everybody", "Cookie: sessionid=public", "unknown"),
            row("an answer out of a cache", "Cookie: sessionid=aged", "unknown"),
        ],
    );
}

#[test]
fn what_a_client_sends_beside_its_cookie_changes_no_answer() {
    let stage = stage(portal::first);
    holds(
        &stage,
        &[
            row("the answer, sent by the client", "Cookie: sessionid=x | X-User: bob | X-Roles: staff", "guest"),
            row("a probe, by name", "Cookie: sessionid=x | User-Agent2: portalmeter-probe", "guest"),
            row(
                "the probe's address, asked by the client",
                "Cookie: sessionid=bob-2 | Accept: text/html",
                "internal bob",
            )
            .at("/home"),
            row("another method in a field", "Cookie: sessionid=x | X-HTTP-Method-Override: POST", "guest"),
            row("an authorization beside it", "Cookie: sessionid=x | Authorization: Bearer bob", "guest"),
            row("another host's session", "Cookie: sessionid=x | X-Forwarded-Host: bob.example", "guest"),
            row("a stranger's customer", "Cookie: sessionid=ann-1", "external ann").by_a_stranger(),
            row("a stranger's forwarding", "Cookie: sessionid=x | X-Forwarded-For: 10.0.0.1", "guest").by_a_stranger(),
        ],
    );
    let probes: Vec<_> = stage.origin.asked().into_iter().filter(|asked| asked.path() == "/api/me").collect();
    for probe in &probes {
        let head = String::from_utf8_lossy(&probe.head).to_lowercase();
        for field in ["x-user", "x-roles", "authorization", "override", "user-agent2"] {
            assert!(!head.contains(field), "{field} was passed on with a probe: {head}");
        }
        assert_eq!(probe.texts("user-agent"), ["portalmeter-probe"]);
        assert_eq!(probe.texts("host"), ["help.example"]);
        assert_eq!(probe.texts("cookie").len(), 1);
    }
}

/// How often the portal was asked who a cookie is.
fn probes(stage: &Stage) -> usize {
    stage.origin.asked().iter().filter(|asked| asked.path() == "/api/me").count()
}

fn became(stage: &Stage, outcome: &str) -> i64 {
    stage.running.metric(&format!("probes_total{{portal=\"help\",outcome=\"{outcome}\"}}"))
}

#[test]
fn portal_and_meter_never_take_a_visitor_for_two_people() {
    let readings: [(&str, Reading); 5] = [
        ("the first cookie counts", portal::first),
        ("the last cookie counts", portal::last),
        ("names in any case and spelling", portal::sloppy),
        ("commas and blanks separate", portal::by_commas),
        ("quotes hold semicolons", portal::by_quotes),
    ];
    let cookies = [
        "sessionid=ann-1; sessionid=bob-1",
        "sessionid=bob-1; sessionid=ann-1",
        "sessionid=ann-1; SessionId=bob-1",
        "SessionId=ann-1; sessionid=bob-1",
        "sessionid=bob-1; sess%69onid=ann-1",
        "sessionid=bob-1; sessionid[0]=ann-1",
        "a=1, sessionid=ann-1; sessionid=bob-1",
        "a=1 sessionid=ann-1; sessionid=bob-1",
        "a=\"; sessionid=bob-1; b=\"; sessionid=ann-1",
        "a=\"\\\"; sessionid=bob-1; b=\"; sessionid=ann-1",
        "sessionid=\"bob-1; sessionid=ann-1\"",
        "$Version=1; sessionid=bob-1; $Path=/; sessionid=ann-1",
        "sessionid=; sessionid=bob-1",
        "sessionid=ann-1 | Cookie: sessionid=bob-1",
        "sessionid=bob-1; a=\"x\"; b=2",
        "sessionid=bob-1 | Connection: cookie",
        "sessionid=bob-1 | Connection: close, Cookie",
    ];
    for (reading, how) in readings {
        let stage = stage(how);
        for (number, cookie) in (10_u16..).zip(cookies) {
            let answer = send(&stage, number, &row("", format!("Cookie: {cookie}"), ""));
            let sees = answer.all("x-sees").first().map(|sees| (*sees).to_owned()).unwrap();
            until("its record is there", || records(&stage).len() >= usize::from(number) - 9);
            let is = records(&stage).pop().unwrap();
            let agree = match sees.as_str() {
                "nobody" => matches!(is.as_str(), "guest" | "unknown"),
                "bob" => matches!(is.as_str(), "internal bob" | "unknown"),
                _ => matches!(is.as_str(), "external ann" | "unknown"),
            };
            assert!(agree, "{reading}: with `{cookie}` the portal sees {sees}, the meter {is}");
        }
    }
}

#[test]
fn an_answer_holds_until_it_may_have_changed() {
    let stage = stage(portal::first);
    let page = |cookie: &str| row("", format!("Cookie: sessionid={cookie}"), "");
    let asked_by = |row| {
        let before = probes(&stage);
        assert_eq!(send(&stage, 10, &row).status, 200);
        probes(&stage) - before
    };
    assert_eq!(asked_by(page("ann-1")), 1);
    assert_eq!(asked_by(page("ann-1")), 0, "it is kept");
    assert_eq!(asked_by(page("ann-1").at("/other?x=1")), 0);
    assert_eq!(asked_by(page("ann-2")), 1, "another cookie");
    assert_eq!(asked_by(page("ann-1; b=2")), 0, "other cookies are none of its business");
    for (changes, what) in [
        (page("ann-1").by("POST").at("/comment"), "a form"),
        (page("ann-1").by("DELETE").at("/session"), "any other method"),
        (page("ann-1").at("/login?next=/"), "a sign-in address"),
        (page("ann-1").at("/logout"), "a sign-out address"),
    ] {
        assert_eq!(asked_by(changes), 0, "{what} is no page");
        // It is forgotten once more when the request has ended.
        until(what, || asked_by(page("ann-1")) == 1);
        until("it is kept again", || asked_by(page("ann-1")) == 0);
    }
    assert_eq!(asked_by(page("ann-1").at("/renew")), 0, "the answer is used for the page that renews the cookie");
    assert_eq!(asked_by(page("ann-1")), 1, "and forgotten with it");
    let elsewhere = || row("", "Cookie: sessionid=ann-1 | X-Forwarded-For: 20.0.7.7", "");
    assert_eq!(asked_by(elsewhere()), 1, "from another address the portal may say something else");
    assert_eq!(asked_by(elsewhere()), 0);
    assert_eq!(asked_by(row("", "Cookie: sessionid=ann-1 | X-Forwarded-Proto: https", "")), 1);
    // A sign-out is one, wherever the browser is.
    assert_eq!(asked_by(page("ann-1").by("POST").at("/logout")), 0);
    until("both are forgotten", || asked_by(elsewhere()) == 1);
    assert_eq!(asked_by(page("ann-1")), 1);
}

#[test]
fn a_session_goes_on_through_what_the_portal_says_of_its_browser() {
    let stage = stage(portal::first);
    let ours = send(&stage, 10, &row("", "", "")).our_cookie().unwrap();
    let as_who = |cookie: &str| row("", format!("Cookie: {ours}; sessionid={cookie}"), "");
    let recorded = |what: &str, all: &[&str]| {
        until(&format!("{what}: {:?}", records(&stage)), || records(&stage).len() >= all.len());
        stage.settled();
        assert_eq!(records(&stage), all, "{what}");
    };
    let page = |cookie: &str| assert_eq!(send(&stage, 10, &as_who(cookie)).status, 200);
    recorded("a guest", &["guest"]);
    send(&stage, 10, &as_who("ann-1").by("POST").at("/login"));
    page("ann-1");
    recorded("signs in", &["guest"]);
    for silent in ["broken", "aged", "odd", "ann-2; SESSIONID=bob-1", "public"] {
        page(silent);
    }
    page("ann-1");
    recorded("and stays so while the portal gives no clear answer", &["guest"]);
    send(&stage, 10, &as_who("ann-1").by("POST").at("/logout"));
    page("expired");
    recorded("signs out", &["guest"]);
    page("ann-3");
    recorded("signs in again", &["guest", "external ann"]);
    page("null");
    page("ann-3");
    recorded("the portal forgets who it is, and knows it again", &["guest", "external ann", "external ann"]);
    page("bob-1");
    recorded("a colleague sits down", &["guest", "external ann", "external ann", "internal bob"]);
}

#[test]
fn a_post_that_is_a_page_is_asked_about_when_it_is_answered() {
    let stage = stage(portal::first);
    let view = || row("a view", "Cookie: sessionid=ann-1", "external ann").by("POST").at("/view/1");
    holds(&stage, &[view(), row("a form", "Cookie: sessionid=bob-1", "internal bob").at("/view/2")]);
    let paths: Vec<String> = stage.origin.asked().iter().map(Asked::path).collect();
    assert_eq!(paths[..2], ["/view/1", "/api/me"], "first what may change something, then the question");
}

#[test]
fn nobody_is_asked_about_what_is_no_page_of_a_person() {
    let stage = stage(portal::first);
    let cookie = "Cookie: sessionid=ann-1";
    for quiet in [
        row("an image", cookie, "").at("/logo.png"),
        row("a call", format!("{cookie} | Sec-Fetch-Dest: empty"), ""),
        row("a call of old", format!("{cookie} | X-Requested-With: XMLHttpRequest"), ""),
        row("a prefetch", format!("{cookie} | Sec-Purpose: prefetch"), ""),
        row("polling", cookie, "").at("/poll"),
        row("a sign-in", cookie, "").at("/login"),
        row("a form", cookie, "").by("POST"),
        row("no cookie", "", ""),
        row("another cookie", "Cookie: session=1", ""),
        row("unclear cookies", "Cookie: sessionid=ann-1; SESSIONID=bob-1", ""),
    ] {
        assert_eq!(send(&stage, 10, &quiet).status, 200);
    }
    let crawler =
        "GET / HTTP/1.1\r\nHost: help.example\r\nUser-Agent: Googlebot/2.1\r\nCookie: sessionid=ann-1\r\n\r\n";
    assert_eq!(stage.ask(crawler.as_bytes()).status, 200);
    assert_eq!(probes(&stage), 0);
}

#[test]
fn one_question_serves_all_that_wait_and_is_no_page_itself() {
    let held = Held::default();
    held.store(true, Ordering::Relaxed);
    let origin = portal::holding(portal::first, Arc::clone(&held));
    let slow = format!("{PROBE}timeout = \"10s\"\n");
    let stage = Stage::before(origin, &Given { portal: &slow, trusted: TRUSTED, ..Given::default() });
    thread::scope(|scope| {
        let ask = || send(&stage, 10, &row("", "Cookie: sessionid=ann-1", "")).status;
        let asking: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        until("all but one share the question", || became(&stage, "shared") == 19);
        held.store(false, Ordering::Relaxed);
        assert!(asking.into_iter().all(|one| one.join().unwrap() == 200));
    });
    assert_eq!((probes(&stage), became(&stage, "asked"), became(&stage, "answered")), (1, 1, 1));
    until("the record is there", || !records(&stage).is_empty());
    assert_eq!(records(&stage), ["external ann"]);
    assert_eq!(stage.settled(), Counted { page_views: 20, ..Counted::externals(1) });
}

#[test]
fn a_page_waits_for_an_answer_no_longer_than_the_timeout() {
    let held = Held::default();
    held.store(true, Ordering::Relaxed);
    let origin = portal::holding(portal::first, Arc::clone(&held));
    let short = format!("{PROBE}timeout = \"500ms\"\n");
    let stage = Stage::before(origin, &Given { portal: &short, trusted: TRUSTED, ..Given::default() });
    let begun = Instant::now();
    holds(&stage, &[row("no answer", "Cookie: sessionid=bob-1", "unknown")]);
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    until("it has failed", || became(&stage, "failed") == 1);
    let begun = Instant::now();
    assert_eq!(send(&stage, 10, &row("again at once", "Cookie: sessionid=bob-1", "")).status, 200);
    assert_eq!((probes(&stage), became(&stage, "kept")), (1, 1), "a portal that gives no answer is left alone");
    let call = row("a call", "Cookie: sessionid=bob-2 | Sec-Fetch-Dest: empty", "");
    assert_eq!(send(&stage, 10, &call).status, 200, "what is no page waits for nothing");
    println!("two answers without waiting took {:?}", begun.elapsed());
    assert!(stage.running.is_ready());
    held.store(false, Ordering::Relaxed);
}

#[test]
fn a_flood_of_cookies_is_no_flood_of_questions() {
    let held = Held::default();
    held.store(true, Ordering::Relaxed);
    let origin = portal::holding(portal::first, Arc::clone(&held));
    let slow = format!("{PROBE}timeout = \"10s\"\n");
    let stage = Stage::before(origin, &Given { portal: &slow, trusted: TRUSTED, ..Given::default() });
    thread::scope(|scope| {
        for number in 0..80 {
            let stage = &stage;
            scope.spawn(move || send(stage, 10, &row("", format!("Cookie: sessionid=ann-{number}"), "")).status);
        }
        until("the last ones are refused", || became(&stage, "refused") == 16);
        assert_eq!(became(&stage, "asked"), 64);
        held.store(false, Ordering::Relaxed);
    });
    assert_eq!(became(&stage, "answered"), 64);
    assert_eq!(send(&stage, 10, &row("", "Cookie: sessionid=bob-1", "")).status, 200);
    assert_eq!(became(&stage, "asked"), 65, "there is room again");
}

#[test]
fn the_portal_is_asked_by_the_name_that_it_sees_itself() {
    let stage = stage(portal::first);
    let rest = format!("User-Agent: {BROWSER}\r\nAccept: text/html\r\nCookie: sessionid=ann-1\r\n\r\n");
    let ask =
        |line: &str, host: &str| stage.ask(format!("GET {line} HTTP/1.1\r\nHost: {host}\r\n{rest}").as_bytes()).status;
    assert_eq!(ask("/", "one.example:8080"), 200);
    assert_eq!(ask("http://two.example/", "two.example"), 400, "the host has one place");
    let fields = [("user-agent", BROWSER), ("accept", "text/html"), ("cookie", "sessionid=ann-1")];
    assert_eq!(ask_by_http2([127, 0, 0, 1], stage.proxy(), &fields).status(), 200);
    let with_host = [&fields[..], &[("host", "one.example")]].concat();
    assert_eq!(ask_by_http2([127, 0, 0, 1], stage.proxy(), &with_host).status(), 400);
    let hosts = |probes: bool| -> Vec<String> {
        let asked = stage.origin.asked().into_iter().filter(|asked| (asked.path() == "/api/me") == probes);
        let mut hosts: Vec<String> = asked.flat_map(|asked| asked.texts("host")).collect();
        hosts.sort();
        hosts
    };
    assert_eq!(hosts(true), ["help.example", "one.example:8080"]);
    assert_eq!(hosts(false), hosts(true));
}

//! Nothing changes for the portal, and nothing for the browser: every exchange is had straight with the
//! portal and through the proxy, and both ends must see the same.
//!
//! The exchanges are the tables in `fidelity/`; `table.rs` says how to read them, `compare.rs` what may differ.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "faults"]
mod faults {
    pub(crate) mod meter;
    pub(crate) mod wire;
}
mod fidelity {
    pub(crate) mod broken;
    pub(crate) mod bulk;
    pub(crate) mod case;
    pub(crate) mod compare;
    pub(crate) mod exchange;
    pub(crate) mod fickle;
    pub(crate) mod front;
    pub(crate) mod h2c;
    pub(crate) mod idle;
    pub(crate) mod listen;
    pub(crate) mod message;
    pub(crate) mod origin;
    mod over_h2;
    pub(crate) mod rows;
    pub(crate) mod stage;
    pub(crate) mod table;
}

use std::time::Instant;

use faults::meter::until;
use fidelity::fickle::Fickle;
use fidelity::h2c::Browser;
use fidelity::message::Connection;
use fidelity::stage::Stage;
use fidelity::{broken, bulk, front, idle, rows};

/// Mebibytes each way.
const BULK: u64 = 1024;
/// KiB by which the proxy's memory may grow meanwhile.
const GROWTH: u64 = 64 * 1024;

#[test]
fn the_portal_gets_the_request_line_it_would_get_without_us() {
    rows::run("targets.md", include_str!("fidelity/targets.md"), &Stage::new());
}

#[test]
fn fields_pass_to_the_byte_both_ways() {
    rows::run("fields.md", include_str!("fidelity/fields.md"), &Stage::new());
}

#[test]
fn answers_pass_as_the_portal_gave_them() {
    rows::run("answers.md", include_str!("fidelity/answers.md"), &Stage::new());
}

#[test]
fn bodies_pass_whole_and_torn_ones_stay_torn() {
    rows::run("bodies.md", include_str!("fidelity/bodies.md"), &Stage::new());
}

#[test]
fn a_broken_answer_is_a_502_and_nobody_elses() {
    broken::run("garbage.md", include_str!("fidelity/garbage.md"), &Stage::new());
}

#[test]
fn a_gibibyte_each_way_takes_no_memory() {
    let address = bulk::portal(BULK);
    let (_folder, running) = front::before(address, "");
    let ask = |request: String| {
        let mut connection = Connection::to(running.setup.proxy);
        connection.send(request.as_bytes()).unwrap();
        connection
    };
    let begun = Instant::now();
    let down = bulk::growth(&running, || {
        let mut connection = ask("GET /down HTTP/1.1\r\nHost: portal.test\r\n\r\n".to_owned());
        assert_eq!(connection.head().unwrap().unwrap().text("content-length"), Some(bulk::length(BULK).to_string()));
        let early = connection.ahead();
        bulk::receive(&mut std::io::Read::chain(early.as_slice(), &connection.stream), BULK).unwrap();
    });
    let took = begun.elapsed();
    println!("down in {took:?} with {down} KiB");
    let begun = Instant::now();
    let up = bulk::growth(&running, || {
        let length = bulk::length(BULK);
        let head = format!("POST /up HTTP/1.1\r\nHost: portal.test\r\nContent-Length: {length}\r\n\r\n");
        let mut connection = ask(head);
        bulk::send(&mut connection.stream, BULK).unwrap();
        let answer = connection.answer("POST").unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.body.bytes), "all of it");
    });
    println!("up in {:?} with {up} KiB", begun.elapsed());
    assert!(down < GROWTH && up < GROWTH, "{down} KiB down, {up} KiB up");
}

#[test]
fn a_stream_may_be_silent_for_two_minutes() {
    let portal = idle::Portal::start();
    let (_folder, running) = front::before(portal.address, "");
    let proxy = running.setup.proxy;
    let echoes = |socket: &mut Connection| {
        socket.send(idle::HELLO).is_ok() && socket.exactly(idle::HELLO.len()).is_ok_and(|said| said == idle::HELLO)
    };
    let greets = |socket: &mut Connection| socket.exactly(idle::HELLO.len()).is_ok_and(|said| said == idle::HELLO);
    let (mut echo, handshake) = idle::working(proxy, "/echo", echoes);
    let (_, direct) = idle::working(portal.address, "/echo", echoes);
    assert_eq!(handshake.head.line, direct.head.line);
    for name in ["upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol"] {
        assert_eq!(handshake.head.all(name), direct.head.all(name), "{name} of the handshake");
    }
    let mut exchange = |said: &[u8]| {
        echo.send(said).unwrap();
        assert_eq!(echo.exactly(said.len()).unwrap(), said);
    };
    let (mut speaks, _) = idle::working(proxy, "/speaks", greets);
    let mut streams = ["/events", "/until-closed"].map(|path| idle::events(proxy, path));
    for stream in &mut streams {
        idle::hears(stream, b"data: one\n\n");
    }
    let browser = Browser::to(proxy);
    let mut stream = browser.open(http::Request::get("http://portal.test/events").body(()).unwrap());
    stream.hears(b"data: one\n\n");
    exchange(idle::AGAIN);
    std::thread::sleep(idle::SILENCE);
    exchange(idle::HELLO);
    portal.speak();
    assert_eq!(speaks.exactly(idle::AGAIN.len()).unwrap(), idle::AGAIN);
    for stream in &mut streams {
        idle::hears(stream, b"data: two\n\n");
    }
    stream.hears(b"data: two\n\n");
}

#[test]
fn a_get_is_asked_again_when_a_kept_connection_is_gone_and_a_post_is_not() {
    let portal = Fickle::start();
    let (_folder, running) = front::before(portal.address, "");
    let ask = |method: &str, target: &str| {
        let mut connection = Connection::to(running.setup.proxy);
        let request = format!("{method} {target} HTTP/1.1\r\nHost: portal.test\r\nContent-Length: 0\r\n\r\n");
        connection.send(request.as_bytes()).unwrap();
        connection.answer(method).unwrap().unwrap().head.status()
    };
    // A connection is kept a moment after its answer: the next request may come too early for it.
    let mut number = 0;
    until("a GET meets a connection that is gone", || {
        number += 1;
        let target = format!("/get-{number}");
        assert_eq!(ask("GET", &target), 200, "{:?}", portal.asked(&target));
        portal.asked(&target).iter().any(|asked| asked.dropped)
    });
    until("a POST meets a connection that is gone", || {
        number += 1;
        let target = format!("/post-{number}");
        let status = ask("POST", &target);
        let asked = portal.asked(&target);
        assert_eq!(asked.len(), 1, "a POST is sent once: {asked:?}");
        assert_eq!(status, if asked[0].dropped { 502 } else { 200 });
        // What is kept for the next one.
        ask("GET", "/");
        asked[0].dropped
    });
}

#[test]
fn a_portal_that_is_down_is_a_502_until_it_is_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    // Until it listens, whoever connects is refused, and nobody else gets its port.
    let portal = tokio::net::TcpSocket::new_v4().unwrap();
    portal.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (_folder, running) = front::before(portal.local_addr().unwrap(), "");
    let ask = |request: &str| {
        let mut connection = Connection::to(running.setup.proxy);
        connection.send(request.as_bytes()).unwrap();
        connection.answer("GET").unwrap().unwrap().head.status()
    };
    assert_eq!(ask("GET / HTTP/1.1\r\nHost: portal.test\r\n\r\n"), 502);
    assert_eq!(ask("POST / HTTP/1.1\r\nHost: portal.test\r\nContent-Length: 5\r\n\r\nhello"), 502);
    let listener = runtime.block_on(async { portal.listen(8).unwrap().into_std().unwrap() });
    listener.set_nonblocking(false).unwrap();
    std::thread::spawn(move || {
        let mut from = Connection::of(listener.accept().unwrap().0);
        from.head().unwrap();
        from.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        from.head()
    });
    assert_eq!(ask("GET / HTTP/1.1\r\nHost: portal.test\r\n\r\n"), 200);
}

#[test]
fn many_requests_on_one_connection_get_their_own_answers() {
    let stage = Stage::new();
    let mut connection = Connection::to(stage.proxy);
    for number in 0..200 {
        let request = format!("GET /{number} HTTP/1.1\r\nHost: portal.test\r\nX-Case: n-{number}\r\n\r\n");
        connection.send(request.as_bytes()).unwrap();
        let answer = connection.answer("GET").unwrap().unwrap();
        assert_eq!(answer.body.bytes, format!("n-{number}").as_bytes());
    }
}

//! The door on the wire: what comes in, how large, how slow, and in which order.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod faults {
    pub(crate) mod meter;
    pub(crate) mod origin;
    pub(crate) mod stage;
    pub(crate) mod wire;
}

use std::io::{self, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use faults::meter::{Counted, until};
use faults::origin::{Origin, page};
use faults::stage::{Given, Stage, get};
use faults::wire::{Answer, Wire};

fn quick() -> Given<'static> {
    Given {
        server: "limits = { uri = \"1KiB\", headers = \"4KiB\", header_count = 20, body = \"1KiB\" }\n\
                     timeouts = { head = \"500ms\", idle = \"700ms\" }",
        ..Given::default()
    }
}

fn wire(stage: &Stage) -> Wire {
    Wire::to(stage.proxy()).unwrap()
}

/// What is answered before the connection is closed.
fn last(wire: &mut Wire) -> Answer {
    let answer = wire.answer().unwrap();
    assert!(wire.head().is_err(), "and then it is closed");
    answer
}

#[test]
fn a_head_has_its_time_however_its_bytes_come() {
    let stage = Stage::new(&quick());
    let mut slow = wire(&stage);
    let begun = Instant::now();
    let request = get(1, "/", "");
    let mut sent = 0;
    while begun.elapsed() < Duration::from_secs(20) && slow.send(&request[sent..=sent]).is_ok() {
        sent += 1;
        std::thread::sleep(Duration::from_millis(40));
        if begun.elapsed() > Duration::from_millis(600) {
            break;
        }
    }
    assert!(sent < request.len() - 1, "the head never ended");
    assert_eq!(last(&mut slow).status, 408);
    assert_eq!(stage.settled(), Counted::default());
}

#[test]
fn who_says_nothing_is_closed() {
    let stage = Stage::new(&quick());
    let mut silent = wire(&stage);
    assert_eq!(silent.head().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    let mut kept = wire(&stage);
    assert_eq!(kept.ask(&get(1, "/", "")).unwrap().status, 200);
    assert_eq!(kept.head().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_request_shorter_than_a_preface_is_answered() {
    let stage = Stage::new(&quick());
    let mut wire = wire(&stage);
    wire.patient_for(Duration::from_secs(10));
    assert_eq!(wire.ask(b"GET / HTTP/1.0\r\n\r\n").unwrap().status, 200);
}

#[test]
fn what_is_too_large_is_told_which_part() {
    let stage = Stage::new(&quick());
    let long = "a".repeat(1100);
    let fields = "X-Field: value\r\n".repeat(30);
    let body = "Content-Length: 2000\r\n";
    for (path, fields, status) in [
        (format!("/{long}").as_str(), "", 414),
        ("/", format!("X-Large: {}\r\n", long.repeat(4)).as_str(), 431),
        ("/", fields.as_str(), 431),
        ("/", body, 413),
    ] {
        assert_eq!(
            last(&mut {
                let mut wire = wire(&stage);
                wire.send(&get(1, path, fields)).unwrap();
                wire
            })
            .status,
            status
        );
    }
    assert!(stage.origin.asked().is_empty(), "nothing of it reached the portal");
    assert_eq!(stage.settled(), Counted::default());
    assert_eq!(stage.running.metric("refused_total"), 4);
}

#[test]
fn a_body_in_chunks_is_bounded_too() {
    let stage = Stage::new(&quick());
    let mut wire = wire(&stage);
    wire.send(&get(1, "/", "Transfer-Encoding: chunked\r\n")).unwrap();
    // Who goes on sending, far more than fits between the two, can read the answer all the same.
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    for _ in 0..400 {
        wire.send(chunk.as_bytes()).unwrap();
    }
    assert_eq!(last(&mut wire).status, 413);
    let mut declared = self::wire(&stage);
    declared.send(&get(1, "/", "Content-Length: 26214400\r\n")).unwrap();
    for _ in 0..400 {
        declared.send(&vec![b'a'; 0x10000]).unwrap();
    }
    assert_eq!(last(&mut declared).status, 413);
    assert_eq!(stage.settled(), Counted::default());
}

#[test]
fn requests_sent_at_once_are_answered_in_order_and_each_is_counted() {
    let slow_first = Origin::new(|asked, stream| {
        if asked.path() == "/1" {
            std::thread::sleep(Duration::from_millis(200));
        }
        page(stream, &format!("X-Path: {}\r\n", asked.path()))
    });
    let stage = Stage::before(slow_first, &Given::default());
    let mut wire = wire(&stage);
    let body = "Content-Length: 4\r\n";
    let mut all = get(1, "/1", "");
    all.extend(String::from_utf8(get(1, "/2", body)).unwrap().replace("GET", "POST").into_bytes());
    all.extend_from_slice(b"body");
    all.extend(
        String::from_utf8(get(1, "/3", "Transfer-Encoding: chunked\r\n")).unwrap().replace("GET", "POST").into_bytes(),
    );
    all.extend_from_slice(b"4\r\nbody\r\n0\r\n\r\n");
    all.extend(get(1, "/4", ""));
    wire.send(&all).unwrap();
    for path in ["/1", "/2", "/3", "/4"] {
        assert_eq!(wire.answer().unwrap().all("x-path"), [path]);
    }
    assert_eq!(stage.settled().page_views, 2);
}

#[test]
fn who_sends_the_next_request_later_while_the_first_is_answered_loses_neither() {
    let slow = Origin::new(|asked, stream| {
        std::thread::sleep(Duration::from_millis(300));
        page(stream, &format!("X-Path: {}\r\n", asked.path()))
    });
    let stage = Stage::before(slow, &Given::default());
    let mut wire = wire(&stage);
    wire.send(&get(1, "/1", "")).unwrap();
    until("the portal has it", || !stage.origin.asked().is_empty());
    wire.send(&get(1, "/2", "")).unwrap();
    assert_eq!([wire.answer().unwrap().status, wire.answer().unwrap().status], [200, 200]);
}

#[test]
fn who_ends_its_sending_is_answered() {
    let stage = Stage::new(&Given::default());
    let mut wire = wire(&stage);
    wire.send(&get(1, "/", "")).unwrap();
    wire.end().unwrap();
    assert_eq!(wire.answer().unwrap().status, 200);
    assert_eq!(stage.settled(), Counted::guests(1));
}

#[test]
fn who_knows_no_1xx_gets_none() {
    let hints = Origin::new(|_, stream| {
        stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")?;
        page(stream, "")
    });
    let stage = Stage::before(hints, &Given::default());
    let old = String::from_utf8(get(1, "/", "")).unwrap().replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(stage.ask(old.as_bytes()).status, 200);
    let mut wire = wire(&stage);
    wire.send(&get(2, "/", "")).unwrap();
    assert!(wire.head().unwrap().starts_with("HTTP/1.1 103"));
    assert_eq!(wire.answer().unwrap().status, 200);
}

#[test]
fn a_head_that_cannot_be_read_is_not_in_the_log() {
    let broken = Origin::new(|_, stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nSet-Cookie: SESSION=topsecret\r\nX Bad: y\r\nContent-Length: 0\r\n\r\n")?;
        Ok(false)
    });
    let stage = Stage::before(broken, &Given::default());
    assert_eq!(stage.ask(&get(1, "/", "")).status, 502);
    let log = stage.setup.log();
    assert!(log.contains("a head cannot be read") && !log.contains("topsecret"), "{log}");
}

#[test]
fn a_refused_request_takes_nothing_after_it_along() {
    let stage = Stage::new(&Given::default());
    let mut wire = wire(&stage);
    let mut both = get(1, "/", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n");
    both.extend(get(1, "/smuggled", ""));
    wire.send(&both).unwrap();
    assert_eq!(last(&mut wire).status, 400);
    assert!(stage.origin.asked().is_empty());
}

#[test]
fn one_upstream_that_is_down_is_not_noticed() {
    let down = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let other = format!("http://{down}");
    let stage = Stage::new(&Given { also: &other, ..Given::default() });
    for number in 1..=6 {
        assert_eq!(stage.ask(&get(number, "/", "")).status, 200);
        let post = String::from_utf8(get(number, "/", "Content-Length: 0\r\n")).unwrap().replace("GET", "POST");
        assert_eq!(stage.ask(post.as_bytes()).status, 200, "nothing of it was sent to the one that is down");
    }
    assert_eq!(stage.settled(), Counted::guests(6));
}

//! An upstream that is a name: resolved before the first request, and again when its time to live is over.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod faults {
    pub(crate) mod meter;
    pub(crate) mod origin;
    pub(crate) mod stage;
    pub(crate) mod wire;
}

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use faults::meter::until;
use faults::origin::{Origin, page};
use faults::stage::{Given, Stage, get};

/// A DNS server that knows one name, at an address that a test may change, for one second each time. Of names that
/// begin with `mute` it says nothing.
struct Dns {
    address: SocketAddr,
    host: Arc<AtomicU8>,
    asked: Arc<AtomicU32>,
}

impl Dns {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (host, asked) = (Arc::new(AtomicU8::new(0)), Arc::new(AtomicU32::new(0)));
        let (answered, counted) = (Arc::clone(&host), Arc::clone(&asked));
        std::thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((length, client)) = socket.recv_from(&mut query) {
                if query[12..].starts_with(b"\x04mute") {
                    continue;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = answer(&query[..length], answered.load(Ordering::SeqCst));
                let _ = socket.send_to(&answer, client);
            }
        });
        Self { address, host, asked }
    }
}

/// The answer to a query for an address: `127.0.0.host`, or that there is no such name.
fn answer(query: &[u8], host: u8) -> Vec<u8> {
    // Behind the header of 12 bytes stands the name, ending in a zero, then type and class.
    let question_end = 12 + query[12..].iter().position(|&byte| byte == 0).unwrap() + 5;
    let address_asked = query[question_end - 4..question_end - 2] == [0, 1];
    let found = u8::from(address_asked && host != 0);
    let mut answer = vec![query[0], query[1], 0x81, if host == 0 { 0x83 } else { 0x80 }, 0, 1, 0, found, 0, 0, 0, 0];
    answer.extend_from_slice(&query[12..question_end]);
    if found == 1 {
        answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, host]);
    }
    answer
}

/// A portal on an address of the loopback's net that says which one it is.
fn portal(host: u8, port: u16) -> Option<(Origin, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, host), port)).ok()?;
    let port = listener.local_addr().ok()?.port();
    Some((Origin::on(listener, move |_, stream| page(stream, &format!("X-Host: {host}\r\n"))), port))
}

#[test]
fn a_portal_that_moves_is_followed_within_its_time_to_live() {
    let (first, second, port) = (0..50)
        .find_map(|_| {
            let (first, port) = portal(2, 0)?;
            Some((first, portal(3, port)?.0, port))
        })
        .unwrap();
    let dns = Dns::new();
    dns.host.store(2, Ordering::SeqCst);
    let server = format!("resolver = [\"{}\"]", dns.address);
    let named = format!("portal.test:{port}");
    let stage = Stage::before(first, &Given { server: &server, upstream: &named, ..Given::default() });
    let host = || stage.ask(&get(1, "/", "")).all("x-host").first().map(|&host| host.to_owned());
    assert_eq!(host().as_deref(), Some("2"), "resolved before the first request");
    dns.host.store(3, Ordering::SeqCst);
    until("the new address is used", || host().as_deref() == Some("3"));
    // A DNS that knows nothing any more, for as long as it takes to be asked twice, moves nobody.
    dns.host.store(0, Ordering::SeqCst);
    let asked = dns.asked.load(Ordering::SeqCst);
    until("it was asked again", || dns.asked.load(Ordering::SeqCst) >= asked + 2);
    assert_eq!(host().as_deref(), Some("3"));
    drop(second);
}

#[test]
fn a_name_that_nobody_knows_is_502_and_the_meter_stays_up() {
    let dns = Dns::new();
    let server = format!("resolver = [\"{}\"]", dns.address);
    let stage = Stage::new(&Given { server: &server, upstream: "portal.test:80", ..Given::default() });
    assert_eq!(stage.ask(&get(1, "/", "")).status, 502);
}

#[test]
fn a_name_that_no_server_says_anything_about_keeps_no_other_from_being_known() {
    let (origin, port) = portal(2, 0).unwrap();
    let dns = Dns::new();
    dns.host.store(2, Ordering::SeqCst);
    let server = format!("resolver = [\"{}\"]", dns.address);
    let both = format!("mute.test:{port}\", \"http://portal.test:{port}");
    let stage = Stage::before(origin, &Given { server: &server, upstream: &both, ..Given::default() });
    assert_eq!(stage.ask(&get(1, "/", "")).status, 200);
    let asked = dns.asked.load(Ordering::SeqCst);
    // Within the time that the server's silence is waited for.
    let begun = std::time::Instant::now();
    until("it was asked again", || dns.asked.load(Ordering::SeqCst) >= asked + 2);
    assert!(begun.elapsed() < std::time::Duration::from_secs(4), "{:?}", begun.elapsed());
}

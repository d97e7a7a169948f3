//! Nobody fools the meter: what a lenient portal reads is exactly what was metered, or nothing.
//!
//! The attacks are the tables in `smuggling/`. Each is made once for every leniency of the portal, and is
//! followed by an honest request of somebody else, which must get its own answer.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "faults"]
mod faults {
    pub(crate) mod meter;
    pub(crate) mod wire;
}
#[path = "fidelity"]
mod fidelity {
    pub(crate) mod front;
    pub(crate) mod listen;
    pub(crate) mod message;
    pub(crate) mod table;
}
mod smuggling {
    pub(crate) mod attack;
    pub(crate) mod frames;
    pub(crate) mod lenient;
    pub(crate) mod streams;
    pub(crate) mod trial;
}

use fidelity::front;
use fidelity::message::Connection;
use fidelity::table::{rows, shown};
use smuggling::attack::Attack;
use smuggling::lenient::{self, Lenient};
use smuggling::streams;
use smuggling::trial::Trial;

#[test]
fn framing() {
    attacks("framing.md", include_str!("smuggling/framing.md"));
}

#[test]
fn chunks() {
    attacks("chunks.md", include_str!("smuggling/chunks.md"));
}

#[test]
fn hosts_and_targets() {
    attacks("hosts.md", include_str!("smuggling/hosts.md"));
}

#[test]
fn lines() {
    attacks("lines.md", include_str!("smuggling/lines.md"));
}

#[test]
fn connections() {
    attacks("connections.md", include_str!("smuggling/connections.md"));
}

#[test]
fn streams_of_http2() {
    let trial = trial();
    let (mut told, mut honest) = (Vec::new(), 0);
    for stream in streams::all() {
        for leniency in lenient::ALL {
            trial.portal.be(leniency);
            honest += 1;
            let page = format!("/honest-{honest}");
            let wrong =
                if stream.late { trial.of_late_stream(&stream, &page) } else { trial.of_stream(&stream, &page) };
            told.extend(wrong.iter().map(|wrong| format!("\n{} (portal: {leniency:?})\n  {wrong}", stream.title)));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    trial.has_counted(honest);
}

#[test]
fn a_body_over_its_limit_is_refused_and_never_whole() {
    let portal = Lenient::start();
    let (_folder, running) = front::before(portal.address, "[server.limits]\nbody = \"1KiB\"");
    let ask = |framing: &str, body: &[u8]| {
        let mut connection = Connection::to(running.setup.proxy);
        let head = format!("POST /a HTTP/1.1\r\nHost: portal.test\r\n{framing}\r\n\r\n");
        // The proxy may refuse before it has read all.
        let _ = connection.send(&[head.as_bytes(), body].concat());
        let status = connection.answer("POST").unwrap().map(|answer| answer.head.status());
        (status, portal.take().len())
    };
    let (small, large) = (vec![b'a'; 1024], vec![b'a'; 1025]);
    let chunk = |body: &[u8]| [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(ask("Content-Length: 1024", &small), (Some(200), 1));
    assert_eq!(ask("Content-Length: 1025", &large), (Some(413), 0));
    assert_eq!(ask("Transfer-Encoding: chunked", &chunk(&small)), (Some(200), 1));
    assert_eq!(ask("Transfer-Encoding: chunked", &chunk(&large)), (Some(413), 0));
    // Who asks first is told before it sends.
    assert_eq!(ask("Expect: 100-continue\r\nContent-Length: 1025", b""), (Some(413), 0));
}

/// Makes every attack of a table; panics with all that came out wrong.
fn attacks(file: &str, text: &str) {
    let trial = trial();
    let (mut told, mut honest) = (Vec::new(), 0);
    for row in rows(file, text) {
        let attack = Attack::of(&row);
        for leniency in lenient::ALL {
            trial.portal.be(leniency);
            honest += 1;
            let wrong = trial.of(&attack, &format!("/honest-{honest}"));
            let sent = shown(&attack.bytes);
            told.extend(wrong.iter().map(|wrong| {
                format!("\n{}: {} (portal: {leniency:?})\n  sent {sent}\n  {wrong}", attack.place, attack.title)
            }));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    trial.has_counted(honest);
}

fn trial() -> Trial {
    let portal = Lenient::start();
    let (folder, running) = front::before(portal.address, "");
    Trial { portal, running, _folder: folder }
}

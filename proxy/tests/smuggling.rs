//! Nobody fools the meter: what a lenient portal reads is exactly what was metered, or nothing.
//!
//! The attacks are the tables in `smuggling/`. Each is made once for every leniency of the portal, and is
//! followed by an honest request of somebody else, which must get its own answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "faults"]
mod faults {
    pub(crate) mod meter;
    pub(crate) mod wire;
}
#[path = "fidelity"]
mod fidelity {
    pub(crate) mod front;
    pub(crate) mod message;
    pub(crate) mod table;
}
mod smuggling {
    pub(crate) mod attack;
    pub(crate) mod lenient;
    pub(crate) mod trial;
}

use fidelity::front;
use fidelity::table::{rows, shown};
use smuggling::attack::Attack;
use smuggling::lenient::{self, Lenient};
use smuggling::trial::Trial;

/// What rows wait for because the proxy does not do it yet: what comes out of them is not looked at, only that
/// it was metered. Take a word away to switch its rows on.
const NOT_YET: [&str; 7] = [
    // `server.limits`: 414, 431 and 413.
    "limits",
    // A request shorter than the preface of HTTP/2 is answered at once.
    "peek",
    // A request that came together with another is answered too.
    "pipelining",
    // Behind the colon of Host is a port.
    "hosts",
    // A target is a path, an http or https URL, or the asterisk of OPTIONS.
    "targets",
    // `Transfer-Encoding` is `chunked`, once, and nothing else.
    "codings",
    // `Content-Length` is no larger than a signed number holds.
    "lengths",
];

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

/// Makes every attack of a table; panics with all that came out wrong.
fn attacks(file: &str, text: &str) {
    let portal = Lenient::start();
    let (_folder, running) = front::before(portal.address, "");
    let trial = Trial { portal, running };
    let (mut told, mut pages) = (Vec::new(), 0);
    for (number, row) in rows(file, text).iter().enumerate() {
        let attack = Attack::of(row);
        let as_yet = attack.waits_for.as_ref().is_some_and(|what| NOT_YET.contains(&what.as_str()));
        for leniency in lenient::ALL {
            trial.portal.be(leniency);
            let wrong = trial.of(&attack, &format!("/honest-{number}-{leniency:?}"), as_yet);
            pages += 1;
            let sent = shown(&attack.bytes);
            told.extend(wrong.iter().map(|wrong| {
                format!("\n{}: {} (portal: {leniency:?})\n  sent {sent}\n  {wrong}", attack.place, attack.title)
            }));
            if !wrong.is_empty() {
                break;
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    trial.has_counted(pages);
}

//! `probe`: the portal is asked who holds the cookies.

use std::sync::atomic::Ordering;
use std::thread;

use super::portal::{self, Held, Reading};
use super::table::{BROWSER, TRUSTED, holds, records, row};
use crate::faults::meter::until;
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
            row("an answer that leads to a login", "Cookie: sessionid=moved", "guest"),
            // No clear answer.
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
            row("the probe's address, asked by the client", "Cookie: sessionid=bob-2 | Accept: text/html", "internal bob")
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

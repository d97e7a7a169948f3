//! `network`, `response_header`, `header` and `cookie`, and what reaches the portal of all that is forged.

use super::peer::{ask_by_http2, ask_from};
use super::table::{BROWSER, Row, TRUSTED, holds, records, row};
use crate::faults::meter::until;
use crate::faults::origin::{Origin, page};
use crate::faults::stage::{Given, Stage};

const ROLES: &str = "roles.external = [\"customer\"]\nroles.internal = [\"staff\"]\n";

fn stage(identity: &str) -> Stage {
    let portal = format!("{ROLES}{identity}");
    Stage::new(&Given { portal: &portal, trusted: TRUSTED, ..Given::default() })
}

#[test]
fn a_network_is_the_client_address_and_nothing_that_is_said_of_it() {
    let stage = stage("[[portal.identity]]\nkind = \"network\"\ninternal = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n");
    let inside = "X-Forwarded-For: 192.0.2.7";
    holds(
        &stage,
        &[
            // From the proxy that is trusted.
            row("a colleague", inside, "internal"),
            row("a colleague by IPv6", "X-Forwarded-For: 2001:db8::7", "internal"),
            row("a colleague, mapped", "X-Forwarded-For: ::ffff:192.0.2.8", "internal"),
            row("a customer", "X-Forwarded-For: 198.51.100.7", "unknown"),
            row("a customer who says more", "X-Forwarded-For: 192.0.2.7, 198.51.100.8", "unknown"),
            row("the same in two fields", "X-Forwarded-For: 192.0.2.7 | X-Forwarded-For: 198.51.100.9", "unknown"),
            row("a customer behind himself", "X-Forwarded-For: 192.0.2.7, 198.51.100.10, 127.0.0.1", "unknown"),
            row("nonsense before the proxy", "X-Forwarded-For: 192.0.2.7, nonsense", "unknown"),
            row("another spelling", "X-Forwarded-For: 198.51.100.11 | X_Forwarded_For: 192.0.2.7", "unknown"),
            row(
                "other fields",
                "X-Forwarded-For: 198.51.100.12 | X-Real-IP: 192.0.2.7 | Forwarded: for=192.0.2.7 | Client-IP: 192.0.2.7 | \
                 True-Client-IP: 192.0.2.7 | CF-Connecting-IP: 192.0.2.7",
                "unknown",
            ),
            // From anybody else.
            row("a stranger", inside, "unknown").by_a_stranger(),
            row("a stranger behind a proxy", "X-Forwarded-For: 192.0.2.7, 127.0.0.1", "unknown").by_a_stranger(),
            row("a stranger by other fields", "X-Real-IP: 192.0.2.7 | Forwarded: for=192.0.2.7", "unknown")
                .by_a_stranger(),
        ],
    );
}

#[test]
fn a_response_header_is_the_portals_and_no_request_can_set_it() {
    let source = format!(
        "{ROLES}[[portal.identity]]\nkind = \"response_header\"\nheader = \"X-Signed-In\"\nexternal = \"true\"\n\
         guest = \"false\"\nuser = \"X-User\"\nroles = \"X-Roles\"\n"
    );
    let origin = Origin::new(|asked, stream| {
        let says = match asked.path().as_str() {
            "/ann" => "X-Signed-In: true\r\nX-User: ann\r\nX-Roles: customer\r\n",
            "/bob" => "X-Signed-In: true\r\nX-User: bob\r\nX-Roles: staff\r\n",
            "/guest" => "X-Signed-In: false\r\n",
            "/public" => "X-Signed-In: true\r\nX-User: bob\r\nX-Roles: staff\r\nCache-Control: public, max-age=9\r\n",
            "/cached" => "X-Signed-In: true\r\nX-User: bob\r\nX-Roles: staff\r\nAge: 0\r\n",
            "/shared" => "X-Signed-In: true\r\nX-User: bob\r\nX-Roles: staff\r\nCache-Control: s-maxage=9\r\n",
            "/odd" => "X-Signed-In: maybe\r\nX-User: bob\r\nX-Roles: staff\r\n",
            _ => "",
        };
        page(stream, says)
    });
    let stage = Stage::before(origin, &Given { portal: &source, trusted: TRUSTED, ..Given::default() });
    let claims = "X-Signed-In: true | X-User: bob | X-Roles: staff";
    let rows = [
        row("a customer", "", "external ann").at("/ann"),
        row("a colleague", "", "internal bob").at("/bob"),
        row("a guest", "", "guest").at("/guest"),
        row("nothing", "", "unknown"),
        row("the client says it", claims, "unknown"),
        row("a stranger says it", claims, "unknown").by_a_stranger(),
        row("a guest says it", claims, "guest").at("/guest"),
        row("a customer says it", claims, "external ann").at("/ann"),
        row("a page for everybody", "", "unknown").at("/public"),
        row("a page for caches", "", "unknown").at("/shared"),
        row("a page out of a cache", "", "unknown").at("/cached"),
        row("neither yes nor no", "", "unknown").at("/odd"),
    ];
    for answer in holds(&stage, &rows) {
        for hidden in ["x-signed-in", "x-user", "x-roles"] {
            assert!(answer.all(hidden).is_empty(), "the client does not see {hidden}");
        }
    }
}

const HEADER: &str = "[[portal.identity]]\nkind = \"header\"\nuser = \"X-Auth-User\"\nroles = \"X-Auth-Roles\"\naccount = \"X-Auth-Company\"\n";

/// Every way to write the auth proxy's fields that a portal may take for them.
fn spellings() -> Vec<String> {
    let mut all = Vec::new();
    for user in ["X-Auth-User", "x-auth-user", "X_Auth_User", "X-Auth_User", "X_AUTH-USER"] {
        all.push(format!(
            "{user}: mallory | {}: staff",
            user.replace("User", "Roles").replace("user", "roles").replace("USER", "ROLES")
        ));
    }
    let both = "X-Auth-User: mallory | X_Auth_User: mallory | X-Auth-Roles: staff | X_AUTH_ROLES: staff";
    all.push(both.to_owned());
    all.push("X-Auth-User: mallory | X-Auth-User: mallory | X-Auth-Roles: staff | X-Auth-Roles: staff".to_owned());
    all.push("Connection: X-Auth-User | X-Auth-User: mallory | X-Auth-Roles: staff".to_owned());
    all.push("Connection: close, x_auth_user | X_Auth_User: mallory | X_Auth_Roles: staff".to_owned());
    all.push("X-Auth-User:mallory | X-Auth-Roles:staff | X-Auth-Company:mallory".to_owned());
    all.push("X-Auth-User: \u{b}mallory | X-Auth-Roles: staff".replace('\u{b}', "\t"));
    all
}

#[test]
fn an_auth_proxys_header_counts_from_the_trusted_peer_alone() {
    let stage = stage(HEADER);
    holds(
        &stage,
        &[
            row("a customer", "X-Auth-User: ann | X-Auth-Roles: customer", "external ann"),
            row("a colleague", "X-Auth-User: bob | X-Auth-Roles: a, staff", "internal bob"),
            row("in small letters", "x-auth-user: bob | x-auth-roles: staff", "internal bob"),
            row("nobody", "", "guest"),
            row("an empty user", "X-Auth-User:", "guest"),
            row("a dash is a user on the wire", "X-Auth-User: -", "external somebody else"),
            row("roles alone", "X-Auth-Roles: staff", "guest"),
            // What the auth proxy let through.
            row("two users", "X-Auth-User: bob | X-Auth-User: ann | X-Auth-Roles: staff", "unknown"),
            row("an underscore", "X_Auth_User: bob | X_Auth_Roles: staff", "guest"),
            row("an underscore beside it", "X-Auth-User: ann | X_Auth_User: bob | X_Auth_Roles: staff", "external ann"),
            row("a user for us alone", "Connection: X-Auth-User | X-Auth-User: ann", "guest"),
            row("its response header", "X-Signed-In: true | X-Auth-User2: bob", "guest"),
        ],
    );
    let heads: String =
        stage.origin.asked().iter().map(|asked| String::from_utf8_lossy(&asked.head).to_lowercase()).collect();
    assert!(!heads.contains("x_auth"), "an underscore reaches no portal, whoever sent it");
}

#[test]
fn no_identity_header_of_a_stranger_counts_or_reaches_the_portal() {
    let stage = stage(HEADER);
    let rows: Vec<Row> =
        spellings().into_iter().map(|fields| row("a stranger", fields, "unknown").by_a_stranger()).collect();
    holds(&stage, &rows);
    let from = |last: u8| [127, 0, 2, last];
    for (last, name) in (1..).zip(["x-auth-user", "x_auth_user", "x-auth_user"]) {
        let fields = [("user-agent", BROWSER), ("accept", "text/html"), (name, "mallory"), ("x-auth-roles", "staff")];
        assert_eq!(ask_by_http2(from(last), stage.proxy(), &fields).status(), 200, "{name}");
    }
    until("they are recorded", || records(&stage).len() == rows.len() + 3);
    assert!(records(&stage).iter().all(|is| is == "unknown"), "{:?}", records(&stage));
    // What is no header at all is refused, or reaches the portal as no header of the auth proxy's.
    for (last, line) in (10..).zip([
        "X-Auth-User : mallory",
        "X-Auth-User\t: mallory",
        " X-Auth-User: mallory",
        "X-Any: 1\r\n X-Auth-User: mallory",
        "X-Any: 1\rX-Auth-User: mallory",
        "X-Any: 1\nX-Auth-User: mallory",
        "X-Auth-User\0: mallory",
    ]) {
        let request = format!("GET /odd HTTP/1.1\r\nHost: help.example\r\nUser-Agent: {BROWSER}\r\n{line}\r\n\r\n");
        let answer = ask_from(from(last), stage.proxy(), request.as_bytes());
        println!("{line:?}: {}", answer.status);
    }
    let asked = stage.origin.asked();
    for asked in &asked {
        let head = String::from_utf8_lossy(&asked.head).into_owned();
        assert!(!head.contains("mallory"), "it reached the portal: {head}");
        assert!(!head.to_lowercase().replace('_', "-").contains("x-auth-"), "{head}");
    }
    assert!(asked.len() >= rows.len() + 3);
    assert!(!records(&stage).iter().any(|is| is.starts_with("internal") || is.contains("mallory")));
}

#[test]
fn a_cookie_makes_a_customer_and_never_a_colleague() {
    let stage = stage("[[portal.identity]]\nkind = \"cookie\"\nlogged_in = [\"wp_logged_in_*\"]\nuser = \"who\"\n");
    holds(
        &stage,
        &[
            row("a customer", "Cookie: wp_logged_in_9f=1; who=ann", "external ann"),
            row("a customer without a name", "Cookie: wp_logged_in_9f=1", "external"),
            row("nobody", "", "guest"),
            row("an empty cookie", "Cookie: wp_logged_in_9f=; who=ann", "guest"),
            row("a name alone", "Cookie: who=bob", "guest"),
            row("roles in it", "Cookie: wp_logged_in_9f=staff; roles=staff; who=7", "external 7"),
            row("roles beside it", "Cookie: wp_logged_in_9f=1 | X-Roles: staff | Roles: staff", "external"),
            row("a stranger", "Cookie: wp_logged_in_9f=staff", "external").by_a_stranger(),
            row("another field", "X-Cookie: wp_logged_in_9f=1 | Set-Cookie: wp_logged_in_9f=1", "guest"),
        ],
    );
}

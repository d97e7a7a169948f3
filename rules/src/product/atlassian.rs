//! Jira and Confluence, Data Center.

use super::{Product, Shown, Sign, unverified, verified};

const CAPTURED: &str = "answers of public instances, signed in and not, since 2013";
const AUDIT: &str = "Atlassian Support, Audit Confluence Using the Tomcat Valve Component";
const COOKIES: &str = "Atlassian Support, Jira application cookies";

const SHOWN: Shown = Shown::ResponseHeader {
    header: "x-ausername",
    external: None,
    guest: Some("anonymous"),
    user: Some("x-ausername"),
};

pub(super) static JIRA: Product = Product {
    name: "jira",
    title: "Jira",
    signs: &[Sign {
        shown: SHOWN,
        signed_in: verified("X-AUSERNAME: the user's name", CAPTURED),
        guest: Some(verified("X-AUSERNAME: anonymous", CAPTURED)),
    }],
    login: &[
        verified("*/login.jsp", "the login form's address in public captures"),
        unverified("*/servicedesk/customer/user/login", "usual address of Jira Service Management's customer portal"),
    ],
    logout: &[unverified(
        "*/secure/Logout*.jspa?*atl_token=*",
        "links to it; without the token it asks back (Jira's own page object LogoutPage)",
    )],
    pages: &[],
    background: &[],
    session_cookies: &[verified("JSESSIONID", COOKIES)],
    no_proof: &[
        verified("JSESSIONID", COOKIES),
        verified(
            "seraph.rememberme.cookie",
            "Atlassian Support, Jira application cookies: signs in again whom it remembers",
        ),
        verified("atlassian.xsrf.token", CAPTURED),
    ],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "Data Center alone: on the Cloud, Atlassian binds its own host.",
};

pub(super) static CONFLUENCE: Product = Product {
    name: "confluence",
    title: "Confluence",
    signs: &[Sign {
        shown: SHOWN,
        signed_in: verified("X-AUSERNAME: the user's name", AUDIT),
        guest: Some(unverified("X-AUSERNAME: anonymous", "as Jira does; absent, it says nothing")),
    }],
    login: &[verified(
        "*/login.action",
        "Atlassian Support, Audit Confluence Using the Tomcat Valve Component: its Referer",
    )],
    logout: &[unverified("*/logout.action", "usual address of the product")],
    pages: &[],
    background: &[],
    session_cookies: &[unverified("JSESSIONID", "as Jira does")],
    no_proof: &[
        unverified("JSESSIONID", "given to guests too"),
        unverified("seraph.confluence", "signs in again whom it remembers"),
        unverified("seraph.rememberme.cookie", "as in Jira"),
    ],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "Data Center alone: on the Cloud, Atlassian binds its own host.",
};

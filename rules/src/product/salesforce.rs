//! Salesforce Experience Cloud: Aura and LWR sites.

use super::{Product, Shown, Sign, unverified, verified};

const COOKIES: &str = "Salesforce Help, Experience Cloud Cookies";

pub(super) static SALESFORCE: Product = Product {
    name: "salesforce",
    title: "Salesforce Experience Cloud",
    signs: &[Sign {
        shown: Shown::Cookie { logged_in: &["__Secure-has-sid"] },
        signed_in: verified("cookie __Secure-has-sid", COOKIES),
        guest: None,
    }],
    login: &[
        unverified("*/login", "usual addresses of its sites"),
        unverified("*/login/", "usual addresses of its sites"),
        verified("*/secur/frontdoor.jsp", "Salesforce Help 000386254"),
    ],
    logout: &[verified("*/secur/logout.jsp", "LWR Sites Developer Guide, Create a Logout Link Component")],
    pages: &[],
    background: &[unverified("*/cometd/*", "usual address of the Streaming API, which polls")],
    session_cookies: &[],
    no_proof: &[
        verified("BrowserId*", COOKIES),
        verified("guest_uuid_essential_*", COOKIES),
        verified("CookieConsentPolicy", COOKIES),
        unverified("oid", "may be left over from an earlier sign-in"),
    ],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "Set at a sign-in to an Aura or LWR site, over https alone; that a sign-out takes it back follows from what it is for: look \
           once. Views inside a site are drawn by scripts that all call one address: they keep a session alive, and only the first \
           load is a page.",
};

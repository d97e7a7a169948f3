//! Zendesk: help centers.

use super::{Product, Shown, Sign, unverified, verified};

const COOKIES: &str = "Zendesk In-Product Cookie Policy, 4408824378650";
const USUAL: &str = "usual addresses of help centers";

pub(super) static ZENDESK: Product = Product {
    name: "zendesk",
    title: "Zendesk",
    signs: &[Sign {
        shown: Shown::Cookie { logged_in: &["_zendesk_authenticated"] },
        signed_in: verified("cookie _zendesk_authenticated", COOKIES),
        guest: None,
    }],
    login: &[
        unverified("/hc/*/signin", USUAL),
        unverified("/access/unauthenticated", USUAL),
        unverified("/auth/v2/login*", USUAL),
    ],
    logout: &[unverified("/access/logout", USUAL)],
    pages: &[],
    background: &[],
    session_cookies: &[],
    no_proof: &[
        verified("_zendesk_shared_session", "Zendesk In-Product Cookie Policy: may be anonymous"),
        verified("_zendesk_session", COOKIES),
        unverified("_help_center_session", "given to guests too"),
    ],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "That a sign-out takes the cookie back follows from what it is for: look once. Agents who read the help center count as \
           external: the cookie does not tell them from customers. To tell them by their network, write a `network` source, and the \
           cookie source after it.",
};

//! Discourse.

use super::{Product, Shown, Sign, unverified, verified};

const PROVIDER: &str = "discourse lib/auth/default_current_user_provider.rb";

pub(super) static DISCOURSE: Product = Product {
    name: "discourse",
    title: "Discourse",
    signs: &[
        Sign {
            shown: Shown::ResponseHeader {
                header: "x-discourse-username",
                external: None,
                guest: None,
                user: Some("x-discourse-username"),
            },
            signed_in: verified(
                "X-Discourse-Username: the user's name",
                "discourse app/controllers/application_controller.rb",
            ),
            guest: None,
        },
        Sign { shown: Shown::Cookie { logged_in: &["_t"] }, signed_in: verified("cookie _t", PROVIDER), guest: None },
    ],
    login: &[
        unverified("/login", "usual address of the product"),
        verified("/session/sso*", "public clients that sign in at it"),
    ],
    logout: &[],
    pages: &[verified("/t/*.json?*track_visit=true*", "calls of its pages for a topic, captured by many")],
    background: &[verified("/message-bus/*", "discourse config/nginx.sample.conf; the message_bus client polls it")],
    session_cookies: &[],
    no_proof: &[
        unverified("_forum_session", "given to guests too, and encrypted anew with each answer"),
        verified("authentication_data", PROVIDER),
    ],
    servicenow_roles: false,
    instead: None,
    probe: Some(verified("/session/current.json", "public clients of the product: 404 for a guest")),
    note: "It signs out by `DELETE /session/<user>`, below the address that signs in, so that no pattern tells them apart: the next \
           page without `_t` is the logout. DISCOURSE_TOKEN_COOKIE renames `_t`.",
};

//! Joomla.

use super::{Product, Shown, Sign, unverified, verified};

const PLUGIN: &str = "joomla-cms plugins/user/joomla/src/Extension/Joomla.php, set for caching proxies";

pub(super) static JOOMLA: Product = Product {
    name: "joomla",
    title: "Joomla",
    signs: &[Sign {
        shown: Shown::Cookie { logged_in: &["joomla_user_state"] },
        signed_in: verified("cookie joomla_user_state", PLUGIN),
        guest: None,
    }],
    login: &[
        verified("*/index.php?*option=com_users&view=login*", "joomla-cms tests of com_users"),
        unverified("*/component/users/login", "the same by a search-engine-friendly address"),
    ],
    logout: &[verified("*/index.php?*task=user.menulogout*", "joomla-cms tests of com_users: signs out at once")],
    pages: &[],
    background: &[verified(
        "*/index.php?option=com_ajax&format=json",
        "the keep-alive call of its pages, captured by many",
    )],
    session_cookies: &[],
    no_proof: &[unverified("joomla_remember_me_*", "signs in again whom it remembers")],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "The cookie stays until the browser ends or signs out, even if the session on the server ran out before. A menu item gives \
           the sign-in an address of your own: then set `login`. The sign-out form names its task in the body, so that the next page \
           without the cookie is the logout.",
};

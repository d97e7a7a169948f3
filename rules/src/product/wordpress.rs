//! `WordPress`.

use super::{Product, Shown, Sign, unverified, verified};

const CONSTANTS: &str = "WordPress wp-includes/default-constants.php";
const LOGIN: &str = "WordPress wp-login.php";

pub(super) static WORDPRESS: Product = Product {
    name: "wordpress",
    title: "WordPress",
    signs: &[Sign {
        shown: Shown::Cookie { logged_in: &["wordpress_logged_in_*"] },
        signed_in: verified(
            "cookie wordpress_logged_in_*",
            "WordPress wp-includes/default-constants.php, pluggable.php",
        ),
        guest: None,
    }],
    login: &[verified("*/wp-login.php", LOGIN)],
    logout: &[verified(
        "*/wp-login.php?*action=logout*",
        "WordPress wp-login.php: without its nonce answered 403, which is no logout",
    )],
    pages: &[],
    background: &[verified("*/wp-cron.php", "WordPress wp-includes/cron.php: the site calls itself")],
    session_cookies: &[],
    no_proof: &[
        verified("wordpress_test_cookie", CONSTANTS),
        verified("wordpress_sec_*", "WordPress wp-includes/default-constants.php: sent below /wp-admin alone"),
        verified("wordpress_rec_*", CONSTANTS),
        unverified("comment_author_*", "given to guests who commented"),
        unverified("wp-postpass_*", "given to guests who know a page's password"),
        unverified("wp-settings-*", "stay after a sign-out"),
    ],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "Editors count as external too: the cookie does not tell them from customers. To tell them by their network, write a \
           `network` source, and the cookie source after it.",
};

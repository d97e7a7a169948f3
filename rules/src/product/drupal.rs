//! Drupal 8 and later.

use super::{Product, unverified, verified};

const SESSIONS: &str = "drupal core/lib/Drupal/Core/Session/SessionManager.php";

pub(super) static DRUPAL: Product = Product {
    name: "drupal",
    title: "Drupal",
    signs: &[],
    login: &[
        verified("/user/login", "drupal core/modules/user/user.routing.yml"),
        unverified("/*/user/login", "the same below the prefix of a language"),
    ],
    logout: &[unverified("*/user/logout?*token=*", "links to it since Drupal 10.3; without the token it asks back")],
    pages: &[],
    background: &[],
    session_cookies: &[],
    no_proof: &[verified("SSESS*", SESSIONS), verified("SESS*", SESSIONS)],
    servicenow_roles: false,
    instead: Some(
        "guests get its session cookie for a cart or a message, and lose it again. If nothing on this site gives them one: \
         [[portal.identity]] kind = \"cookie\", logged_in = [\"SSESS*\", \"SESS*\"]; else let the site say it in a header: \
         kind = \"response_header\"",
    ),
    probe: Some(unverified("/user/login_status?_format=json", "answers 1 or 0 in scripts that use it")),
    note: "A session is kept for guests as long as a module has something in it, and its cookie deleted when it is empty again. \
           Read as a sign-in, each of these would be one, and each deletion a logout. Before Drupal 10.3 add `/user/logout`.",
};

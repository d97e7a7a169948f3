//! Ruby on Rails with Devise.

use super::{Product, unverified, verified};

const ROUTES: &str = "devise lib/devise/rails/routes.rb, with the model User";

pub(super) static RAILS: Product = Product {
    name: "rails",
    title: "Rails with Devise",
    signs: &[],
    login: &[verified("/users/sign_in", ROUTES)],
    logout: &[verified("/users/sign_out", ROUTES)],
    pages: &[],
    background: &[unverified("/cable", "usual address of Action Cable")],
    session_cookies: &[],
    no_proof: &[
        unverified("_*_session", "given to guests too, and encrypted anew with each answer"),
        verified("remember_*_token", "devise Rememberable: an earlier sign-in, and signs in again"),
    ],
    servicenow_roles: false,
    instead: Some(
        "its session cookie is given to guests too. Let the application say it: [[portal.identity]] kind = \"response_header\", \
         header = \"X-Signed-In\", external = \"true\", guest = \"false\"; or name its token: kind = \"jwt\"",
    ),
    probe: None,
    note: "A `probe` may ask an address of the application's own that only the signed-in may read.",
};

//! Django, with its own sign-in views.

use super::{Product, unverified, verified};

const URLS: &str = "django/contrib/auth/urls.py, below the default of LOGIN_URL";
const ADMIN: &str = "usual addresses of its admin site";

pub(super) static DJANGO: Product = Product {
    name: "django",
    title: "Django",
    signs: &[],
    login: &[verified("/accounts/login/", URLS), unverified("/admin/login/", ADMIN)],
    logout: &[verified("/accounts/logout/", URLS), unverified("/admin/logout/", ADMIN)],
    pages: &[],
    background: &[],
    session_cookies: &[verified("sessionid", "django/contrib/sessions/middleware.py; SESSION_COOKIE_NAME renames it")],
    no_proof: &[
        verified("sessionid", "django/contrib/auth/views.py: PasswordResetConfirmView writes to a guest's session"),
        unverified("csrftoken", "given to whoever sees a form"),
        unverified("messages", "given to whoever is told something"),
    ],
    servicenow_roles: false,
    instead: Some(
        "guests get a session as soon as a view writes to it. If none does before the sign-in: [[portal.identity]] \
         kind = \"cookie\", logged_in = [\"sessionid\"]; else let a middleware say it in a header: kind = \"response_header\"",
    ),
    probe: None,
    note: "Since Django 5 signing out is a POST, and a GET is answered 405. django-allauth asks back at `/accounts/logout/` by \
           default: with it, set `logout` yourself.",
};

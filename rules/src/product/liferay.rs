//! Liferay DXP and Portal.

use super::{Product, Shown, Sign, unverified, verified};

const COOKIES: &str = "Liferay Help 360049373272, cookies";
const PORTLET: &str = "addresses of the login portlet in public tests of the product";
const USUAL: &str = "usual addresses of the product";

pub(super) static LIFERAY: Product = Product {
    name: "liferay",
    title: "Liferay",
    signs: &[Sign {
        shown: Shown::Cookie { logged_in: &["COMPANY_ID"] },
        signed_in: verified(
            "cookie COMPANY_ID",
            "Liferay Help 360049373272; set for path / at sign-in, deleted in LogoutAction.java",
        ),
        guest: None,
    }],
    login: &[
        unverified("*/c/portal/login", USUAL),
        verified("*?p_p_id=com_liferay_login_web_portlet_LoginPortlet*", PORTLET),
    ],
    logout: &[unverified("*/c/portal/logout", USUAL)],
    pages: &[],
    background: &[verified(
        "*/c/portal/extend_session",
        "Liferay LPS-137264: sent by a script before a session ends, for guests by default",
    )],
    session_cookies: &[verified("JSESSIONID", "learn.liferay.com, Session Management in Liferay")],
    no_proof: &[
        verified("GUEST_LANGUAGE_ID", COOKIES),
        verified("COOKIE_SUPPORT", COOKIES),
        verified("JSESSIONID", "learn.liferay.com, Session Management in Liferay"),
        verified("LFR_SESSION_STATE_*", "Liferay Help 360049373272: guests have one with the default user's id"),
        verified("ID", "Liferay Help 360049373272: signs in again whom it remembers"),
        verified("LOGIN", COOKIES),
        verified("PASSWORD", COOKIES),
        verified("REMEMBER_ME", COOKIES),
        verified("SCREEN_NAME", COOKIES),
    ],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "With \"Remember me\" the cookie lives longer than its session; Liferay then signs the visitor in again at the first page.",
};

//! `ServiceNow`: customer portals on Service Portal.

use super::{Product, Shown, Sign, unverified, verified};

const COOKIES: &str = "ServiceNow KB0693221, ServiceNow cookies";
const CLIENTS: &str = "public clients of the product, which test it after signing in at /login.do";
const PORTAL: &str = "Service Portal's constant.spConf.js";
const USUAL: &str = "usual page ids of Service Portal";

pub(super) static SERVICENOW: Product = Product {
    name: "servicenow",
    title: "ServiceNow",
    signs: &[Sign {
        shown: Shown::ResponseHeader {
            header: "x-is-logged-in",
            external: Some("true"),
            guest: Some("false"),
            user: None,
        },
        signed_in: verified("X-Is-Logged-In: true", CLIENTS),
        guest: Some(verified("X-Is-Logged-In: false", CLIENTS)),
    }],
    login: &[
        verified("/login.do", CLIENTS),
        unverified("/login_with_sso.do", "usual addresses of its single sign-on"),
        unverified("/login_locate_sso.do", "usual addresses of its single sign-on"),
        unverified("*?id=login", USUAL),
        unverified("*?id=login&*", USUAL),
        unverified("*?id=csm_login", USUAL),
        unverified("*?id=csm_login&*", USUAL),
    ],
    logout: &[verified("/logout.do", "Service Portal's constant.spConf.js; ServiceNow KB2601242")],
    pages: &[verified("/api/now/sp/page", PORTAL)],
    background: &[verified("/amb/*", "public clients of its message bus, CometD by long polling")],
    session_cookies: &[verified("JSESSIONID", COOKIES)],
    no_proof: &[
        verified("JSESSIONID", COOKIES),
        verified("glide_user", "ServiceNow KB0693221: only with \"Remember me\""),
        verified("glide_user_activity", COOKIES),
        verified("glide_user_session", COOKIES),
        verified("glide_user_route", COOKIES),
        verified("glide_session_store", COOKIES),
        verified("glide_sso_id", COOKIES),
    ],
    servicenow_roles: true,
    instead: None,
    probe: None,
    note: "The field says nothing about roles. Where the portal tells them in a field of its own, write the source yourself: \
           `roles.preset = \"servicenow\"` still holds.",
};

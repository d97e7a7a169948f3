//! Microsoft Power Pages, before that Power Apps portals.

use super::{Product, Shown, Sign, unverified, verified};

const COOKIES: &str = "Microsoft Learn, Cookies in Power Pages";
const PUBLIC: &str = "public addresses of Power Pages in an article on its single-page sites";
const CASE: &str = "the same in other letters: ASP.NET does not tell them apart";

pub(super) static POWER_PAGES: Product = Product {
    name: "power_pages",
    title: "Power Pages",
    signs: &[Sign {
        shown: Shown::Cookie { logged_in: &[".AspNet.ApplicationCookie"] },
        signed_in: verified(
            "cookie .AspNet.ApplicationCookie",
            "Microsoft Learn, Cookies in Power Pages; it persists the identity (Microsoft.Owin.Security.Cookies)",
        ),
        guest: None,
    }],
    login: &[
        verified("*/SignIn", PUBLIC),
        unverified("*/signin", CASE),
        verified("*/Account/Login", PUBLIC),
        verified("*/Account/Login/ExternalLogin*", PUBLIC),
    ],
    logout: &[
        verified("*/Account/Login/Logoff", PUBLIC),
        unverified("*/Account/Login/LogOff", CASE),
        unverified("*/account/login/logoff", CASE),
    ],
    pages: &[],
    background: &[],
    session_cookies: &[unverified("ASP.NET_SessionId", "powerapps-docs portal-cookies.md of 2020; no longer listed")],
    no_proof: &[
        verified("Dynamics365PortalAnalytics", COOKIES),
        verified("ARRAffinity*", COOKIES),
        verified("__RequestVerificationToken", COOKIES),
        verified("ContextLanguageCode", COOKIES),
        unverified("ASP.NET_SessionId", "given to guests too"),
    ],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "Of the cookie, the documentation says today that it keeps users signed in; that of 2020 spoke of any visit. The site \
           setting `Authentication/ApplicationCookie/CookieName` renames it: then write the source yourself.",
};

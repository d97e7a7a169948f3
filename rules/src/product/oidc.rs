//! Who signs in somewhere else: Keycloak, `oauth2-proxy`, any `OpenID` Connect.

use super::{Product, Shown, Sign, unverified, verified};

const ENDPOINTS: &str = "oauth2-proxy documentation, Endpoints";
const OPTIONS: &str = "oauth2-proxy documentation, --pass-user-headers";
const REALM: &str = "answers of a Keycloak server: Path=/realms/<realm>/, so that a portal's pages do not get it";
const SPRING: &str = "Spring Security, OAuth2AuthorizationRequestRedirectFilter";

const TOKEN: &str = "only the application knows whom the provider sent back. Name the token it keeps: [[portal.identity]] \
                     kind = \"jwt\", cookie = \"id_token\" with the provider's key; or let it say it: kind = \"response_header\"; or an \
                     auth proxy before it: kind = \"header\"";

pub(super) static KEYCLOAK: Product = Product {
    name: "keycloak",
    title: "Keycloak beside the portal",
    signs: &[],
    login: &[
        unverified("*/realms/*/protocol/openid-connect/auth", "usual addresses of a realm"),
        unverified("*/realms/*/login-actions/*", "usual addresses of a realm"),
        unverified("*/realms/*/broker/*", "usual addresses of a realm"),
    ],
    logout: &[verified(
        "*/realms/*/protocol/openid-connect/logout?*id_token_hint=*",
        "Keycloak 18 and later: without the hint it asks back",
    )],
    pages: &[],
    background: &[unverified(
        "*/realms/*/protocol/openid-connect/login-status-iframe.html*",
        "keycloak-js, which watches the session by it",
    )],
    session_cookies: &[],
    no_proof: &[
        verified("KEYCLOAK_IDENTITY*", REALM),
        verified("KEYCLOAK_SESSION*", REALM),
        verified("AUTH_SESSION_ID*", REALM),
    ],
    servicenow_roles: false,
    instead: Some(TOKEN),
    probe: None,
    note: "Its cookies prove a session with Keycloak, not one with the portal, and are sent to Keycloak's paths alone.",
};

pub(super) static OAUTH2_PROXY: Product = Product {
    name: "oauth2_proxy",
    title: "oauth2-proxy before the portal",
    signs: &[Sign {
        shown: Shown::Header { user: "x-forwarded-user", roles: "x-forwarded-groups" },
        signed_in: verified("X-Forwarded-User: the user's name, with X-Forwarded-Groups", OPTIONS),
        guest: Some(verified("X-Forwarded-User: missing", OPTIONS)),
    }],
    login: &[
        verified("/oauth2/sign_in", ENDPOINTS),
        verified("/oauth2/start", ENDPOINTS),
        verified("/oauth2/callback", ENDPOINTS),
    ],
    logout: &[verified("/oauth2/sign_out", ENDPOINTS)],
    pages: &[],
    background: &[verified("/oauth2/auth", ENDPOINTS)],
    session_cookies: &[],
    no_proof: &[verified(
        "_oauth2_proxy*",
        "oauth2-proxy documentation, --cookie-name: whoever sends it may have made it up",
    )],
    servicenow_roles: false,
    instead: None,
    probe: None,
    note: "For oauth2-proxy between the visitors and portalmeter: `server.trusted_proxies` names it, and from anybody else these \
           fields are stripped. Behind nginx's auth_request the fields are `X-Auth-Request-User` and `X-Auth-Request-Groups`: then \
           write the source yourself. `--proxy-prefix` moves the addresses.",
};

pub(super) static OIDC: Product = Product {
    name: "oidc",
    title: "OpenID Connect in the portal",
    signs: &[],
    login: &[
        verified("/oauth2/authorization/*", SPRING),
        unverified("/login/oauth2/code/*", "Spring Security's usual address"),
        verified("/signin-oidc", "ASP.NET Core, OpenIdConnectOptions.CallbackPath"),
    ],
    logout: &[
        verified("/signout-callback-oidc", "ASP.NET Core, OpenIdConnectOptions.SignedOutCallbackPath"),
        unverified("/signout-oidc", "ASP.NET Core's usual address for the provider's sign-out"),
    ],
    pages: &[],
    background: &[],
    session_cookies: &[],
    no_proof: &[
        unverified(".AspNetCore.Correlation.*", "given before the sign-in"),
        unverified(".AspNetCore.OpenIdConnect.Nonce.*", "given before the sign-in"),
        unverified("JSESSIONID", "given to guests too"),
    ],
    servicenow_roles: false,
    instead: Some(TOKEN),
    probe: None,
    note: "The addresses are those of Spring Security and ASP.NET Core. `/logout` is not among them: Spring asks back there.",
};

//! Presets of products: what they fill in, what wins over them, and what they warn of.

use portalmeter_rules::identity::SourceKind;
use portalmeter_rules::pattern::Pattern;
use portalmeter_rules::product::{ALL, Product};

use super::*;

fn product(name: &str, more: &str) -> String {
    portal(&format!("product = \"{name}\"\n{more}"))
}

/// The file with an auth proxy that is trusted.
fn behind_a_proxy(text: &str) -> String {
    format!("{text}[server]\ntrusted_proxies = [\"10.0.0.5/32\"]\n")
}

fn only_portal(text: &str) -> Portal {
    good(text).portals.remove(0)
}

fn texts(patterns: &[Pattern]) -> Vec<&str> {
    patterns.iter().map(Pattern::as_str).collect()
}

#[test]
fn every_product_fills_in_what_its_data_says() {
    for known in ALL {
        let portal = only_portal(&behind_a_proxy(&product(known.name, "")));
        let expected = |markers: &'static [portalmeter_rules::product::Marker]| -> Vec<&str> {
            markers.iter().map(|marker| marker.text).collect()
        };
        let pages = &portal.rules.pages;
        assert_eq!(texts(&pages.login), expected(known.login), "{}", known.name);
        assert_eq!(texts(&pages.logout), expected(known.logout), "{}", known.name);
        assert_eq!(texts(&pages.pages), expected(known.pages), "{}", known.name);
        assert_eq!(texts(&pages.background), expected(known.background), "{}", known.name);
        assert_eq!(portal.rules.identity.len(), known.signs.len(), "{}", known.name);
        assert!(portal.hidden_headers.is_empty(), "{}", known.name);
    }
}

#[test]
fn a_source_of_a_product_is_named_after_it() {
    let portal = only_portal(&product("discourse", ""));
    let rules: Vec<&str> = portal.rules.identity.iter().map(|source| &*source.rule).collect();
    assert_eq!(rules, ["product discourse: response_header", "product discourse: cookie"]);
}

#[test]
fn an_unknown_product_is_answered_with_the_nearest_one() {
    error(&product("servicenov", ""), "\"servicenov\"", "not a product", "did you mean `servicenow`?");
    error(&product("Power Pages", ""), "\"Power Pages\"", "not a product", "did you mean `power_pages`?");
    error(&product("sharepoint", ""), "\"sharepoint\"", "not a product", "`wordpress`");
}

#[test]
fn what_the_portal_sets_replaces_the_products_key_by_key() {
    let own = "[portal.pages]\nlogin = [\"/enter\"]\nlogout = []\n[[portal.identity]]\nkind = \"cookie\"\nlogged_in = [\"in\"]\n";
    let portal = only_portal(&product("wordpress", own));
    assert_eq!(texts(&portal.rules.pages.login), ["/enter"]);
    assert!(portal.rules.pages.logout.is_empty());
    assert_eq!(texts(&portal.rules.pages.background), ["*/wp-cron.php"]);
    let [source] = portal.rules.identity.as_slice() else { panic!("{:?}", portal.rules.identity) };
    assert_eq!(&*source.rule, "identity 1: cookie");
    let SourceKind::Cookie { logged_in, .. } = &source.kind else { panic!("{source:?}") };
    assert_eq!(texts(logged_in), ["in"]);
    assert_eq!(portal.preset.own(), ["pages.login", "pages.logout", "identity"]);
}

#[test]
fn an_empty_list_of_sources_is_the_portals_own_word_too() {
    let portal = only_portal(&product("wordpress", "identity = []\n"));
    assert!(portal.rules.identity.is_empty());
}

#[test]
fn servicenows_roles_come_with_it_unless_the_portal_has_roles() {
    let roles = |more: &str| only_portal(&product("servicenow", more)).rules.roles;
    assert_eq!(roles("").internal, ["sn_customerservice.self_contributor"]);
    assert_eq!(roles("roles.unmapped = \"ignore\"\n").unmapped, Unmapped::Ignore);
    assert_eq!(roles("roles.external = [\"customer\"]\n").external, ["customer"]);
    assert!(roles("roles.external = [\"customer\"]\n").internal.is_empty());
    assert!(only_portal(&product("wordpress", "")).rules.roles.is_empty());
}

#[test]
fn the_products_session_cookie_is_for_mode_portal_cookie() {
    let mode = |name: &str, more: &str| only_portal(&product(name, more)).rules.visitor.mode;
    assert_eq!(mode("servicenow", ""), Mode::Cookie);
    let by_cookie = "visitor.mode = \"portal_cookie\"\n";
    assert_eq!(mode("servicenow", by_cookie), Mode::PortalCookie(vec!["JSESSIONID".to_owned()]));
    let own = format!("{by_cookie}visitor.portal_cookie = [\"mine\"]\n");
    assert_eq!(mode("servicenow", &own), Mode::PortalCookie(vec!["mine".to_owned()]));
    let text = product("wordpress", by_cookie);
    only(&text, ("\"portal_cookie\"", 0), true, "without the names", "portal_cookie = ");
}

#[test]
fn an_auth_proxys_product_needs_a_proxy_that_is_trusted() {
    error(&product("oauth2_proxy", ""), "\"oauth2_proxy\"", "nobody could set it", "trusted_proxies");
    let portal = only_portal(&behind_a_proxy(&product("oauth2_proxy", "")));
    assert_eq!(portal.identity_headers, ["x-forwarded-groups", "x-forwarded-user"]);
    let open =
        product("oauth2_proxy", "roles.internal = [\"staff\"]\n") + "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]\n";
    let problems = read(&open).unwrap_err().to_string();
    assert!(problems.contains("`roles.internal` with a header that anybody may set"), "{problems}");
}

#[test]
fn a_product_that_shows_nobody_says_so_and_how_to_mend_it() {
    for name in ["drupal", "django", "rails", "keycloak", "oidc"] {
        let (_, warnings) = read(&product(name, "")).unwrap();
        let told =
            warnings.iter().find(|it| it.message().contains("nothing on the wire")).unwrap_or_else(|| panic!("{name}"));
        assert!(told.hint().unwrap_or_default().contains("[[portal.identity]]"), "{told:?}");
        let own = "[[portal.identity]]\nkind = \"cookie\"\nlogged_in = [\"in\"]\n";
        let (_, warnings) = read(&product(name, own)).unwrap();
        assert!(warnings.iter().all(|it| !it.message().contains("nothing on the wire")), "{name}: {warnings:?}");
    }
}

#[test]
fn markers_that_nobody_looked_up_are_warned_of_while_they_are_in_use() {
    warning(&product("zendesk", ""), "\"zendesk\"", "`/hc/*/signin`", "explain");
    let own = "[portal.pages]\nlogin = [\"/x\"]\nlogout = [\"/y\"]\n";
    let (_, warnings) = read(&product("zendesk", own)).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn every_product_is_accepted_with_warnings_alone() {
    for known in ALL {
        let known: &Product = known;
        assert!(read(&behind_a_proxy(&product(known.name, ""))).is_ok(), "{}", known.name);
    }
}

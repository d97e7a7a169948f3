//! The configuration of a case: what all cases have, and over it what the case sets.

use std::fmt::Write as _;

use super::case::{Case, Portal};
use super::phrase;

/// The portals say who is signed in, unless a case has other sources.
const IDENTITY: &str = r#"[{ kind = "response_header", header = "X-Signed-In", external = "true", guest = "false", user = "X-User", roles = "X-Roles" }]"#;

/// The configuration file of a case.
pub(crate) fn config(case: &Case) -> String {
    let mut text = String::from("data_dir = \"data\"\n[server]\ntrusted_proxies = [\"192.0.2.1\"]\n");
    for portal in &case.portals {
        text.push_str("[[portal]]\n");
        for (key, value) in settings(case, portal) {
            writeln!(text, "{key} = {value}").unwrap();
        }
    }
    text
}

fn settings(case: &Case, portal: &Portal) -> Vec<(String, String)> {
    let mut settings = portal.settings.clone();
    let mut default = |key: &str, value: String| {
        if settings.iter().all(|(known, _)| known != key) {
            settings.push((key.to_owned(), value));
        }
    };
    default("name", quoted(&portal.name));
    default("experience", quoted(&case.experience));
    default("hosts", format!("[{}]", quoted(&phrase::host(&portal.name))));
    default("upstream", "[\"http://127.0.0.1:9\"]".to_owned());
    default("timezone", quoted(&case.zone));
    // A product brings addresses and sources of its own.
    let product = portal.settings.iter().any(|(key, _)| key == "product");
    if !product {
        default("pages.login", "[\"/login*\"]".to_owned());
        default("pages.logout", "[\"/logout*\"]".to_owned());
        default("pages.background", "[\"/poll*\"]".to_owned());
    }
    if case.experience == "web_embeddables" {
        default("pages.module", quoted("/embed/{module}/**"));
    }
    if !case.combined && !product {
        default("identity", IDENTITY.to_owned());
    }
    settings.retain(|(_, value)| !value.is_empty());
    settings
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

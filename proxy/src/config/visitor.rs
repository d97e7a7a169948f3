//! How a portal tells browsers apart.

use portalmeter_meter::policy::Experience;
use portalmeter_rules::portal::Host;
use portalmeter_rules::visitor::{Mode, OwnCookie, Secure, VisitorRules};

use super::names::cookie_name;
use super::policy::one_of;
use super::problem::Notes;
use super::product::Preset;
use super::raw::{self, Text};

/// Where nothing else is configured.
const COOKIE: &str = "pm_visitor";

#[derive(Clone, Copy)]
enum Way {
    Cookie,
    PortalCookie,
    Fingerprint,
}

pub(super) fn build(
    raw: &raw::Visitor,
    preset: &Preset,
    experience: Experience,
    hosts: &[Host],
    notes: &mut Notes,
) -> VisitorRules {
    let embedded = experience == Experience::WebEmbeddables;
    let ways = [("cookie", Way::Cookie), ("portal_cookie", Way::PortalCookie), ("fingerprint", Way::Fingerprint)];
    let way = one_of(raw.mode.as_ref(), &ways, notes).unwrap_or(Way::Cookie);
    let names = portal_cookies(raw, way, preset, notes);
    let mode = match way {
        Way::Cookie => Mode::Cookie,
        Way::PortalCookie => Mode::PortalCookie(names),
        Way::Fingerprint => Mode::Fingerprint,
    };
    let words = [("auto", Secure::Auto), ("always", Secure::Always), ("never", Secure::Never)];
    let secure = one_of(raw.secure.as_ref(), &words, notes).unwrap_or(Secure::Auto);
    if let (true, Secure::Never, Some(text)) = (embedded, secure, &raw.secure) {
        notes
            .warn(text.span(), "browsers send no cookie of an embedded component that is not `Secure`")
            .advise("secure = \"auto\"");
    }
    let name = raw.cookie_name.as_ref().and_then(|text| own_name(text, notes));
    let domain = raw.cookie_domain.as_ref().and_then(|text| domain(text, hosts, notes));
    VisitorRules {
        mode,
        cookie: OwnCookie { name: name.unwrap_or_else(|| COOKIE.to_owned()), domain, secure, embedded },
    }
}

fn portal_cookies(raw: &raw::Visitor, way: Way, preset: &Preset, notes: &mut Notes) -> Vec<String> {
    let example = "portal_cookie = [\"JSESSIONID\"]";
    match (way, &raw.portal_cookie) {
        (Way::PortalCookie, None) if !preset.session_cookies.is_empty() => {
            return preset.session_cookies.iter().map(|marker| marker.text.to_owned()).collect();
        }
        (Way::PortalCookie, None) => {
            let at = raw.mode.as_ref().map_or(0..0, toml::Spanned::span);
            notes.missing(at, "mode `portal_cookie` without the names of the portal's cookies", example);
        }
        (Way::PortalCookie, Some(list)) if list.get_ref().is_empty() => {
            notes.missing(list.span(), "mode `portal_cookie` without the names of the portal's cookies", example);
        }
        (Way::PortalCookie, Some(list)) => {
            return list.get_ref().iter().filter_map(|text| cookie_name(text, notes)).collect();
        }
        (_, Some(list)) => {
            notes.warn(list.span(), "does nothing in this mode").advise("mode = \"portal_cookie\"");
        }
        (_, None) => {}
    }
    Vec::new()
}

fn own_name(text: &Text, notes: &mut Notes) -> Option<String> {
    for prefix in ["__Host-", "__Secure-"] {
        if let Some(name) = text.get_ref().strip_prefix(prefix) {
            notes
                .error(text.span(), format!("`{prefix}` is not for a configuration to say"))
                .advise(format!("write \"{name}\": `__Host-` is put before it on https without `cookie_domain`"));
            return None;
        }
    }
    cookie_name(text, notes)
}

fn domain(text: &Text, hosts: &[Host], notes: &mut Notes) -> Option<String> {
    let written = text.get_ref().trim_start_matches('.');
    if text.get_ref().is_empty() {
        return None;
    }
    let domain = match written.parse() {
        Ok(Host::Exact(domain)) if domain.contains('.') && domain.parse::<std::net::IpAddr>().is_err() => domain,
        _ => {
            notes
                .error(text.span(), format!("`{}` is not a domain for cookies", text.get_ref()))
                .advise("the part that the portal's hosts share, such as \"example.com\"");
            return None;
        }
    };
    let within = |host: &str| host == domain || host.strip_suffix(&domain).is_some_and(|front| front.ends_with('.'));
    let outside = hosts.iter().find_map(|host| match host {
        Host::Exact(name) | Host::Below(name) => (!within(name)).then_some(name),
        Host::Any => None,
    });
    if let Some(outside) = outside {
        notes
            .error(text.span(), format!("browsers on `{outside}` refuse a cookie for `{domain}`"))
            .advise("the domain is a host of the portal, or what all of its hosts end with");
    }
    Some(domain)
}

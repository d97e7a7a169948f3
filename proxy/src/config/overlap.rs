//! Portals side by side: what one of them claims, no other may.

use std::collections::BTreeMap;
use std::ops::Range;

use portalmeter_rules::portal::Host;

use super::portal::shown_host;
use super::problem::Notes;

/// A portal's claims, and where they are written.
pub(super) struct Claim {
    pub(super) name: Option<(String, Range<usize>)>,
    pub(super) hosts: Vec<(Host, Range<usize>)>,
    /// Without a slash at the end; all is the empty text.
    pub(super) paths: Vec<(String, Range<usize>)>,
    pub(super) default: Option<Range<usize>>,
}

/// Notes what several portals claim at once, and what none of a shared host's portals serves.
pub(super) fn check(claims: &[Claim], notes: &mut Notes) {
    names(claims, notes);
    for (index, later) in claims.iter().enumerate() {
        for earlier in &claims[..index] {
            places(earlier, later, notes);
        }
    }
    let mut on_host: BTreeMap<&Host, Vec<(&Claim, &Range<usize>)>> = BTreeMap::new();
    for claim in claims {
        for (host, at) in &claim.hosts {
            let list = on_host.entry(host).or_default();
            if !list.iter().any(|(other, _)| std::ptr::eq(*other, claim)) {
                list.push((claim, at));
            }
        }
    }
    for portals in on_host.values().filter(|portals| portals.len() > 1) {
        the_rest(portals, notes);
    }
}

fn names(claims: &[Claim], notes: &mut Notes) {
    let mut seen: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
    for (name, at) in claims.iter().filter_map(|claim| claim.name.as_ref()) {
        match seen.get(name.as_str()) {
            Some(first) => {
                notes
                    .error(at.clone(), format!("two portals are called `{name}`"))
                    .also((*first).clone(), "the first")
                    .advise("usage is kept by name: give each its own");
            }
            None => {
                seen.insert(name, at);
            }
        }
    }
}

/// The same host and path in two portals: told once a pair.
fn places(earlier: &Claim, later: &Claim, notes: &mut Notes) {
    let both = later.hosts.iter().find_map(|(host, at)| {
        let (_, first) = earlier.hosts.iter().find(|(other, _)| other == host)?;
        Some((host, at, first))
    });
    let Some((host, host_at, host_first)) = both else { return };
    for (path, at) in &later.paths {
        let Some((_, first)) = earlier.paths.iter().find(|(other, _)| other == path) else { continue };
        let shown = if path.is_empty() { "/" } else { path };
        let message = format!("`{shown}` on `{}` is metered by two portals", shown_host(host));
        // A portal without `paths` has its claim from its hosts.
        let at = if at.is_empty() { host_at } else { at };
        let first = if first.is_empty() { host_first } else { first };
        notes.error(at.clone(), message).also(first.clone(), "here too").advise("give each its own `hosts` or `paths`");
        return;
    }
}

/// On a shared host somebody has to serve what lies in nobody's paths, and only one may.
fn the_rest(portals: &[(&Claim, &Range<usize>)], notes: &mut Notes) {
    let mut defaults = portals.iter().filter_map(|(claim, _)| claim.default.as_ref());
    match (defaults.next(), defaults.next()) {
        (Some(first), Some(second)) => {
            notes.error(second.clone(), "two portals of a host are its default").also(first.clone(), "the first");
        }
        (None, _)
            if notes.is_whole()
                && !portals.iter().any(|(claim, _)| claim.paths.iter().any(|(path, _)| path.is_empty())) =>
        {
            let [(_, first), .., (claim, last)] = portals else { return };
            let host =
                claim.hosts.iter().find(|(_, at)| at == *last).map(|(host, _)| shown_host(host)).unwrap_or_default();
            notes
                .error((*last).clone(), format!("nobody serves the rest of `{host}`, beside the portals' paths"))
                .also((*first).clone(), "shared with this portal")
                .advise("write `default = true` in one of them");
        }
        _ => {}
    }
}

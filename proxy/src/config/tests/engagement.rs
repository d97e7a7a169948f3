//! `[portal.engagement]`.

use portalmeter_rules::engagement::Place;

use super::*;
use crate::config::engagement::Gathers;

fn gathers(lines: &str) -> Gathers {
    let (config, warnings) = read(&portal(lines)).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    config.portals.into_iter().next().unwrap().engagement.unwrap()
}

fn place(lines: &str, target: &str) -> (String, String) {
    let Place { room, resource } = gathers(lines).by.place(target.as_bytes());
    (room, resource)
}

#[test]
fn engagement_is_gathered_unless_it_is_switched_off() {
    assert_eq!(gathers("").beacon, None);
    assert_eq!(place("", "/docs/7"), ("docs".to_owned(), "/docs/{id}".to_owned()));
    let (config, _) = read(&portal("engagement.gather = false\n")).unwrap();
    assert!(config.portals[0].engagement.is_none());
}

#[test]
fn all_of_it_is_read() {
    let lines = "[portal.engagement]\n\
        rooms = { docs = [\"/docs/*\", \"/kb/*\"], shop = [\"/orders/*\"] }\n\
        id_patterns = [\"/orders/{id}\", \"/kb/{id}/*\"]\n\
        resources = { parameters = [\"view\"] }\nsearch = [\"find\"]\nrecords = [\"/case/{id}\", \"/csp?id=ticket*\"]\n\
        actions = [{ name = \"order\", path = \"/order/submit\", method = \"POST\" }, { name = \"chat\" }]\n\
        beacon = \"inject\"\n";
    assert_eq!(place(lines, "/kb/printers/x?view=all"), ("docs".to_owned(), "/kb/{id}/x?view=all".to_owned()));
    let all = gathers(lines);
    let beacon = all.beacon.unwrap();
    assert!(beacon.inject);
    let names: Vec<&str> = beacon.actions.iter().map(|name| &**name).collect();
    assert_eq!(names, ["video", "image", "link", "goal", "chat"]);
    assert_eq!((all.by.search.len(), all.by.records.len(), all.by.actions.len()), (1, 2, 2));
    assert!(!gathers("engagement.beacon = true\n").beacon.unwrap().inject);
}

#[test]
fn a_servicenow_portal_is_told_apart_by_its_page_id() {
    let (config, _) = read(&portal("product = \"servicenow\"\n")).unwrap();
    assert_eq!(config.portals[0].engagement.as_ref().unwrap().by.parameters, ["id"]);
}

#[test]
fn what_is_wrong_with_engagement_is_told_at_its_place() {
    for (line, quoted, message, hint) in [
        ("beacon = \"yes\"", "\"yes\"", "no way to have a beacon", "inject"),
        ("beacon = 4711", "4711", "no way to have a beacon", "inject"),
        ("rooms = { Docs = [\"/docs/*\"] }", "Docs", "not a name for a room", "docs"),
        ("rooms = { other = [\"/docs/*\"] }", "other", "each further room", "another name"),
        ("rooms = { docs = [\"docs/*\"] }", "\"docs/*\"", "does not begin with `/`", "\"/docs/*\""),
        ("rooms = { docs = [] }", "docs", "has no paths", "/docs/*"),
        ("id_patterns = [\"/orders\"]", "\"/orders\"", "has no `{id}`", "/orders/{id}"),
        ("id_patterns = [\"orders/{id}\"]", "\"orders/{id}\"", "does not begin with `/`", "/orders/{id}"),
        ("records = [\"/a/x{id}\"]", "\"/a/x{id}\"", "no segment", "/orders/{id}"),
        ("actions = [{ path = \"/x\" }]", "{ path = \"/x\" }", "no `name`", "order"),
        ("actions = [{ name = \"chat\" }]", "{ name = \"chat\" }", "no `path`", "beacon = true"),
        ("actions = [{ name = \"a\", path = \"/x\", method = \"post\" }]", "\"post\"", "no method", "POST"),
        ("search = [\"a=b\"]", "\"a=b\"", "not the name of a query parameter", "alone"),
        ("resources = { parameters = [\"q\"] }", "\"q\"", "what people search for", "take it out"),
        ("actions = [{ name = \"other\", path = \"/x\" }]", "\"other\"", "each further action", "another name"),
    ] {
        error(&portal(&format!("[portal.engagement]\n{line}\n")), quoted, message, hint);
    }
    let off = "[portal.engagement]\ngather = false\nbeacon = true\n";
    warning(&portal(off), "false", "nobody hears", "beacon = false");
}

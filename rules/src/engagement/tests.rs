use super::*;
use crate::facts::Headers;

struct Fields(Vec<(&'static str, &'static str)>);

impl Headers for Fields {
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.0.iter().filter(|(field, _)| *field == name).for_each(|(_, value)| visit(value.as_bytes()));
    }
}

fn page(target: &str) -> Glance<'_> {
    Glance { target: target.as_bytes(), page: true, verb: Verb::Get, carried: Carried::Nothing }
}

fn call<'a>(method: &str, target: &'a str) -> Glance<'a> {
    Glance { page: false, verb: method.as_bytes().into(), ..page(target) }
}

fn place(engagement: &Engagement, target: &str) -> (String, String) {
    let Place { room, resource } = engagement.place(target.as_bytes());
    (room, resource)
}

fn support() -> Engagement {
    let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::path(text).unwrap()).collect();
    Engagement {
        rooms: vec![
            ("docs".into(), patterns(&["/docs/*", "/csp?id=kb*"])),
            ("guides".into(), patterns(&["/docs/guides/*"])),
        ],
        ids: vec![Template::new("/orders/{id}").unwrap(), Template::new("/kb/{id}/*").unwrap()],
        parameters: vec!["id".to_owned()],
        records: vec![Shape::new("/case/{id}").unwrap(), Shape::new("/csp?id=ticket*").unwrap()],
        actions: vec![
            OwnAction {
                name: "order".into(),
                path: Some(Shape::new("/orders/{id}/submit").unwrap()),
                method: Some(Verb::Post),
            },
            OwnAction { name: "chat".into(), path: None, method: None },
        ],
        ..Engagement::default()
    }
}

#[test]
fn a_resource_is_a_path_without_ids() {
    let plain = Engagement::default();
    for (target, room, resource) in [
        ("/", "home", "/"),
        ("/?q=secret", "home", "/"),
        ("/docs", "docs", "/docs"),
        ("/docs/", "docs", "/docs"),
        ("/docs/intro?from=mail", "docs", "/docs/intro"),
        ("/orders/4711", "orders", "/orders/{id}"),
        ("/orders/4711/lines/2", "orders", "/orders/{id}/lines/{id}"),
        ("/case/0b5f6d0e-9a7c-4f6e-8a8e-3f0d5b8f2a11", "case", "/case/{id}"),
        ("/kb/9f2d1c0a4e6b8d7f9f2d1c0a4e6b8d7f", "kb", "/kb/{id}"),
        ("/t/x7Gh29sKq81LmZp0Qw", "t", "/t/{id}"),
        ("/files/4711.pdf", "files", "/files/{id}.pdf"),
        ("/kb/how-to-upgrade-to-version-2026", "kb", "/kb/how-to-upgrade-to-version-2026"),
        ("/kb/KB0010023", "kb", "/kb/KB0010023"),
        ("/kb/internationalization", "kb", "/kb/internationalization"),
        ("/v2/api", "v2", "/v2/api"),
        ("/u/ann@example.com/x", "u", "/u/{id}/x"),
        ("/u/ann%40example.com", "u", "/u/{id}"),
        ("/4711", "{id}", "/{id}"),
        ("/a;jsessionid=AB12/..;/b", "a", "/a/../b"),
        ("/caf%C3%A9/men%C3%BC", "café", "/café/menü"),
        ("/a%2Fb%20c", "a%2Fb%20c", "/a%2Fb%20c"),
    ] {
        assert_eq!(place(&plain, target), (room.to_owned(), resource.to_owned()), "{target}");
    }
}

#[test]
fn a_portal_says_what_its_rooms_ids_and_parameters_are() {
    for (target, room, resource) in [
        ("/docs/guides/one", "guides", "/docs/guides/one"),
        ("/docs/one", "docs", "/docs/one"),
        ("/orders/spring-sale", "orders", "/orders/{id}"),
        ("/kb/printer/edit", "kb", "/kb/{id}/edit"),
        ("/csp?id=kb_article&sys_id=9f2d1c0a4e6b8d7f", "docs", "/csp?id=kb_article"),
        ("/csp?sys_id=1&id=home", "csp", "/csp?id=home"),
        ("/csp?idx=1", "csp", "/csp"),
    ] {
        assert_eq!(place(&support(), target), (room.to_owned(), resource.to_owned()), "{target}");
    }
}

#[test]
fn a_page_is_a_view_whatever_else_it_is() {
    let support = support();
    for (glance, view, action) in [
        (page("/docs/one"), true, None),
        (page("/find?q=printer"), true, Some("search")),
        (page("/find?q="), true, None),
        (page("/find?q=+%20+"), true, None),
        (page("/find?faq=printer"), true, None),
        (page("/case/77"), true, Some("record")),
        (page("/case/77/edit"), true, None),
        (page("/csp?id=ticket&sys_id=1"), true, Some("record")),
        (Glance { carried: Carried::Pdf, ..page("/manual.pdf") }, true, Some("pdf")),
        (Glance { carried: Carried::Download, ..call("GET", "/setup.zip") }, false, Some("download")),
        (call("POST", "/orders/spring/submit"), false, Some("order")),
    ] {
        let deed = support.deed(&glance).unwrap();
        assert_eq!((deed.view, deed.action), (view, action), "{glance:?}");
    }
}

#[test]
fn a_call_that_is_no_action_is_nothing() {
    for glance in [call("GET", "/orders/1/submit"), call("POST", "/find?q=printer"), call("GET", "/case/77")] {
        assert_eq!(support().deed(&glance), None, "{glance:?}");
    }
}

#[test]
fn what_was_searched_for_is_not_kept() {
    let support = support();
    let deed = support.deed(&page("/find?q=my+secret+disease")).unwrap();
    assert_eq!(deed.place.resource, "/find");
}

#[test]
fn downloads_and_documents_are_told_by_headers() {
    let kind = |kind| vec![("content-type", kind)];
    for (status, fields, expected) in [
        (200, kind("text/html; charset=utf-8"), Carried::Nothing),
        (200, kind("application/json"), Carried::Nothing),
        (200, kind("application/pdf"), Carried::Pdf),
        (200, kind("Application/ZIP"), Carried::Download),
        (200, kind("application/octet-stream; x=y"), Carried::Download),
        (200, kind("text/csv"), Carried::Download),
        (200, kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), Carried::Download),
        (404, kind("application/zip"), Carried::Nothing),
        (304, kind("application/pdf"), Carried::Nothing),
        (200, vec![("content-type", "application/pdf"), ("content-disposition", "attachment")], Carried::Download),
        (200, vec![("content-disposition", "ATTACHMENT; filename=a.png")], Carried::Download),
        (200, vec![("content-disposition", "inline"), ("content-type", "application/pdf")], Carried::Pdf),
        (200, vec![("content-disposition", "attachments")], Carried::Nothing),
        (206, vec![("content-type", "application/pdf"), ("content-range", "bytes 0-99/1000")], Carried::Pdf),
        (206, vec![("content-type", "application/pdf"), ("content-range", "bytes 100-199/1000")], Carried::Nothing),
        (206, kind("application/zip"), Carried::Nothing),
        (200, vec![], Carried::Nothing),
    ] {
        assert_eq!(carried(status, &Fields(fields.clone())), expected, "{status} {fields:?}");
    }
}

#[test]
fn names_are_bounded_and_harmless() {
    let long = format!("/{}", "%C3%A9".repeat(300));
    let (room, resource) = place(&Engagement::default(), &long);
    assert!(room.len() <= LONGEST && resource.len() <= LONGEST && resource.len() >= LONGEST - 1);
    assert!(resource.chars().skip(1).all(|char| char == 'é'), "{resource}");
    assert_eq!(legible(b"/a\x1b[31m\xff%E2%80%AE%00"), "/a\u{fffd}[31m\u{fffd}\u{fffd}%00");
    let deep = "/a".repeat(10_000);
    assert!(place(&Engagement::default(), &deep).1.len() <= LONGEST);
}

#[test]
fn templates_say_what_is_wrong_with_them() {
    for (text, why) in [
        ("orders/{id}", "does not begin"),
        ("/orders", "has no `{id}`"),
        ("/orders/x{id}", "no segment"),
        ("/orders/{id", "no segment"),
        ("/*/{id}", "no segment"),
        ("/orders//{id}", "no segment"),
        ("/orders/{id}?a", "no segment"),
    ] {
        let error = Template::new(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert!(Template::new("/kb/{id}/*").unwrap().matches(b"/kb/1"));
    assert!(!Template::new("/kb/{id}").unwrap().matches(b"/kb/1/2"));
}

//! A pattern, and texts to match, against a matcher that is slow and plain.
//!
//! Input: the pattern in the first line, a text in each other line.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use portalmeter_fuzz::lines;
use portalmeter_rules::pattern::Pattern;
use portalmeter_rules::portal::{Host, Map, Module, ModuleRule, Place};

fuzz_target!(|input: &[u8]| {
    let mut lines = lines(input);
    let Some(Ok(text)) = lines.next().map(std::str::from_utf8) else { return };
    let (path, agent, name) = (Pattern::path(text), Pattern::agent(text), Pattern::name(text));
    assert_eq!(name.is_ok(), (1..=1024).contains(&text.len()));
    assert_eq!(path.is_ok(), name.is_ok() && text.starts_with(['/', '*']));
    let module = ModuleRule::new(text, None);
    let named = ModuleRule::new(text, Some(vec![Arc::from("chat")]));
    let host = text.parse::<Host>();
    for line in lines {
        let lower = |text: &[u8]| text.to_ascii_lowercase();
        if let Ok(name) = &name {
            assert_eq!(name.matches(line), plainly(text.as_bytes(), line));
        }
        if let Ok(agent) = &agent {
            assert_eq!(agent.matches(line), plainly(&lower(text.as_bytes()), &lower(line)));
        }
        if let Ok(path) = &path {
            let end = if text.contains('?') { None } else { line.iter().position(|&byte| byte == b'?') };
            assert_eq!(path.matches_target(line), plainly(text.as_bytes(), &line[..end.unwrap_or(line.len())]));
        }
        if let (Ok(module), Ok(named)) = (&module, &named) {
            one_segment(text, line, module, named);
        }
        if let (Ok(host), Ok(asked)) = (&host, std::str::from_utf8(line)) {
            leads_home(host, &asked.to_ascii_lowercase());
        }
    }
});

/// Whether a pattern matches: from the end of both, for each beginning of one with each beginning of the other.
fn plainly(pattern: &[u8], text: &[u8]) -> bool {
    let mut before = vec![false; text.len() + 1];
    before[0] = true;
    for &wanted in pattern {
        let mut now = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            now[end] = if wanted == b'*' {
                before[end] || (end > 0 && now[end - 1])
            } else {
                end > 0 && before[end - 1] && wanted == text[end - 1]
            };
        }
        before = now;
    }
    before[text.len()]
}

fn one_segment(pattern: &str, path: &[u8], module: &ModuleRule, named: &ModuleRule) {
    let found = module.module(path);
    assert_eq!(found.is_some(), named.module(path).is_some(), "a list of names decides what is metered");
    if let Some(Module::Named(name)) = found {
        let before = pattern.split("{module}").next().unwrap_or_default();
        assert!(path.starts_with(format!("{before}{name}").as_bytes()));
        assert!(!name.is_empty() && name.len() <= 64 && !name.contains('/'));
    }
    if let Some(Module::Named(name)) = named.module(path) {
        assert_eq!(name, "chat");
    }
}

fn leads_home(host: &Host, asked: &str) {
    let place = Place { hosts: vec![host.clone()], paths: vec!["/a".to_owned()], default: false };
    let map = Map::new(vec![place]);
    let route = map.route(Some(asked), b"/a/b");
    let home = match host {
        Host::Exact(name) => asked == name,
        Host::Below(name) => {
            asked.strip_suffix(name.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
        Host::Any => true,
    };
    assert_eq!(route.map(|route| route.metered_by), home.then_some(Some(0)));
}

//! What of a portal is a page, and which module it belongs to.

use std::sync::Arc;

use portalmeter_meter::policy::Experience;
use portalmeter_rules::page::Pages;
use portalmeter_rules::pattern::Pattern;
use portalmeter_rules::portal::{BadModuleRule, ModuleRule};
use portalmeter_rules::product::Marker;
use portalmeter_rules::target;

use super::names::plain_name;
use super::problem::Notes;
use super::product::Preset;
use super::raw::{self, Text};

pub(super) fn build(raw: &raw::Pages, preset: &Preset, experience: Experience, notes: &mut Notes) -> Pages {
    for text in [&raw.login, &raw.logout, &raw.background].into_iter().flatten().flatten().chain(&raw.ignore) {
        one_reading(text, notes);
    }
    let mut said = |texts: &Option<Vec<Text>>, filled: &[Marker]| match texts {
        Some(texts) => patterns(texts, notes),
        None => filled.iter().filter_map(|marker| Pattern::path(marker.text).ok()).collect(),
    };
    Pages {
        login: said(&raw.login, preset.login),
        logout: said(&raw.logout, preset.logout),
        pages: said(&raw.pages, preset.pages),
        background: said(&raw.background, preset.background),
        ignore: patterns(&raw.ignore, notes),
        frames: experience == Experience::WebEmbeddables,
    }
}

fn patterns(texts: &[Text], notes: &mut Notes) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for text in texts {
        match Pattern::path(text.get_ref()) {
            Ok(pattern) => {
                one_form(text, notes);
                patterns.push(pattern);
            }
            Err(error) => {
                let hint = if text.get_ref().is_empty() {
                    "\"/*\" is everything".to_owned()
                } else {
                    anchored(text.get_ref())
                };
                notes.error(text.span(), error.to_string()).advise(hint);
            }
        }
    }
    patterns
}

/// A warning if no address is ever matched in this form.
pub(super) fn one_form(text: &Text, notes: &mut Notes) {
    let written = text.get_ref();
    let normal = target::normal(written.as_bytes());
    if written.starts_with('/') && *normal != *written.as_bytes() {
        let normal = String::from_utf8_lossy(&normal).into_owned();
        notes
            .warn(text.span(), format!("`{written}` matches nothing: addresses are matched in one form"))
            .advise(format!("write \"{normal}\""));
    }
}

/// A warning if servers do not agree on what the pattern stands for: what it spares it spares in both readings.
fn one_reading(text: &Text, notes: &mut Notes) {
    let written = text.get_ref();
    let normal = target::normal(written.as_bytes());
    if target::is_doubtful(&normal) || target::other(&normal).is_some() {
        notes
            .warn(text.span(), format!("`{written}` spares nothing: some servers read it as another address"))
            .advise("write `*` for `%2F`, `%5C` and `;`");
    }
}

/// What a path that begins anyhow was meant to be.
pub(super) fn anchored(text: &str) -> String {
    match text.split_once("://").map_or(text, |(_, rest)| rest).split_once('/') {
        Some((_, path)) if text.contains("://") => format!("write \"/{path}\": hosts are said by `hosts`"),
        _ => format!("write \"/{text}\""),
    }
}

pub(super) fn module(raw: &raw::Pages, notes: &mut Notes) -> Option<ModuleRule> {
    let names = raw.modules.as_ref().map(|list| {
        let names: Vec<Arc<str>> = list.get_ref().iter().filter_map(|text| module_name(text, notes)).collect();
        names
    });
    let Some(text) = &raw.module else {
        if let Some(list) = &raw.modules {
            let hint = "module = \"/embed/{module}/**\" says where the name stands";
            notes.missing(list.span(), "`modules` without `module`", hint);
        }
        return None;
    };
    let pattern = text.get_ref();
    if !pattern.starts_with('/') && pattern.contains("{module}") {
        notes
            .error(text.span(), format!("the path pattern `{pattern}` does not begin with `/`"))
            .advise(anchored(pattern));
        return None;
    }
    ModuleRule::new(pattern, names)
        .map_err(|error| {
            let hint = match &error {
                BadModuleRule::NoModule(_) => "module = \"/embed/{module}/**\"",
                BadModuleRule::NotASegment(_) => "such as \"/embed/{module}/**\"",
            };
            notes.error(text.span(), error.to_string()).advise(hint);
        })
        .ok()
}

/// What all unlisted modules are counted as.
const OTHER: &str = "other";

fn module_name(text: &Text, notes: &mut Notes) -> Option<Arc<str>> {
    if text.get_ref() == OTHER {
        notes.error(text.span(), "`other` is what unlisted modules are counted as").advise("leave it out");
        return None;
    }
    plain_name(text, "module", notes).map(Arc::from)
}

/// What an embeddables portal should say, and does not. Nothing keeps it from running.
pub(super) fn embeddables(raw: &raw::Portal, notes: &mut Notes) {
    let Some(experience) = &raw.experience else { return };
    if raw.pages.module.is_none() {
        notes
            .warn(
                experience.span(),
                "web_embeddables without `pages.module`: sessions are counted for the portal as a whole",
            )
            .advise("module = \"/embed/{module}/**\" under [portal.pages] counts them per module");
    }
    if raw.pages.pages.as_ref().is_none_or(Vec::is_empty) {
        notes
            .warn(
                experience.span(),
                "web_embeddables without `pages.pages`: a component that is script alone shows no page",
            )
            .advise("name the first call of its view: pages = [\"/embed/*/open\"]");
    }
}

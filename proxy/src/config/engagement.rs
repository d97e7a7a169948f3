//! How a portal's engagement is gathered: rooms, resources, actions, and what browsers may tell of.

use std::sync::Arc;

use portalmeter_rules::engagement::{BROWSERS, BadTemplate, Engagement, OwnAction, Shape, Template, Verb};
use portalmeter_rules::pattern::Pattern;
use toml::{Spanned, Value};

use super::names::plain_name;
use super::nearest::suggestion;
use super::pages;
use super::problem::Notes;
use super::raw::{self, Text};

/// How a portal's engagement is gathered.
#[derive(Debug, Clone)]
pub(crate) struct Gathers {
    /// What is what.
    pub(crate) by: Arc<Engagement>,
    /// Whether browsers may tell of more, and of what.
    pub(crate) beacon: Option<Beacon>,
}

/// What browsers may tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beacon {
    /// By these names.
    pub(crate) actions: Vec<Arc<str>>,
    /// The script is put into pages.
    pub(crate) inject: bool,
}

/// What names beyond the bounds become.
const OTHER: &str = "other";
/// More would not fit into a day: see `meter/src/gather/sums.rs`.
const MOST_ACTIONS: usize = 16;
const MOST_ROOMS: usize = 100;
/// One query is read for each of them.
const MOST_PARAMETERS: usize = 16;
/// What pages of a ServiceNow portal are told apart by.
const SERVICENOW: &str = "id";

/// `None`: nothing is gathered.
pub(super) fn build(portal: &raw::Portal, notes: &mut Notes) -> Option<Gathers> {
    let nothing = raw::Engagement::default();
    let raw = portal.engagement.as_ref().map_or(&nothing, Spanned::get_ref);
    let servicenow = portal.product.as_ref().is_some_and(|product| product.get_ref() == "servicenow");
    let beacon = beacon(raw.beacon.as_ref(), notes);
    let actions = actions(&raw.actions, beacon.is_some(), notes);
    let mut engagement = Engagement {
        rooms: rooms(raw, notes),
        ids: raw.id_patterns.iter().filter_map(|text| checked(text, Template::new, notes)).collect(),
        parameters: match &raw.resources.parameters {
            Some(names) => parameters(names, notes),
            None if servicenow => vec![SERVICENOW.to_owned()],
            None => Vec::new(),
        },
        records: raw.records.iter().filter_map(|text| checked(text, Shape::new, notes)).collect(),
        actions,
        ..Engagement::default()
    };
    if let Some(names) = &raw.search {
        engagement.search = parameters(names, notes);
    }
    unspoken(raw, &engagement.search, notes);
    if let Some(gather) = raw.gather.as_ref().filter(|gather| !gather.get_ref()) {
        if beacon.is_some() {
            notes.warn(gather.span(), "`gather` is off: nobody hears what browsers tell").advise("beacon = false");
        }
        return None;
    }
    let beacon = beacon.map(|inject| {
        // What the portal's traffic tells of, no browser needs to.
        let own = engagement.actions.iter().filter(|action| action.path.is_none());
        let own = own.map(|action| Arc::clone(&action.name));
        Beacon { actions: BROWSERS.map(Arc::from).into_iter().chain(own).collect(), inject }
    });
    Some(Gathers { by: Arc::new(engagement), beacon })
}

fn rooms(raw: &raw::Engagement, notes: &mut Notes) -> Vec<(Arc<str>, Vec<Pattern>)> {
    let mut rooms = Vec::new();
    for (name, patterns) in &raw.rooms {
        if patterns.is_empty() {
            notes.error(name.span(), format!("room `{}` has no paths", name.get_ref())).advise("such as [\"/docs/*\"]");
        }
        if rooms.len() == MOST_ROOMS {
            notes.error(name.span(), format!("more than {MOST_ROOMS} rooms")).advise("one pattern may be many pages");
            break;
        }
        let patterns = patterns.iter().filter_map(|text| checked(text, Pattern::path, notes)).collect();
        if let Some(name) = own_name(name, "room", notes) {
            rooms.push((name, patterns));
        }
    }
    rooms
}

fn actions(raw: &[Spanned<raw::Action>], beacon: bool, notes: &mut Notes) -> Vec<OwnAction> {
    let mut actions: Vec<OwnAction> = Vec::new();
    for action in raw {
        let (at, raw) = (action.span(), action.get_ref());
        let example = "{ name = \"order\", path = \"/order/submit\", method = \"POST\" }";
        let Some(name) = &raw.name else {
            notes.missing(at, "an action has no `name`", example);
            continue;
        };
        if actions.len() == MOST_ACTIONS {
            notes.error(at, format!("more than {MOST_ACTIONS} actions")).advise("one pattern may be many paths");
            break;
        }
        if raw.path.is_none() && !beacon {
            let problem = notes.error(at, format!("the action `{}` has no `path`", name.get_ref()));
            problem.advise("say which path it is, or let browsers tell of it: beacon = true");
        }
        let method = raw.method.as_ref().and_then(|text| method(text, notes));
        let path = raw.path.as_ref().map(|text| checked(text, Shape::new, notes));
        if let (Some(name), None | Some(Some(_))) = (own_name(name, "action", notes), &path) {
            actions.push(OwnAction { name, path: path.flatten(), method });
        }
    }
    actions
}

fn method(text: &Text, notes: &mut Notes) -> Option<Verb> {
    let found = Verb::ALL.iter().find(|(name, _)| *name == text.get_ref());
    if found.is_none() {
        let names = Verb::ALL.map(|(name, _)| name);
        let problem = notes.error(text.span(), format!("`{}` is no method of an action", text.get_ref()));
        problem.advise(suggestion(&text.get_ref().to_uppercase(), &names));
    }
    found.map(|(_, verb)| *verb)
}

/// `Some(whether to inject)`, if it is on.
fn beacon(raw: Option<&Spanned<Value>>, notes: &mut Notes) -> Option<bool> {
    let written = raw?;
    match written.get_ref() {
        Value::Boolean(on) => on.then_some(false),
        Value::String(word) if word == "inject" => Some(true),
        other => {
            notes
                .error(written.span(), format!("`{}` is no way to have a beacon", other.to_string().trim_matches('"')))
                .advise("true, false, or \"inject\" to have the script put into pages");
            None
        }
    }
}

fn own_name(text: &Text, what: &str, notes: &mut Notes) -> Option<Arc<str>> {
    if text.get_ref() == OTHER {
        let problem = notes.error(text.span(), format!("`other` is what each further {what} is counted as"));
        problem.advise("find another name");
        return None;
    }
    plain_name(text, what, notes).map(Arc::from)
}

/// Names of query parameters.
fn parameters(texts: &[Text], notes: &mut Notes) -> Vec<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]".contains(&byte);
    let mut names = Vec::new();
    for text in texts {
        let name = text.get_ref();
        if !(1..=64).contains(&name.len()) || !name.bytes().all(legal) {
            let problem = notes.error(text.span(), format!("`{name}` is not the name of a query parameter"));
            problem.advise("the name alone, such as \"id\"");
        } else if names.len() == MOST_PARAMETERS {
            notes
                .error(text.span(), format!("more than {MOST_PARAMETERS} parameters"))
                .advise("name those that matter");
            break;
        } else {
            names.push(name.clone());
        }
    }
    names
}

/// What people search for is not to become the name of a resource.
fn unspoken(raw: &raw::Engagement, search: &[String], notes: &mut Notes) {
    for text in raw.resources.parameters.iter().flatten() {
        if search.contains(text.get_ref()) {
            notes
                .error(text.span(), format!("`{}` holds what people search for, which is not stored", text.get_ref()))
                .advise("take it out, or say by `search` which parameters hold searches");
        }
    }
}

/// A pattern, checked, and in the form that addresses are matched in.
fn checked<T, E: Into<BadTemplate>>(text: &Text, read: impl Fn(&str) -> Result<T, E>, notes: &mut Notes) -> Option<T> {
    match read(text.get_ref()) {
        Ok(read) => {
            if !text.get_ref().contains('{') {
                pages::one_form(text, notes);
            }
            Some(read)
        }
        Err(error) => {
            let error = error.into();
            let hint = match &error {
                BadTemplate::NotAPath(path) => pages::anchored(path),
                BadTemplate::Pattern(_) if !text.get_ref().is_empty() => pages::anchored(text.get_ref()),
                _ => "such as \"/orders/{id}\" or \"/kb/{id}/*\"".to_owned(),
            };
            notes.error(text.span(), error.to_string()).advise(hint);
            None
        }
    }
}

//! What a portal's roles mean: a preset, and over it the portal's own lists.

use portalmeter_meter::policy::Experience;
use portalmeter_rules::roles::{Roles, Unmapped};

use super::policy::one_of;
use super::problem::Notes;
use super::product::Preset;
use super::raw::{self, Text};

pub(super) fn build(raw: &raw::Roles, product: &Preset, experience: Experience, notes: &mut Notes) -> Roles {
    let embeddables = experience == Experience::WebEmbeddables;
    let preset = one_of(raw.preset.as_ref(), &[("servicenow", ())], notes).or(product.servicenow_roles.then_some(()));
    let mut roles = preset.map(|()| Roles::servicenow(embeddables)).unwrap_or_default();
    twice(raw, notes);
    let own = |list: &[Text]| list.iter().map(|text| text.get_ref().clone()).collect::<Vec<String>>();
    let lists = [own(&raw.internal), own(&raw.external), own(&raw.guest)];
    // What the portal says of a role wins over what the preset says of it.
    let said: Vec<&String> = lists.iter().flatten().collect();
    for list in [&mut roles.internal, &mut roles.external, &mut roles.guest] {
        list.retain(|role| !said.contains(&role));
    }
    let [internal, external, guest] = lists;
    roles.internal.extend(internal);
    roles.external.extend(external);
    roles.guest.extend(guest);
    let words = [("external", Unmapped::External), ("ignore", Unmapped::Ignore)];
    let default = if embeddables { Unmapped::Ignore } else { Unmapped::External };
    roles.unmapped = one_of(raw.unmapped.as_ref(), &words, notes).unwrap_or(default);
    if let Some(text) = raw.unmapped.as_ref().filter(|_| roles.is_empty()) {
        notes
            .warn(text.span(), "does nothing without roles")
            .advise("preset = \"servicenow\", or external, internal, guest");
    }
    roles
}

/// Empty names, and names in two lists.
fn twice(raw: &raw::Roles, notes: &mut Notes) {
    let mut seen: Vec<(&Text, &str)> = Vec::new();
    for (list, meaning) in [(&raw.internal, "internal"), (&raw.external, "external"), (&raw.guest, "guest")] {
        for text in list {
            if text.get_ref().trim().is_empty() || text.get_ref().contains(',') {
                notes
                    .error(text.span(), format!("`{}` is not a role", text.get_ref()))
                    .advise("one role a text, without commas");
            }
            if let Some((first, before)) = seen.iter().find(|(first, _)| first.get_ref() == text.get_ref()) {
                if *before == meaning {
                    continue;
                }
                notes
                    .error(text.span(), format!("`{}` is {before} and {meaning}", text.get_ref()))
                    .also(first.span(), "the first")
                    .advise("a role means one thing");
            }
            seen.push((text, meaning));
        }
    }
}

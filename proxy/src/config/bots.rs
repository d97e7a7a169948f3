//! What the operator changes about which agents are bots.

use std::collections::BTreeSet;
use std::sync::Arc;

use portalmeter_rules::agent::{AgentOptions, Agents, Category, Patterns, SignatureKeys};
use portalmeter_rules::pattern::Pattern;

use super::around::Around;
use super::nearest::suggestion;
use super::policy::one_of;
use super::problem::Notes;
use super::raw::{self, Text};

pub(super) fn build(raw: &raw::Bots, around: Around<'_>, notes: &mut Notes) -> Arc<Agents> {
    let mut human_categories = BTreeSet::new();
    for (name, meaning) in &raw.categories {
        let human = one_of(Some(meaning), &[("human", true), ("bot", false)], notes);
        match name.get_ref().parse::<Category>() {
            Ok(category) if human == Some(true) => {
                human_categories.insert(category);
            }
            Ok(_) => {}
            Err(unknown) => {
                let names = Category::ALL.map(Category::as_str);
                notes.error(name.span(), unknown.to_string()).advise(suggestion(name.get_ref(), &names));
            }
        }
    }
    let options = AgentOptions {
        allow: agents(&raw.allow, notes),
        add: agents(&raw.add, notes),
        human_categories,
        signature_keys: raw.signature_keys.as_ref().map(|file| keys(file, around, notes)).unwrap_or_default(),
    };
    Arc::new(Agents::new(options))
}

fn keys(file: &Text, around: Around<'_>, notes: &mut Notes) -> SignatureKeys {
    let Some(text) = around.read(file, "keys", notes) else { return SignatureKeys::default() };
    SignatureKeys::from_jwks(&text).unwrap_or_else(|error| {
        notes
            .error(file.span(), format!("`{}`: {error}", file.get_ref()))
            .advise("a JSON Web Key Set, as agents publish theirs: {\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"…\"}]}");
        SignatureKeys::default()
    })
}

fn agents(texts: &[Text], notes: &mut Notes) -> Patterns {
    let mut patterns = Vec::new();
    for text in texts {
        if text.get_ref() == "*" {
            notes.warn(text.span(), "`*` is every agent there is");
        }
        match Pattern::agent(text.get_ref()) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                notes.error(text.span(), error.to_string()).advise("such as \"AcmeProbe*\"");
            }
        }
    }
    Patterns::new(patterns).unwrap_or_else(|error| {
        if let Some(first) = texts.first() {
            notes.error(first.span(), error.to_string()).advise("a pattern with `*` in it stands for many");
        }
        Patterns::default()
    })
}

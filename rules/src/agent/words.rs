//! One automaton over every word of the rule set, and what a hit of each means.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{
    Bot,
    bounds::Bounds,
    shape::{app_part, device_part, is_phone},
    tokens::{Group, HUMAN, SAID_BY_APPS, TOKENS, WORDS},
};

/// Finds the words of the tables in a text: one pass, whatever the text.
pub(super) struct Words {
    /// `None` only if the tables outgrew the automaton, which a test rules out.
    automaton: Option<AhoCorasick>,
    meanings: Vec<Meaning>,
}

struct Meaning {
    bounds: Bounds,
    says: Says,
}

enum Says {
    /// Part of a phone's or an app's name: whatever bot's word is inside it does not count.
    Human,
    /// The product of a known bot.
    Named(Bot),
    /// A word that only bots use of themselves.
    Generic(Bot),
    /// A word that bots use of themselves, and apps on phones of other things.
    Doubtful(Bot),
}

impl Words {
    /// The one of this process: every portal has the same words.
    pub(super) fn shared() -> &'static Self {
        static WORDS: LazyLock<Words> = LazyLock::new(Words::new);
        &WORDS
    }

    fn new() -> Self {
        let mut texts = Vec::new();
        let mut meanings = Vec::new();
        for &text in HUMAN {
            texts.push(text);
            meanings.push(Meaning { bounds: Bounds::Inside, says: Says::Human });
        }
        let named = TOKENS.iter().copied().flatten().map(|group| (group, "token", Says::Named as fn(Bot) -> Says));
        let generic = WORDS.iter().map(|group| (group, "word", Says::Generic as fn(Bot) -> Says));
        let doubtful = SAID_BY_APPS.iter().map(|group| (group, "word", Says::Doubtful as fn(Bot) -> Says));
        for (group, kind, says) in named.chain(generic).chain(doubtful) {
            for &text in group.texts {
                texts.push(text);
                meanings.push(Meaning { bounds: group.bounds, says: says(bot(kind, text, group)) });
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(texts)
            .ok();
        Self { automaton, meanings }
    }

    /// The word by which `text` names a bot: the first known product, else the first generic word.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        let device = device_part(text);
        let mut generic = None;
        for hit in self.automaton.as_ref()?.find_iter(text) {
            let word = hit.pattern().as_usize();
            let Some(meaning) = self.meanings.get(word) else { continue };
            match &meaning.says {
                Says::Human => {}
                _ if device.contains(&hit.start()) && text.get(hit.end()) != Some(&b'/') => {}
                _ if !meaning.bounds.hold(text, hit.range()) => {}
                _ if app_part(text).contains(&hit.start()) && text.get(hit.end()) != Some(&b'/') => {}
                Says::Named(_) => return Some(word),
                Says::Doubtful(_) if generic.is_some() || is_phone(text) => {}
                Says::Generic(_) | Says::Doubtful(_) => generic = generic.or(Some(word)),
            }
        }
        generic
    }

    /// The bot that a word names.
    pub(super) fn bot(&self, word: usize) -> Option<&Bot> {
        match &self.meanings.get(word)?.says {
            Says::Human => None,
            Says::Named(bot) | Says::Generic(bot) | Says::Doubtful(bot) => Some(bot),
        }
    }
}

fn bot(kind: &str, text: &str, group: &Group) -> Bot {
    let name = product(text);
    Bot::new(name, group.category, format!("agent:{kind}:{name}"))
}

/// A token without its version.
fn product(token: &str) -> &str {
    match token.split_once('/') {
        Some((name, version)) if !version.starts_with('/') => name,
        _ => token,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::agent::Category;

    #[test]
    fn every_token_is_found_where_it_stands_alone() {
        let words = Words::shared();
        for group in TOKENS.iter().copied().flatten().chain(WORDS).chain(SAID_BY_APPS) {
            for text in group.texts {
                let found = words.find(text.as_bytes()).and_then(|word| words.bot(word)).map(|bot| bot.category);
                assert_eq!(found, Some(group.category), "{text}");
            }
        }
    }

    #[test]
    fn a_rule_is_named_after_the_product_without_its_version() {
        assert_eq!(product("Java/1"), "Java");
        assert_eq!(product("https://"), "https://");
    }

    #[test]
    fn no_word_is_listed_twice() {
        let mut seen = BTreeSet::new();
        let groups = TOKENS.iter().copied().flatten().chain(WORDS).chain(SAID_BY_APPS);
        let texts = groups.flat_map(|group| group.texts).chain(HUMAN);
        for text in texts {
            assert!(seen.insert(text.to_ascii_lowercase()), "{text}");
        }
    }

    #[test]
    fn a_product_is_preferred_to_a_generic_word() {
        let words = Words::shared();
        let word = words.find(b"some crawler, Googlebot/2.1");
        let found = word.and_then(|word| words.bot(word)).map(|bot| bot.rule.to_string());
        assert_eq!(found.as_deref(), Some("agent:token:Googlebot"));
    }

    #[test]
    fn every_category_has_a_token() {
        let used: BTreeSet<_> = TOKENS.iter().copied().flatten().map(|group| group.category).collect();
        assert_eq!(used.len(), Category::ALL.len());
    }
}

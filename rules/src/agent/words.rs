//! One automaton over every word of the rule set, and what a hit of each means.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use super::{
    Bot,
    bounds::Bounds,
    shape::{device_part, is_phone},
    tokens::{APPS, Group, HUMAN, SAID_BY_APPS, TOKENS, WORDS},
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
    /// From here on an app says what it is, what it runs on and who carries its calls.
    App,
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
        let harmless = HUMAN.iter().map(|text| (text, Says::Human)).chain(APPS.iter().map(|text| (text, Says::App)));
        for (&text, says) in harmless {
            texts.push(text);
            meanings.push(Meaning { bounds: Bounds::Inside, says });
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
    ///
    /// Not where the maker of a phone says what it is, nor from where an app says what it runs on.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        let mut generic = None;
        for part in telling_parts(text) {
            for hit in self.automaton.as_ref()?.find_iter(Input::new(text).range(part)) {
                let word = hit.pattern().as_usize();
                let Some(meaning) = self.meanings.get(word) else { continue };
                match &meaning.says {
                    Says::Human => {}
                    Says::App => return generic,
                    _ if !meaning.bounds.hold(text, hit.range()) => {}
                    Says::Named(_) => return Some(word),
                    Says::Doubtful(_) if generic.is_some() || is_phone(text) => {}
                    Says::Generic(_) | Says::Doubtful(_) => generic = generic.or(Some(word)),
                }
            }
        }
        generic
    }

    /// The bot that a word names.
    pub(super) fn bot(&self, word: usize) -> Option<&Bot> {
        match &self.meanings.get(word)?.says {
            Says::Human | Says::App => None,
            Says::Named(bot) | Says::Generic(bot) | Says::Doubtful(bot) => Some(bot),
        }
    }
}

/// The text without a phone's description, and without what stands in nearly every browser's: half the time saved.
fn telling_parts(text: &[u8]) -> [Range<usize>; 2] {
    let device = device_part(text);
    let begin = if text.starts_with(MOZILLA) { MOZILLA.len() } else { 0 };
    let close = if device.is_empty() { memchr::memchr(b')', text) } else { Some(device.end) };
    let rest = close.and_then(|close| text.get(close..)).unwrap_or_default();
    let known = ENGINES.iter().find(|engine| rest.starts_with(engine)).map_or(0, |engine| engine.len());
    match close {
        Some(close) if !device.is_empty() => [begin.min(device.start)..device.start, close + known..text.len()],
        Some(close) if known > 0 => [begin.min(close)..close, close + known..text.len()],
        _ => [begin..text.len(), 0..0],
    }
}

const MOZILLA: &[u8] = b"Mozilla/5.0 (";

/// The engines of most browsers, with the bracket before them.
const ENGINES: &[&[u8]] =
    &[b") AppleWebKit/537.36 (KHTML, like Gecko) ", b") AppleWebKit/605.1.15 (KHTML, like Gecko) "];

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
    fn what_every_browser_says_is_not_searched() {
        let told = |text: &str| telling_parts(text.as_bytes()).map(|part| text[part].to_owned());
        let engine = "AppleWebKit/537.36 (KHTML, like Gecko)";
        assert_eq!(told(&format!("Mozilla/5.0 (X11; bot) {engine} bot/1")), ["X11; bot", "bot/1"]);
        assert_eq!(told(&format!("Mozilla/5.0 (Linux; Android 16; X) {engine} bot/1")), ["", "bot/1"]);
        assert_eq!(told("Mozilla/5.0 (Linux; Android 16; X) bot/1"), ["", ") bot/1"]);
        assert_eq!(told("Mozilla/5.0 (bot) Gecko/1"), ["bot) Gecko/1", ""]);
        assert_eq!(told("bot (X)"), ["bot (X)", ""]);
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
        let texts = groups.flat_map(|group| group.texts).chain(HUMAN).chain(APPS);
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

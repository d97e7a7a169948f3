//! Is the sender a bot? Judged by its User-Agent, and by the one header that betrays a headless Chrome.
//!
//! The first rule that speaks wins: the operator's `allow`, the operator's `add`, no User-Agent at
//! all, a known bot's product, a word or an address that only bots use of themselves, a headless
//! client hint, a Chrome that never shipped, a text that is no browser's, a signature. Every verdict names its
//! rule, and [`Agents::version`] names the rule set, so that a bill can be argued about.
//!
//! ```
//! use portalmeter_rules::agent::{Agents, Category};
//!
//! let agents = Agents::builtin();
//! let bot = agents.classify(b"Mozilla/5.0 (compatible; Googlebot/2.1)", None).ok_or("human")?;
//! assert_eq!((&*bot.rule, bot.category), ("agent:token:Googlebot", Category::Search));
//! # Ok::<(), &str>(())
//! ```

mod bounds;
mod category;
mod chrome;
mod desktop;
mod patterns;
mod recent;
mod shape;
mod signed;
mod tokens;
mod words;

use std::{collections::BTreeSet, fmt, sync::Arc};

pub use category::{Category, UnknownCategory};
pub use patterns::{Patterns, TooMuch};
pub use signed::{BadKeys, SignatureKeys};

use crate::{
    facts::{Headers, Request},
    pattern::Pattern,
};
use desktop::Odd;
use recent::Recent;
use words::Words;

/// The rule set, ours and the operator's. Built once; cheap to clone.
#[derive(Clone)]
pub struct Agents {
    rules: Arc<Rules>,
}

/// What the operator changes about the rules.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    /// Never bots, whatever else speaks.
    pub allow: Patterns,
    /// Bots, of category [`Category::Other`], even where that category counts as human.
    pub add: Patterns,
    /// Bots of these categories count as people.
    pub human_categories: BTreeSet<Category>,
    /// By which keys bots sign.
    pub signature_keys: SignatureKeys,
}

/// A verdict: which bot, what for, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// The product, word or pattern that gave it away.
    pub name: Arc<str>,
    /// What it is for.
    pub category: Category,
    /// The rule that spoke, such as `agent:token:Googlebot`.
    pub rule: Arc<str>,
    /// The same with the version of the rules, as records keep it: `agent:token:Googlebot@2026-11-22.1`.
    pub rule_of_version: Arc<str>,
}

impl Bot {
    fn new(name: &str, category: Category, rule: String) -> Self {
        let rule_of_version = format!("{rule}@{}", tokens::VERSION).into();
        Self { name: name.into(), category, rule: rule.into(), rule_of_version }
    }
}

struct Rules {
    allow: Patterns,
    add: Patterns,
    added: Vec<Bot>,
    human_categories: BTreeSet<Category>,
    signature_keys: SignatureKeys,
    words: &'static Words,
    shapes: Shapes,
    recent: Recent<Text>,
}

/// What a User-Agent's text says, before any header is looked at.
#[derive(Clone, Copy)]
enum Text {
    /// It is empty, or says outright that it is a bot.
    Says(BotAt),
    /// It betrays one, unless a header says more.
    Betrays(BotAt),
    /// It is a browser's.
    Browser,
}

/// Where a bot stands among the rules.
#[derive(Clone, Copy)]
enum BotAt {
    Empty,
    Word(usize),
    Address,
    ForgedChrome,
    Compatible,
    NoBrowser,
    Odd(Odd),
}

struct Shapes {
    empty: Bot,
    too_long: Bot,
    address: Bot,
    compatible: Bot,
    headless_hint: Bot,
    forged_chrome: Bot,
    no_browser: Bot,
    odd_product: Bot,
    odd_remark: Bot,
    odd_computer: Bot,
    no_engine: Bot,
}

impl Agents {
    /// Our rules with the operator's.
    pub fn new(options: AgentOptions) -> Self {
        let AgentOptions { allow, add, human_categories, signature_keys } = options;
        let added = add.iter().map(added).collect();
        Self {
            rules: Arc::new(Rules {
                allow,
                add,
                added,
                human_categories,
                signature_keys,
                words: Words::shared(),
                shapes: Shapes::new(),
                recent: Recent::new(),
            }),
        }
    }

    /// Our rules alone.
    pub fn builtin() -> Self {
        Self::new(AgentOptions::default())
    }

    /// The bot that sent the request, or `None` for a person.
    ///
    /// A log that does not write User-Agents down proves nothing by their absence.
    pub fn sender(&self, request: &Request<'_>) -> Option<Bot> {
        let agent = request.headers.first("user-agent");
        let told = agent.is_some() || request.tells_agent;
        self.decide(told.then(|| agent.unwrap_or_default()), Some(request.headers), Some(request))
    }

    /// The bot that sent this User-Agent and these headers, or `None` for a person.
    ///
    /// Only the first 1,024 bytes are read, by the operator's patterns too: what is longer is no browser's.
    pub fn classify(&self, user_agent: &[u8], headers: Option<&dyn Headers>) -> Option<Bot> {
        self.decide(Some(user_agent), headers, None)
    }

    fn decide(
        &self,
        user_agent: Option<&[u8]>,
        headers: Option<&dyn Headers>,
        request: Option<&Request<'_>>,
    ) -> Option<Bot> {
        let rules = &*self.rules;
        let text = user_agent.map(|text| text.get(..LONGEST).unwrap_or(text));
        if text.is_some_and(|text| rules.allow.find(text).is_some()) {
            return None;
        }
        let added = text.and_then(|text| rules.added.get(rules.add.find(text)?));
        if let Some(bot) = added {
            return Some(bot.clone());
        }
        // What it says of itself is the better name: a key tells whose a bot is, not which.
        let named = match user_agent {
            Some(long) if long.len() > LONGEST => Some(&rules.shapes.too_long),
            _ => text.and_then(|text| rules.judge(text, headers)),
        };
        let bot = named.or_else(|| rules.signature_keys.signer(request?))?;
        (!rules.human_categories.contains(&bot.category)).then(|| bot.clone())
    }

    /// The version of our rules: a day, and a number on that day.
    pub fn version() -> &'static str {
        tokens::VERSION
    }
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents").field("version", &Self::version()).finish_non_exhaustive()
    }
}

impl Rules {
    fn judge(&self, text: &[u8], headers: Option<&dyn Headers>) -> Option<&Bot> {
        let found = self.recent.find(text, || self.read(text));
        match found {
            Text::Says(bot) => self.bot(bot),
            _ if headers.is_some_and(hints_at_headless) => Some(&self.shapes.headless_hint),
            Text::Betrays(bot) => self.bot(bot),
            Text::Browser => None,
        }
    }

    fn read(&self, text: &[u8]) -> Text {
        if shape::is_empty(text) {
            return Text::Says(BotAt::Empty);
        }
        let begins_like_browser = shape::begins_like_browser(text);
        if !begins_like_browser && !shape::has_browser_form(text) {
            // A bot's, whatever follows: its words only name it.
            let word = self.words.find(text.get(..NAMES).unwrap_or(text));
            return word.map_or(Text::Betrays(BotAt::NoBrowser), |word| Text::Says(BotAt::Word(word)));
        }
        if let Some(word) = self.words.find(text) {
            return Text::Says(BotAt::Word(word));
        }
        if shape::has_address(text) {
            return Text::Says(BotAt::Address);
        }
        if chrome::is_forged(text) {
            return Text::Betrays(BotAt::ForgedChrome);
        }
        if shape::is_merely_compatible(text) {
            return Text::Betrays(BotAt::Compatible);
        }
        if begins_like_browser && !shape::has_browser_form(text) {
            return Text::Betrays(BotAt::NoBrowser);
        }
        desktop::oddity(text).map_or(Text::Browser, |odd| Text::Betrays(BotAt::Odd(odd)))
    }

    fn bot(&self, at: BotAt) -> Option<&Bot> {
        let shapes = &self.shapes;
        match at {
            BotAt::Empty => Some(&shapes.empty),
            BotAt::Word(word) => self.words.bot(word),
            BotAt::Address => Some(&shapes.address),
            BotAt::ForgedChrome => Some(&shapes.forged_chrome),
            BotAt::Compatible => Some(&shapes.compatible),
            BotAt::NoBrowser => Some(&shapes.no_browser),
            BotAt::Odd(Odd::Product) => Some(&shapes.odd_product),
            BotAt::Odd(Odd::Remark) => Some(&shapes.odd_remark),
            BotAt::Odd(Odd::Computer) => Some(&shapes.odd_computer),
            BotAt::Odd(Odd::Engine) => Some(&shapes.no_engine),
        }
    }
}

impl Shapes {
    fn new() -> Self {
        let bot = |name, category, rule: &str| Bot::new(name, category, rule.to_owned());
        Self {
            empty: bot("no User-Agent", Category::Other, "agent:shape:empty"),
            too_long: bot("too long", Category::Other, "agent:shape:too-long"),
            address: bot("mail address", Category::Other, "agent:shape:address"),
            compatible: bot("merely compatible", Category::Other, "agent:shape:compatible"),
            headless_hint: bot("HeadlessChrome", Category::Headless, "agent:hint:HeadlessChrome"),
            forged_chrome: bot("forged Chrome", Category::Other, "agent:forged-chrome"),
            no_browser: bot("no browser", Category::Other, "agent:shape:no-browser"),
            odd_product: bot("unknown product", Category::Other, "agent:shape:product"),
            odd_remark: bot("unknown remark", Category::Other, "agent:shape:remark"),
            odd_computer: bot("unknown computer", Category::Other, "agent:shape:computer"),
            no_engine: bot("no engine", Category::Other, "agent:shape:engine"),
        }
    }
}

fn added(pattern: &Pattern) -> Bot {
    Bot::new(pattern.as_str(), Category::Other, format!("agent:add:{pattern}"))
}

/// Chrome tells its brands in this header; a headless one tells that too, even under a borrowed User-Agent.
fn hints_at_headless(headers: &dyn Headers) -> bool {
    let mut hints = false;
    headers.each("sec-ch-ua", &mut |value| {
        hints |= memchr::memmem::find(value, b"HeadlessChrome").is_some();
    });
    hints
}

/// The longest User-Agents of people that we know of have about 500 bytes, with all that an app says of a phone.
const LONGEST: usize = 1024;

/// Bots that do not pretend to be browsers begin with their name.
const NAMES: usize = 48;

#[cfg(test)]
mod tests;

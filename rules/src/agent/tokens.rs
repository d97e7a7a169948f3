//! The words of the rule set: our own list, from what operators of bots publish about them.
//!
//! A file for each category, in the order of the alphabet. A change here changes bills: raise
//! [`VERSION`] with it. No whole User-Agent belongs here, and no word that could be a phone's model
//! or an app's name unless its bounds rule that out.

mod ai_search;
mod ai_training;
mod ai_user;
mod archiver;
mod feed;
mod headless;
mod http_library;
mod link_preview;
mod monitoring;
mod other;
mod scanner;
mod search;
mod seo;
mod words;

use super::{bounds::Bounds, category::Category};

pub(super) use words::{APPS, HUMAN, SAID_BY_APPS, WORDS};

/// The day of the last change to any rule about agents, and its number on that day.
pub(super) const VERSION: &str = "2026-11-22.2";

/// Products that are bots.
pub(super) const TOKENS: &[&[Group]] = &[
    search::GROUPS,
    ai_training::GROUPS,
    ai_search::GROUPS,
    ai_user::GROUPS,
    seo::GROUPS,
    monitoring::GROUPS,
    link_preview::GROUPS,
    http_library::GROUPS,
    scanner::GROUPS,
    headless::GROUPS,
    feed::GROUPS,
    archiver::GROUPS,
    other::GROUPS,
];

/// Words of one category that must stand free in the same way.
pub(super) struct Group {
    pub(super) category: Category,
    pub(super) bounds: Bounds,
    pub(super) texts: &'static [&'static str],
}

const fn group(category: Category, bounds: Bounds, texts: &'static [&'static str]) -> Group {
    Group { category, bounds, texts }
}

//! What a bot is for. Operators choose by category which bots they treat as people.

use std::{fmt, str::FromStr};

/// What a bot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Fills the index of a search engine.
    Search,
    /// Collects text or images that models are trained on.
    AiTraining,
    /// Fills the index that an assistant searches.
    AiSearch,
    /// Fetches a page, or drives a browser, because a person asked an assistant to.
    AiUser,
    /// Measures links, rankings, markup and accessibility for site owners and marketers.
    Seo,
    /// Checks that a site is up and quick, or that a service behind a balancer lives.
    Monitoring,
    /// Draws the preview of a link that somebody posted.
    LinkPreview,
    /// A programming language's or a command line's HTTP client.
    HttpLibrary,
    /// Looks for weaknesses, open ports, certificates and unwanted content.
    Scanner,
    /// A real browser without a person: headless, or driven by a test tool.
    Headless,
    /// Reads feeds and podcasts.
    Feed,
    /// Keeps copies of pages.
    Archiver,
    /// Anything else that is no browser.
    Other,
}

impl Category {
    /// Every category, in the order of the declaration.
    pub const ALL: [Self; 13] = [
        Self::Search,
        Self::AiTraining,
        Self::AiSearch,
        Self::AiUser,
        Self::Seo,
        Self::Monitoring,
        Self::LinkPreview,
        Self::HttpLibrary,
        Self::Scanner,
        Self::Headless,
        Self::Feed,
        Self::Archiver,
        Self::Other,
    ];

    /// The category as configuration and reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::AiTraining => "ai_training",
            Self::AiSearch => "ai_search",
            Self::AiUser => "ai_user",
            Self::Seo => "seo",
            Self::Monitoring => "monitoring",
            Self::LinkPreview => "link_preview",
            Self::HttpLibrary => "http_library",
            Self::Scanner => "scanner",
            Self::Headless => "headless",
            Self::Feed => "feed",
            Self::Archiver => "archiver",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(text: &str) -> Result<Self, UnknownCategory> {
        let named = Self::ALL.into_iter().find(|category| category.as_str() == text);
        named.ok_or_else(|| UnknownCategory(text.to_owned()))
    }
}

/// The text names no category.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a category of bots")]
pub struct UnknownCategory(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_reads_back_as_it_is_written() {
        for category in Category::ALL {
            assert_eq!(category.to_string().parse(), Ok(category));
        }
        assert_eq!(Category::AiUser.to_string(), "ai_user");
    }

    #[test]
    fn an_unknown_category_is_named_in_the_error() {
        assert_eq!("AiUser".parse::<Category>().unwrap_err().to_string(), "`AiUser` is not a category of bots");
    }
}

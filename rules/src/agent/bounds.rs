//! What must stand around a word for it to count: `bot` is one in `AcmeBot/1`, not in `bottle`.

use std::ops::Range;

/// What must stand around a word for it to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bounds {
    /// Anything.
    Inside,
    /// No letter or digit before it.
    Start,
    /// No letter after it.
    End,
    /// No letter or digit before it, no letter after it.
    Whole,
}

impl Bounds {
    /// Whether the word at `range` of `text` stands as it must.
    pub(super) fn hold(self, text: &[u8], range: Range<usize>) -> bool {
        let before = range.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        let after = text.get(range.end).is_some_and(u8::is_ascii_alphabetic);
        match self {
            Self::Inside => true,
            Self::Start => !before,
            Self::End => !after,
            Self::Whole => !before && !after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(bounds: Bounds, text: &str, word: &str) -> bool {
        let start = text.find(word).unwrap();
        bounds.hold(text.as_bytes(), start..start + word.len())
    }

    #[test]
    fn a_word_with_an_end_is_followed_by_no_letter() {
        assert!(holds(Bounds::End, "acmebot/1", "bot") && holds(Bounds::End, "acmebot2", "bot"));
        assert!(!holds(Bounds::End, "bottle", "bot"));
    }

    #[test]
    fn a_word_with_a_start_follows_no_letter_or_digit() {
        assert!(holds(Bounds::Start, "(curl/8", "curl") && holds(Bounds::Start, "curl", "curl"));
        assert!(!holds(Bounds::Start, "ts1008/1.0", "008/"));
    }

    #[test]
    fn a_whole_word_stands_alone() {
        assert!(holds(Bounds::Whole, "x; rss)", "rss"));
        assert!(!holds(Bounds::Whole, "cross", "ross") && !holds(Bounds::Whole, "rssowl", "rss"));
    }
}

//! The answer of the rules about one exchange, with the rule that gave each part of it.

use std::fmt;

/// What an observation is to the fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// May count, and may change who is signed in.
    Page,
    /// Only keeps a session alive.
    Activity,
    /// Logs out.
    Logout,
}

impl Kind {
    /// Whether the journal must hold it before its headers leave.
    pub fn is_precious(self) -> bool {
        matches!(self, Self::Page | Self::Logout)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Page => "page",
            Self::Activity => "activity",
            Self::Logout => "logout",
        })
    }
}

/// What a request and its response prove about the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Nobody said anything.
    Unknown,
    /// Not signed in.
    Guest,
    /// Signed in, and a customer.
    External,
    /// Signed in, and one of the company's own; only trusted sources may say so.
    Internal,
    /// A program that says so itself, or that gives itself away.
    Bot,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Guest => "guest",
            Self::External => "external",
            Self::Internal => "internal",
            Self::Bot => "bot",
        })
    }
}

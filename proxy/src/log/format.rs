//! Which format a log has.

/// A format of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Apache's and nginx's `combined` (or `common`).
    Combined,
    /// Each log by its first line.
    #[default]
    Auto,
}

impl Format {
    /// The format of a log whose first line with anything in it is `line`.
    pub(super) fn settle(self, line: &[u8]) -> Self {
        match self {
            Self::Auto if line.starts_with(b"{") => Self::Jsonl,
            Self::Auto => Self::Combined,
            known => known,
        }
    }
}

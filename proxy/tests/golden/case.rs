//! A golden case: a fact, the sentence of the law it comes from, steps and the counts after each.

/// One case, for one experience.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    /// File and line, for whoever has to correct it.
    pub(crate) place: String,
    /// The fact.
    pub(crate) title: String,
    /// Where it comes from.
    pub(crate) law: Vec<String>,
    /// The portals' experience, where they name none of their own.
    pub(crate) experience: String,
    /// The billing time zone, in which the times are written.
    pub(crate) zone: String,
    /// The date of the first step.
    pub(crate) date: String,
    /// Whether the log is in the combined format.
    pub(crate) combined: bool,
    /// Portals in order, with their settings.
    pub(crate) portals: Vec<Portal>,
    /// Files beside the configuration: name and text.
    pub(crate) files: Vec<(String, String)>,
    /// Short words for long texts: `{word}` in a step is the text.
    pub(crate) words: Vec<(String, String)>,
    /// Browsers that are not like all others.
    pub(crate) browsers: Vec<Browser>,
    /// What happens, in order.
    pub(crate) steps: Vec<Step>,
    /// What the report says in the end, if the case tells.
    pub(crate) end: Option<End>,
}

/// A portal by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Portal {
    /// Its name; its host is `name.example.com`.
    pub(crate) name: String,
    /// Keys and values of its configuration.
    pub(crate) settings: Vec<(String, String)>,
}

/// Somebody's browser, as its requests look unless a step says otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    /// Its name in the table.
    pub(crate) name: String,
    /// What is special about it, in the words of a step.
    pub(crate) details: Vec<String>,
}

/// One row of a table.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The row's cells before the counts, as written.
    pub(crate) written: [String; 3],
    /// When, in milliseconds; several times for a repeated step.
    pub(crate) at: Vec<i64>,
    /// Who.
    pub(crate) browser: String,
    /// What.
    pub(crate) what: String,
    /// The counts after it.
    pub(crate) counts: Vec<(Column, i64)>,
}

/// A count of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column(pub(crate) &'static str);

impl Column {
    /// Every count that a table may have.
    const ALL: [&'static str; 10] = [
        "guest",
        "external",
        "internal",
        "bot",
        "guest_raw",
        "billable",
        "converted",
        "page_views",
        "unique_visitors",
        "unique_users",
    ];

    /// The column of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known == name).map(Self)
    }
}

/// What the report says in the end, row by row.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// The columns before the counts: portal, module, day.
    pub(crate) keys: Vec<String>,
    /// The rows: their keys, and their counts.
    pub(crate) rows: Vec<EndRow>,
}

/// One row of the report.
#[derive(Debug, Clone)]
pub(crate) struct EndRow {
    /// Portal, module, day, as far as the table has them.
    pub(crate) keys: Vec<String>,
    /// The counts.
    pub(crate) counts: Vec<(Column, i64)>,
}

//! Usage side by side with usage.

use std::fmt;

use serde::Serialize;

use super::rows::{Of, Rows};

/// One thing in which two usages differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The portal.
    pub portal: String,
    /// The module; empty where there is none.
    pub module: String,
    /// The day or the month.
    pub period: String,
    /// The column; `None`: the whole row is in one of the two only.
    pub column: Option<String>,
    /// What the first says; `None`: it has no such row or column.
    pub first: Option<String>,
    /// What the second says.
    pub second: Option<String>,
}

impl Difference {
    /// What it is about.
    pub fn of(&self) -> Of {
        Of { portal: self.portal.clone(), module: self.module.clone(), period: self.period.clone() }
    }

    /// In words; the two are called so.
    pub fn told(&self, [first, second]: [&str; 2]) -> String {
        struct Said<'a>(&'a Option<String>);
        impl fmt::Display for Said<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0.as_deref() {
                    None => f.write_str("nothing"),
                    Some("") => f.write_str("empty"),
                    Some(text) => f.write_str(text),
                }
            }
        }
        match &self.column {
            None => format!("{}: only in {}", self.of(), if self.second.is_none() { first } else { second }),
            Some(column) => {
                format!(
                    "{}: {column} is {} in {first}, {} in {second}",
                    self.of(),
                    Said(&self.first),
                    Said(&self.second)
                )
            }
        }
    }
}

/// Every difference, in the order of the rows; then of their columns.
pub fn differences(first: &Rows, second: &Rows) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut rows: Vec<&Of> = first.0.keys().chain(second.0.keys()).collect();
    rows.sort();
    rows.dedup();
    for of in rows {
        let note = |column: Option<&String>, first: Option<&String>, second: Option<&String>| Difference {
            portal: of.portal.clone(),
            module: of.module.clone(),
            period: of.period.clone(),
            column: column.cloned(),
            first: first.cloned(),
            second: second.cloned(),
        };
        match (first.0.get(of), second.0.get(of)) {
            (Some(one), Some(other)) => {
                let mut columns: Vec<&String> = one.keys().chain(other.keys()).collect();
                columns.sort();
                columns.dedup();
                let differing = columns.into_iter().filter(|column| one.get(*column) != other.get(*column));
                all.extend(differing.map(|column| note(Some(column), one.get(column), other.get(column))));
            }
            (Some(_), None) => all.push(note(None, Some(&"there".to_owned()), None)),
            _ => all.push(note(None, None, Some(&"there".to_owned()))),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Rows {
        Rows::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn rows_and_columns_that_differ_are_told_and_no_others() {
        let one = rows("portal,module,day,guest,bot\na,,2026-03-12,1,2\na,chat,2026-03-12,3,4\na,,2026-03-13,5,6\n");
        let other = rows("portal,module,day,guest,more\na,,2026-03-12,1,7\na,chat,2026-03-12,8,\nb,,2026-03-13,5,\n");
        let told: Vec<String> =
            differences(&one, &other).iter().map(|difference| difference.told(["A", "B"])).collect();
        assert_eq!(
            told,
            [
                "a 2026-03-12: bot is 2 in A, nothing in B",
                "a 2026-03-12: more is nothing in A, 7 in B",
                "a 2026-03-13: only in A",
                "a/chat 2026-03-12: bot is 4 in A, nothing in B",
                "a/chat 2026-03-12: guest is 3 in A, 8 in B",
                "a/chat 2026-03-12: more is nothing in A, empty in B",
                "b 2026-03-13: only in B",
            ]
        );
        assert!(differences(&one, &one).is_empty());
    }
}

//! The list of accounts: what the companies are called that signed-in users belong to, and of what type they are.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::day::Day;

/// How a company is a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountType {
    /// It sends customers.
    Referral,
    /// It sells itself.
    Reseller,
}

/// A company.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// What it is called.
    pub name: String,
    /// Its type, if it has one.
    pub kind: Option<AccountType>,
    /// Where its logo is.
    pub logo: Option<String>,
    /// Since when it is a partner.
    pub since: Option<Day>,
}

/// Companies by their ids, as claims of identity name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory(BTreeMap<String, Listed>);

/// The text is no list of accounts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct NoDirectory {
    /// Where, from 1.
    pub line: u64,
    /// Why, and what was expected.
    pub why: String,
}

/// More companies nobody looks through.
const MOST: usize = 100_000;
/// A longer id, name or address is none.
const LONGEST: usize = 255;
const LONGEST_TEXT: usize = 2_048;
const COLUMNS: [&str; 5] = ["id", "name", "type", "logo", "since"];

impl AccountType {
    /// Its name in lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Referral => "referral",
            Self::Reseller => "reseller",
        }
    }
}

impl fmt::Display for AccountType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is of no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither referral nor reseller")]
pub struct UnknownType(String);

impl FromStr for AccountType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let known = [Self::Referral, Self::Reseller].into_iter().find(|kind| kind.name() == text);
        known.ok_or_else(|| UnknownType(text.to_owned()))
    }
}

impl Directory {
    /// Reads a list: CSV with a line of column names, of which `id` must be there.
    pub fn read(text: &[u8]) -> Result<Self, NoDirectory> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let at = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
        let header = csv.headers().map_err(|error| wrong(at(&error), error.to_string()))?.clone();
        if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
            return Err(wrong(1, format!("no column is called `{unknown}`; there are {}", COLUMNS.join(", "))));
        }
        if !header.iter().any(|name| name == "id") {
            return Err(wrong(1, format!("no column `id`; the first line names the columns: {}", COLUMNS.join(","))));
        }
        let mut all = BTreeMap::new();
        for row in csv.records() {
            let row = row.map_err(|error| wrong(at(&error), error.to_string()))?;
            let line = row.position().map_or(1, csv::Position::line);
            let column = |name| header.iter().position(|column| column == name).and_then(|place| row.get(place));
            let (id, listed) = listed(line, &|name| column(name).filter(|text| !text.is_empty()))?;
            if all.len() >= MOST {
                return Err(wrong(line, format!("more than {MOST} accounts")));
            }
            let twice = format!("the account `{id}` is there twice");
            if all.insert(id, listed).is_some() {
                return Err(wrong(line, twice));
            }
        }
        Ok(Self(all))
    }

    /// What is said of an account.
    pub fn get(&self, id: &str) -> Option<&Listed> {
        self.0.get(id)
    }

    /// Every account, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Listed)> {
        self.0.iter().map(|(id, listed)| (id.as_str(), listed))
    }

    /// Which types there are.
    pub fn types(&self) -> Vec<AccountType> {
        let there = |kind: &AccountType| self.0.values().any(|listed| listed.kind == Some(*kind));
        [AccountType::Referral, AccountType::Reseller].into_iter().filter(there).collect()
    }
}

fn listed<'t>(line: u64, column: &dyn Fn(&'static str) -> Option<&'t str>) -> Result<(String, Listed), NoDirectory> {
    let bounded = |name: &'static str, most: usize| match column(name) {
        Some(text) if text.len() > most || text.contains('\0') => {
            Err(wrong(line, format!("`{name}` is longer than {most} bytes, or has a character 0")))
        }
        text => Ok(text.map(str::to_owned)),
    };
    let id = bounded("id", LONGEST)?.ok_or_else(|| wrong(line, "an account has no `id`"))?;
    let kind = column("type").map(str::parse).transpose();
    let kind = kind.map_err(|error: UnknownType| wrong(line, error.to_string()))?;
    let since = column("since").map(str::parse).transpose();
    let since = since.map_err(|error: crate::day::NotADay| wrong(line, format!("`since`: {error}")))?;
    let logo = bounded("logo", LONGEST_TEXT)?;
    if let Some(logo) = logo.as_ref().filter(|logo| !is_address(logo)) {
        return Err(wrong(line, format!("`logo` is an https address or a path, not `{logo}`")));
    }
    let name = bounded("name", LONGEST_TEXT)?.unwrap_or_else(|| id.clone());
    Ok((id, Listed { name, kind, logo, since }))
}

/// A browser will load it: nothing that runs.
fn is_address(text: &str) -> bool {
    let path = text.starts_with('/') && !text.starts_with("//");
    (path || text.starts_with("https://")) && !text.contains(|odd: char| odd.is_control() || odd.is_whitespace())
}

fn wrong(line: u64, why: impl Into<String>) -> NoDirectory {
    NoDirectory { line, why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_whatever_the_order_of_columns() {
        let list =
            "since,id,type,name,logo\n2024-02-29,a1,reseller,\"Acme, Inc.\",https://acme.example/logo.svg\n,b2,,,\n";
        let list = Directory::read(list.as_bytes()).unwrap();
        let acme = list.get("a1").unwrap();
        assert_eq!((acme.name.as_str(), acme.kind), ("Acme, Inc.", Some(AccountType::Reseller)));
        assert_eq!(acme.since, Some("2024-02-29".parse().unwrap()));
        assert_eq!(list.get("b2").unwrap().name, "b2");
        assert_eq!(list.types(), [AccountType::Reseller]);
        assert_eq!(Directory::read(b"id\n").unwrap(), Directory::default());
    }

    #[test]
    fn what_is_no_list_is_told_with_its_line() {
        for (text, line, why) in [
            ("name\nAcme\n", 1, "no column `id`"),
            ("id,nome\n", 1, "`nome`"),
            ("id,type\na,partner\n", 2, "neither referral nor reseller"),
            ("id\na\nb\na\n", 4, "twice"),
            ("id,since\na,yesterday\n", 2, "`since`"),
            ("id,logo\na,javascript:alert(1)\n", 2, "`logo`"),
            ("id,logo\na,//evil.example/x\n", 2, "`logo`"),
            ("id,name\n,Acme\n", 2, "has no `id`"),
        ] {
            let wrong = Directory::read(text.as_bytes()).unwrap_err();
            assert!(wrong.line == line && wrong.why.contains(why), "{text:?}: {wrong}");
        }
    }
}

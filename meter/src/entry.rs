//! What commits tell the ledger: the entries that flow from a store to it, in order.
//!
//! An entry says how something stands, not what happened: taking the same stretch of entries again
//! changes nothing, but for statistics of what people did. In Redis each is one JSON document of the stream `records`.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use crate::acts::Acts;
use crate::day::Day;
use crate::policy::PolicyId;
use crate::record::Reason;
use crate::session::Class;

/// One thing that a commit tells the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A usage record that follows from what is known.
    Record(UsageRecord),
    /// One that follows no longer.
    Withdrawn(UsageRecord),
    /// How a session stands.
    Session(SessionRow),
    /// A person's browser was there on a day.
    Presence(Presence),
    /// What a visitor's sessions of a time count, and nothing else; the sessions are told after it.
    Only(Only),
    /// What people did; told twice, it is counted twice.
    Acts(Acts),
}

/// One counted unit, as it rests in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Permanent, and the same wherever it is computed: from session, day and reason.
    #[serde(with = "hex")]
    pub id: Name,
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Which browser or device.
    #[serde(with = "hex")]
    pub visitor: Name,
    /// The session's id: from portal, module, visitor and start.
    #[serde(with = "hex")]
    pub session: Name,
    /// The session's first page.
    pub started: Millis,
    /// The day it counts on.
    pub day: Day,
    /// Whose midnight it is.
    pub zone: String,
    /// As what.
    pub class: Class,
    /// By which rule of the fold.
    pub reason: Reason,
    /// The company of a signed-in user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Who was signed in.
    #[serde(with = "hex::option", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// A bot's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The rule that gave the evidence.
    pub rule: String,
    /// The policy it was counted by.
    pub policy: PolicyId,
    /// Of a portal that is only observed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    /// The page that counted.
    pub event_time: Millis,
    /// When the store took it.
    pub stored_time: Millis,
}

/// A session, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Its id: from portal, module, visitor and start.
    #[serde(with = "hex")]
    pub id: Name,
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Which browser or device.
    #[serde(with = "hex")]
    pub visitor: Name,
    /// Its first page.
    pub started: Millis,
    /// Why it is one of its own.
    pub began: Reason,
    /// Its last observation of any kind, up to a minute ago while it lives.
    pub last_seen: Millis,
    /// The last day it counted on.
    pub counted_day: Day,
    /// What it counts as now.
    pub class: Class,
    /// A page proved that nobody was signed in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proven_guest: bool,
    /// Somebody was signed in and is no longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub logged_out: bool,
    /// Who is signed in, once known.
    #[serde(with = "hex::option", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// The company of a signed-in user; absent: as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// A bot's name; absent: as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Its pages so far.
    pub pages: u32,
    /// Its actions so far: downloads, searches and the like.
    pub actions: u32,
    /// The day on which, as a guest's, it became external without counting again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converted: Option<Day>,
    /// Whose midnight it is.
    pub zone: String,
    /// The policy of its last page.
    pub policy: PolicyId,
    /// It turned out to be none: what it had belongs to another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// When the store took this.
    pub stored_time: Millis,
}

/// A person's browser, and user, on a day: what unique visitors and users are counted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The day.
    pub day: Day,
    /// Which browser or device.
    #[serde(with = "hex")]
    pub visitor: Name,
    /// Who was signed in.
    #[serde(with = "hex::option", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// It turned out to be another visitor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// Said where a store had forgotten a visitor: of the sessions that began within `(after, upto]`
/// these records hold. Any other that the ledger has of them, and every session that is not told after
/// this, was told before the store knew better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Only {
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Which browser or device.
    #[serde(with = "hex")]
    pub visitor: Name,
    /// Later than this …
    pub after: Millis,
    /// … and up to this.
    pub upto: Millis,
    /// The ids that hold.
    #[serde(with = "hex::list")]
    pub records: Vec<Name>,
    /// When the store took this.
    pub stored_time: Millis,
}

impl Entry {
    /// As it is written to the stream.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The entry in this text, if it is one.
    pub fn from_json(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}

/// Names as hexadecimal digits.
pub(crate) mod hex {
    use portalmeter_rules::id::Name;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(name: &Name, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(name)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }

    pub(crate) mod option {
        use super::{Deserialize, Deserializer, Error, Name, Serializer};

        #[expect(clippy::ref_option, reason = "serde asks for it")]
        pub(crate) fn serialize<S: Serializer>(name: &Option<Name>, to: S) -> Result<S::Ok, S::Error> {
            match name {
                Some(name) => to.collect_str(name),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Name>, D::Error> {
            let text = Option::<String>::deserialize(from)?;
            text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
        }
    }

    pub(super) mod list {
        use super::{Deserialize, Deserializer, Error, Name, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(names: &[Name], to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(names.iter().map(ToString::to_string))
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Name>, D::Error> {
            Vec::<String>::deserialize(from)?.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_from_its_text() {
        let entry = Entry::Only(Only {
            portal: "support".into(),
            module: None,
            visitor: Name([7; 16]),
            after: 1,
            upto: 2,
            records: vec![Name([9; 16])],
            stored_time: 3,
        });
        assert_eq!(Entry::from_json(entry.to_json().as_bytes()), Some(entry));
        assert_eq!(Entry::from_json(b"{}"), None);
    }
}

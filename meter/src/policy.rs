//! A portal's counting rules: plain data over one engine, with presets by experience.

use std::fmt;
use std::str::FromStr;

use portalmeter_rules::time::Millis;
use serde::{Deserialize, Serialize};

use crate::day::Zone;

/// What kind of portal it is; each has a preset (`metering.md`, Presets).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Experience {
    /// A customer or self-service portal.
    ServicePortal,
    /// A messenger that serves portal pages.
    EngagementMessenger,
    /// A community.
    Community,
    /// Components embedded in other sites, counted per module.
    WebEmbeddables,
    /// A partner portal, whose sessions end after four hours.
    PartnerPortal,
}

impl Experience {
    /// Every experience.
    pub const ALL: [Self; 5] =
        [Self::ServicePortal, Self::EngagementMessenger, Self::Community, Self::WebEmbeddables, Self::PartnerPortal];

    /// Its name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::ServicePortal => "service_portal",
            Self::EngagementMessenger => "engagement_messenger",
            Self::Community => "community",
            Self::WebEmbeddables => "web_embeddables",
            Self::PartnerPortal => "partner_portal",
        }
    }
}

/// The name is no experience's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an experience")]
pub struct UnknownExperience(String);

impl FromStr for Experience {
    type Err = UnknownExperience;

    fn from_str(text: &str) -> Result<Self, UnknownExperience> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| UnknownExperience(text.to_owned()))
    }
}

/// What a login in a guest session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// The session goes on as external; nothing is counted.
    Continue,
    /// It counts once more, as external.
    Count,
}

/// What the first page of a later day does in a live session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayRollover {
    /// It counts on the new day.
    Count,
    /// Nothing.
    Continue,
}

/// The rules by which a session is counted. Durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The preset it began from.
    pub experience: Experience,
    /// What a login does.
    pub login: Login,
    /// What midnight does.
    pub day_rollover: DayRollover,
    /// A gap of this length, or longer, ends a session.
    pub idle_timeout: Millis,
    /// A session of this length, or longer, ends at its next page.
    pub max_duration: Option<Millis>,
    /// A session counts nothing before this many pages.
    pub min_pages: u32,
    /// Whose midnight it is.
    pub zone: Zone,
    /// Records are marked trial, and no cookie is set.
    pub trial: bool,
}

/// What tells one policy from another: a hash of all that it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct PolicyId(pub u64);

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

const MINUTE: Millis = 60_000;

impl Policy {
    /// The preset of an experience.
    pub fn preset(experience: Experience) -> Self {
        let embedded = experience == Experience::WebEmbeddables;
        Self {
            experience,
            login: if embedded { Login::Count } else { Login::Continue },
            day_rollover: DayRollover::Count,
            idle_timeout: 30 * MINUTE,
            max_duration: (experience == Experience::PartnerPortal).then_some(240 * MINUTE),
            min_pages: 1,
            zone: Zone::utc(),
            trial: false,
        }
    }

    /// What tells this policy from others.
    pub fn id(&self) -> PolicyId {
        let hash = blake3::hash(self.to_text().as_bytes());
        let mut id = [0; 8];
        id.copy_from_slice(&hash.as_bytes()[..8]);
        PolicyId(u64::from_le_bytes(id))
    }

    /// The policy in one line, from which [`Policy::from_text`] makes it again.
    pub fn to_text(&self) -> String {
        let max = self.max_duration.map_or_else(|| "none".to_owned(), |max| max.to_string());
        let login = if self.login == Login::Count { "count" } else { "continue" };
        let rollover = if self.day_rollover == DayRollover::Count { "count" } else { "continue" };
        format!(
            "experience={} login={login} day_rollover={rollover} idle_timeout={} max_duration={max} min_pages={} zone={} trial={}",
            self.experience.name(),
            self.idle_timeout,
            self.min_pages,
            self.zone.name(),
            self.trial
        )
    }

    /// The policy that [`Policy::to_text`] wrote, if it is one.
    pub fn from_text(text: &str) -> Option<Self> {
        let field = |name: &str| text.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        Some(Self {
            experience: field("experience")?.parse().ok()?,
            login: if field("login")? == "count" { Login::Count } else { Login::Continue },
            day_rollover: if field("day_rollover")? == "count" { DayRollover::Count } else { DayRollover::Continue },
            idle_timeout: field("idle_timeout")?.parse().ok()?,
            max_duration: match field("max_duration")? {
                "none" => None,
                max => Some(max.parse().ok()?),
            },
            min_pages: field("min_pages")?.parse().ok()?,
            zone: Zone::named(field("zone")?).ok()?,
            trial: field("trial")? == "true",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_survives_its_text() {
        for experience in Experience::ALL {
            let policy = Policy { zone: Zone::named("Europe/Berlin").unwrap(), ..Policy::preset(experience) };
            let again = Policy::from_text(&policy.to_text()).unwrap();
            assert_eq!((again.id(), again), (policy.id(), policy));
        }
    }

    #[test]
    fn any_change_makes_another_policy() {
        let one = Policy::preset(Experience::ServicePortal);
        let other = Policy { idle_timeout: 1, ..one.clone() };
        assert_ne!(one.id(), other.id());
    }
}

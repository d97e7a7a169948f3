//! By which policy a portal's observations are stamped, as time goes by: a reload may bring another policy at once, and
//! another time zone from the portal's next day on.

use portalmeter_rules::time::Millis;

use crate::changeover::Changeover;
use crate::day::{Day, Zone};
use crate::observation::Stamp;
use crate::policy::Policy;

/// A portal's policy; where the portal moves to another zone, in the former zone until the changeover.
#[derive(Debug, Clone)]
pub struct Stamping {
    stamp: Stamp,
    before: Option<(Stamp, Changeover)>,
}

impl From<Stamp> for Stamping {
    fn from(stamp: Stamp) -> Self {
        Self { stamp, before: None }
    }
}

impl Stamping {
    /// The stamp of what was seen at an instant.
    pub fn at(&self, at: Millis) -> &Stamp {
        match &self.before {
            Some((before, changeover)) if at < changeover.at() => before,
            _ => &self.stamp,
        }
    }

    /// The stamp of what is seen once any changeover is past.
    pub fn last(&self) -> &Stamp {
        &self.stamp
    }

    /// The changeover to another zone, to come or past.
    pub fn changeover(&self) -> Option<&Changeover> {
        self.before.as_ref().map(|(_, changeover)| changeover)
    }

    /// Every stamp that an observation may bear.
    pub fn stamps(&self) -> impl Iterator<Item = &Stamp> {
        self.before.iter().map(|(before, _)| before).chain([&self.stamp])
    }

    /// The zone in which a day of the portal ends.
    pub fn zone_of(&self, day: Day) -> &Zone {
        self.changeover().map_or(&self.stamp.policy.zone, |changeover| changeover.zone_of(day))
    }

    /// The same portal under a policy that became known at `now`. All that it says counts at once, but for another
    /// zone. A changeover that was announced stays as it was.
    #[must_use]
    pub fn changed(&self, policy: Policy, now: Millis) -> Self {
        let counts = &self.at(now).policy.zone;
        let changeover = match self.changeover() {
            Some(announced) if *announced.to() == policy.zone => announced.clone(),
            _ if *counts == policy.zone => return Stamp::new(policy).into(),
            _ => Changeover::new(counts.clone(), policy.zone.clone(), now),
        };
        let before = Policy { zone: changeover.from().clone(), ..policy.clone() };
        Self { stamp: Stamp::new(policy), before: Some((Stamp::new(before), changeover)) }
    }

    /// The same portal, whose days so far were another zone's, as is found at `now`.
    #[must_use]
    pub fn moved_from(&self, zone: Zone, now: Millis) -> Self {
        let policy = (*self.stamp.policy).clone();
        Self::from(Stamp::new(Policy { zone, ..policy.clone() })).changed(policy, now)
    }
}

//! The changeover of a portal to another time zone: from which day and instant on the new one counts.

use portalmeter_rules::time::Millis;

use crate::day::{Day, Zone};

/// A portal's move from one time zone to another. It applies from the portal's next day, once that has begun in
/// both zones: no day is taken up again that had ended, and none begins before the one before it is over.
///
/// Where the new zone is west of the old one, the first day is the longer by what lies between them, and its first
/// hours are the old zone's; where it is east, the first day is the shorter. Of two zones more than a day apart, such
/// as Kiritimati and Niue, the one is ahead by a whole day for good: to the east that day is left out, to the west it is
/// taken up again. No session is lost or doubled by either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changeover {
    from: Zone,
    to: Zone,
    at: Millis,
}

impl Changeover {
    /// The move that became known at an instant at which `from` still counted.
    pub fn new(from: Zone, to: Zone, known: Millis) -> Self {
        let next = from.day(known).plus(1);
        let at = from.start(next).max(to.start(next));
        Self { from, to, at }
    }

    /// The zone that counted.
    pub fn from(&self) -> &Zone {
        &self.from
    }

    /// The zone that counts from [`Changeover::at`] on.
    pub fn to(&self) -> &Zone {
        &self.to
    }

    /// The instant from which on the new zone counts.
    pub fn at(&self) -> Millis {
        self.at
    }

    /// The first day that ends by the new zone.
    pub fn first_day(&self) -> Day {
        self.to.day(self.at)
    }

    /// The zone in which a day ends.
    pub fn zone_of(&self, day: Day) -> &Zone {
        if day < self.first_day() { &self.from } else { &self.to }
    }
}

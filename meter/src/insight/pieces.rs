//! Digests that cover a portal's days, whatever has been digested: months where whole ones are asked for, days, and the
//! rows of days that have no digest yet.

use std::collections::BTreeMap;

use super::period::By;
use crate::day::Day;
use crate::digest::{Digest, Done, Hours, Reach, Span, Views, Visits};
use crate::ledger::{Acted, Days, LedgerError, Look};

/// What a digest would say, made from the rows.
pub(super) trait FromRows: Digest {
    /// Of days that have no digest, each by itself.
    fn of_days(look: &mut dyn Look, portal: &str, days: Days) -> Result<Vec<(Day, Self)>, LedgerError>;

    /// What came to days after they were digested.
    fn since(_: &mut dyn Look, _: &str, _: Days) -> Result<Vec<(Day, Self)>, LedgerError> {
        Ok(Vec::new())
    }
}

/// All that covers a portal's days, with the days that each is of.
pub(super) type Pieces<D> = Vec<(Days, D)>;

/// All that covers a portal's days, in pieces that lie in one period each.
pub(super) fn pieces<D: FromRows>(
    look: &mut dyn Look,
    portal: &str,
    days: Days,
    by: By,
) -> Result<Pieces<D>, LedgerError> {
    let Some(first) = look.first_day(portal)? else { return Ok(Vec::new()) };
    let days = Days { from: days.from.max(first), to: days.to };
    let mut found = Found { asked: days, covered: BTreeMap::new(), pieces: Vec::new() };
    if days.is_empty() {
        return Ok(found.pieces);
    }
    if by >= By::Month {
        for (first, body) in look.digests(portal, (D::KIND, Span::Month), days)? {
            found.add(Days { from: first, to: first.month().end() }, &body);
        }
    }
    for gap in found.gaps() {
        for (day, body) in look.digests(portal, (D::KIND, Span::Day), gap)? {
            found.add(Days::one(day), &body);
        }
    }
    let mut rows = D::since(look, portal, days)?;
    for gap in found.gaps() {
        rows.extend(D::of_days(look, portal, gap)?);
    }
    found.pieces.extend(rows.into_iter().map(|(day, piece)| (Days::one(day), piece)));
    Ok(found.pieces)
}

/// The same where no period matters.
pub(super) fn all<D: FromRows>(look: &mut dyn Look, portal: &str, days: Days) -> Result<Vec<D>, LedgerError> {
    Ok(pieces(look, portal, days, By::Year)?.into_iter().map(|(_, piece)| piece).collect())
}

struct Found<D> {
    asked: Days,
    /// From which day to which.
    covered: BTreeMap<Day, Day>,
    pieces: Pieces<D>,
}

impl<D: Digest> Found<D> {
    /// Takes a digest that covers nothing but what is asked for, if it can be read.
    fn add(&mut self, of: Days, body: &[u8]) {
        if of.and(self.asked) == of
            && let Some(digest) = D::from_bytes(body)
        {
            self.covered.insert(of.from, of.to);
            self.pieces.push((of, digest));
        }
    }

    /// What is not covered yet.
    fn gaps(&self) -> Vec<Days> {
        let (mut gaps, mut from) = (Vec::new(), self.asked.from);
        for (first, to) in &self.covered {
            if from < *first {
                gaps.push(Days { from, to: *first });
            }
            from = *to;
        }
        if from < self.asked.to {
            gaps.push(Days { from, to: self.asked.to });
        }
        gaps
    }
}

/// Things of days, by day.
fn by_day<T>(all: impl IntoIterator<Item = T>, day: impl Fn(&T) -> Day) -> BTreeMap<Day, Vec<T>> {
    let mut days: BTreeMap<Day, Vec<T>> = BTreeMap::new();
    for one in all {
        days.entry(day(&one)).or_default().push(one);
    }
    days
}

impl FromRows for Hours {
    fn of_days(look: &mut dyn Look, portal: &str, days: Days) -> Result<Vec<(Day, Self)>, LedgerError> {
        let counted = by_day(look.counted(portal, days)?, |one| one.day);
        let (from, to) = days.anywhere();
        let begun = by_day(look.begun(portal, from, to)?, |one| one.day);
        let none = (Vec::new(), Vec::new());
        let of = |day: Day| Self::of(counted.get(&day).unwrap_or(&none.0), begun.get(&day).unwrap_or(&none.1));
        Ok(days.iter().map(|day| (day, of(day))).filter(|(_, hours)| !hours.quarters.is_empty()).collect())
    }
}

impl FromRows for Reach {
    fn of_days(look: &mut dyn Look, portal: &str, days: Days) -> Result<Vec<(Day, Self)>, LedgerError> {
        let present = by_day(look.present(portal, days)?, |one| one.day);
        Ok(present.into_iter().map(|(day, present)| (day, Self::of(&present))).collect())
    }
}

impl FromRows for Visits {
    fn of_days(look: &mut dyn Look, portal: &str, days: Days) -> Result<Vec<(Day, Self)>, LedgerError> {
        let (from, to) = days.anywhere();
        let mut begun = look.begun(portal, from, to)?;
        begun.retain(|one| days.contains(one.day));
        Ok(by_day(begun, |one| one.day).into_iter().map(|(day, begun)| (day, Self::of(day, &begun))).collect())
    }
}

impl FromRows for Views {
    fn of_days(_: &mut dyn Look, _: &str, _: Days) -> Result<Vec<(Day, Self)>, LedgerError> {
        Ok(Vec::new())
    }

    fn since(look: &mut dyn Look, portal: &str, days: Days) -> Result<Vec<(Day, Self)>, LedgerError> {
        let of = |acts: &[Acted]| Self::of(acts.iter().map(|acted| &acted.act));
        let acts = by_day(look.acts(portal, days)?, |acted| acted.day);
        Ok(acts.into_iter().map(|(day, acts)| (day, of(&acts))).collect())
    }
}

impl FromRows for Done {
    fn of_days(_: &mut dyn Look, _: &str, _: Days) -> Result<Vec<(Day, Self)>, LedgerError> {
        Ok(Vec::new())
    }

    fn since(look: &mut dyn Look, portal: &str, days: Days) -> Result<Vec<(Day, Self)>, LedgerError> {
        let of = |acts: &[Acted]| Self::of(acts.iter().map(|acted| (acted.at, &acted.act)));
        let acts = by_day(look.acts(portal, days)?, |acted| acted.day);
        Ok(acts.into_iter().map(|(day, acts)| (day, of(&acts))).collect())
    }
}

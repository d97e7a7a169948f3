//! Makes digests of days and months that are over.

use super::LedgerError;
use super::look::{Days, Look};
use crate::day::Day;
use crate::digest::{Digest, Done, Hours, Kind, Reach, Span, Views, Visits};

/// A ledger that digests are written to, in a transaction that nobody else changes the portal in.
pub(super) trait Keep: Look {
    /// Keeps a digest in place of one that is there.
    fn put(&mut self, portal: &str, of: (Kind, Span, Day), body: &[u8]) -> Result<(), LedgerError>;

    /// Forgets what was done on a day: its digests have it.
    fn forget_acts(&mut self, portal: &str, day: Day) -> Result<(), LedgerError>;

    /// Forgets a month's digests.
    fn forget_month(&mut self, portal: &str, first: Day) -> Result<(), LedgerError>;
}

/// Kinds that follow from rows that stay.
const FOLLOWING: [Kind; 3] = [Kind::Hours, Kind::Reach, Kind::Visits];
/// Kinds of which there are digests of months.
const OF_MONTHS: [Kind; 3] = [Kind::Reach, Kind::Visits, Kind::Views];

/// The first day before `upto` that has no digests, or has gained acts since.
pub(super) fn due(look: &mut dyn Look, portal: &str, upto: Day) -> Result<Option<Day>, LedgerError> {
    let Some(first) = look.first_day(portal)? else { return Ok(None) };
    let days = Days { from: first, to: upto };
    for kind in FOLLOWING {
        let digested = look.digested(portal, (kind, Span::Day), days)?;
        if digested.len() < days.len() {
            let missing = days.iter().zip(digested.iter().map(Some).chain(std::iter::repeat(None)));
            return Ok(missing.into_iter().find(|(day, there)| Some(day) != *there).map(|(day, _)| day));
        }
    }
    Ok(look.acts(portal, days)?.first().map(|acted| acted.day))
}

/// The first month that is over before `upto`, whose days all have digests and that has none itself.
pub(super) fn month_due(look: &mut dyn Look, portal: &str, upto: Day) -> Result<Option<Day>, LedgerError> {
    let Some(first) = look.first_day(portal)? else { return Ok(None) };
    let mut month = first.month();
    while month.end() <= upto {
        for kind in OF_MONTHS {
            if look.digested(portal, (kind, Span::Month), Days::one(month.first()))?.is_empty() {
                return Ok(Some(month.first()));
            }
        }
        month = month.next();
    }
    Ok(None)
}

/// Makes a day's digests; its month's, if it had some, no longer hold.
pub(super) fn make_day<K: Keep>(keep: &mut K, portal: &str, day: Day) -> Result<(), LedgerError> {
    let days = Days::one(day);
    let (from, to) = days.anywhere();
    let mut begun = keep.begun(portal, from, to)?;
    begun.retain(|one| one.day == day);
    let counted = keep.counted(portal, days)?;
    put(keep, portal, (Span::Day, day), &Hours::of(&counted, &begun))?;
    let reach = Reach::of(&keep.present(portal, days)?);
    put(keep, portal, (Span::Day, day), &reach)?;
    put(keep, portal, (Span::Day, day), &Visits::of(day, &begun))?;
    let acts = keep.acts(portal, days)?;
    add(keep, portal, day, Views::of(acts.iter().map(|acted| &acted.act)))?;
    add(keep, portal, day, Done::of(acts.iter().map(|acted| (acted.at, &acted.act))))?;
    keep.forget_acts(portal, day)?;
    keep.forget_month(portal, day.month().first())
}

/// Makes a month's digests of those of its days.
pub(super) fn make_month<K: Keep>(keep: &mut K, portal: &str, first: Day) -> Result<(), LedgerError> {
    make_months::<_, Reach>(keep, portal, first)?;
    make_months::<_, Visits>(keep, portal, first)?;
    make_months::<_, Views>(keep, portal, first)
}

fn make_months<K: Keep, D: Digest>(keep: &mut K, portal: &str, first: Day) -> Result<(), LedgerError> {
    let days = Days { from: first, to: first.month().end() };
    let parts = keep.digests(portal, (D::KIND, Span::Day), days)?;
    let parts: Vec<D> = parts.iter().filter_map(|(_, body)| D::from_bytes(body)).collect();
    put(keep, portal, (Span::Month, first), &D::merge(parts))
}

fn put<K: Keep, D: Digest>(
    keep: &mut K,
    portal: &str,
    (span, day): (Span, Day),
    digest: &D,
) -> Result<(), LedgerError> {
    keep.put(portal, (D::KIND, span, day), &digest.to_bytes())
}

/// Adds what came since to a day's digest.
fn add<K: Keep, D: Digest>(keep: &mut K, portal: &str, day: Day, news: D) -> Result<(), LedgerError> {
    let there = keep.digests(portal, (D::KIND, Span::Day), Days::one(day))?;
    let mut parts: Vec<D> = there.iter().filter_map(|(_, body)| D::from_bytes(body)).collect();
    parts.push(news);
    put(keep, portal, (Span::Day, day), &D::merge(parts))
}

/// What there is to make.
#[derive(Debug, Clone, Copy)]
pub(super) enum Due {
    Day(Day),
    Month(Day),
}

/// What is to be made next.
pub(super) fn next(look: &mut dyn Look, portal: &str, upto: Day) -> Result<Option<Due>, LedgerError> {
    if let Some(day) = due(look, portal, upto)? {
        return Ok(Some(Due::Day(day)));
    }
    Ok(month_due(look, portal, upto)?.map(Due::Month))
}

/// Makes it.
pub(super) fn make<K: Keep>(keep: &mut K, portal: &str, due: Due) -> Result<(), LedgerError> {
    match due {
        Due::Day(day) => make_day(keep, portal, day),
        Due::Month(first) => make_month(keep, portal, first),
    }
}

//! Times, each told from another, and days, each told from a time.

use portalmeter_rules::time::{FAR, Millis};

use super::said::Repeated;
use super::said::Said;
use super::{Reader, Terse, Writer};
use crate::day::Day;

/// A length of time, or a time that is mostly the same; [`Millis::MIN`] is never.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OrNever(pub(crate) Millis);

const DAY: Millis = 86_400_000;

/// Told from the one among zero and the last three that is nearest.
impl Terse for Millis {
    fn write(&self, to: &mut Writer) {
        let at = (*self).clamp(-FAR, FAR);
        let [first, second, third] = to.said.times;
        let away = [0, first, second, third].map(|from| folded(at - from));
        let nearest = (0..away.len()).min_by_key(|from| away[*from]).unwrap_or(0);
        to.bits(nearest as u64, 2);
        to.bits.push_large(away[nearest]);
        said(&mut to.said, at);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let [first, second, third] = from.said.times;
        let nearest = [0, first, second, third].get(from.bits(2)? as usize).copied()?;
        let at = unfolded(from.bits.take_large()?).checked_add(nearest).filter(|at| (-FAR..=FAR).contains(at))?;
        said(&mut from.said, at);
        Some(at)
    }
}

/// Told from the last time's: it is the same, or a day before or after, where clocks are no further apart than that.
impl Terse for Day {
    fn write(&self, to: &mut Writer) {
        to.bits.push_small(folded(i64::from(self.0) - to.said.times[0].div_euclid(DAY)));
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let day = from.said.times[0].div_euclid(DAY) + unfolded(from.bits.take_small()?);
        (-FAR / DAY - 1..=FAR / DAY + 1).contains(&day).then_some(Self(day.try_into().ok()?))
    }
}

impl Repeated for OrNever {
    fn before(said: &mut Said) -> &mut Vec<Self> {
        &mut said.lengths
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn write_in_full(&self, to: &mut Writer) {
        (self.0 != Millis::MIN).then_some(self.0).write(to);
    }

    fn read_in_full(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self(Option::<Millis>::read(from)?.unwrap_or(Millis::MIN)))
    }
}

/// The last three times that differ, the last one first.
fn said(said: &mut Said, at: Millis) {
    let [first, second, _] = said.times;
    said.times = match at {
        _ if at == first => said.times,
        _ if at == second => [at, first, said.times[2]],
        _ => [at, first, second],
    };
}

/// Small where it is near zero, on either side.
fn folded(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unfolded(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use portalmeter_rules::id::Name;

    use super::super::said::ERA;
    use super::*;

    const NOW: Millis = 1_790_000_000_000;

    fn length<T: Terse + PartialEq + std::fmt::Debug>(all: &[T]) -> usize {
        let mut to = Writer::after(0);
        for one in all {
            one.write(&mut to);
        }
        let bytes = to.finish().split_off(1);
        let mut from = Reader::new(&bytes, Name::default(), &|_| None);
        assert!(all.iter().all(|one| T::read(&mut from).as_ref() == Some(one)), "{all:?}");
        bytes.len()
    }

    #[test]
    fn a_time_near_another_is_short() {
        assert_eq!(length(&[NOW]), 6);
        assert_eq!(length(&[NOW, NOW + 60_000]), 6 + 3);
        assert_eq!(length(&[NOW, 0, 1_800_000, NOW + 60_000]), 6 + 1 + 3 + 3);
        length(&[FAR, -FAR, FAR, 0, -1]);
    }

    #[test]
    fn days_are_told_from_the_last_time() {
        let day = |at: Millis, days: i32| Day((at.div_euclid(DAY)) as i32 + days);
        assert_eq!(length(&[day(ERA, 0), day(ERA, 1), day(ERA, -1), day(ERA, 0)]), 1);
        assert_eq!(length(&[(NOW, day(NOW, 0)), (NOW, day(NOW, 1))]), 6 + 1);
        length(&[(FAR, day(FAR, 0)), (FAR, day(-FAR, 0)), (-FAR, day(FAR, 0))]);
    }

    #[test]
    fn never_is_a_time_too() {
        let (never, often) = (OrNever(Millis::MIN), OrNever(1_800_000));
        length(&[often, never, often, never]);
    }
}

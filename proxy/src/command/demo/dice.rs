//! Chance that can be repeated: a seed gives the same throws on every machine.

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, fast, and good enough to look random.
#[derive(Debug)]
pub(in crate::command::demo) struct Dice(u64);

impl Dice {
    /// Dice for `seed`.
    pub(in crate::command::demo) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Other dice that do not depend on what is thrown with these later.
    pub(in crate::command::demo) fn fork(&mut self) -> Self {
        Self(self.throw())
    }

    /// A number from `from` to `to`, both included.
    pub(in crate::command::demo) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.throw() % (to.saturating_sub(from) + 1)
    }

    /// A number from 0 up to, and not including, 1.
    pub(in crate::command::demo) fn fraction(&mut self) -> f64 {
        (self.throw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in this part of all cases, from 0 to 1.
    pub(in crate::command::demo) fn chance(&mut self, part: f64) -> bool {
        self.fraction() < part
    }

    /// A whole number whose average is `expected`.
    pub(in crate::command::demo) fn about(&mut self, expected: f64) -> u64 {
        (expected + self.fraction()) as u64
    }

    /// True once in `times`, on average.
    pub(in crate::command::demo) fn one_in(&mut self, times: u64) -> bool {
        self.between(1, times) == 1
    }

    /// One of several, or none of nothing.
    pub(in crate::command::demo) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let last = from.len().checked_sub(1)?;
        from.get(self.between(0, last as u64) as usize)
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_throws() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            [(); 20].map(|()| dice.between(1, 6))
        };
        assert_eq!(throws(3), throws(3));
        assert_ne!(throws(3), throws(4));
        assert!(throws(3).iter().all(|throw| (1..=6).contains(throw)));
    }

    #[test]
    fn nothing_is_picked_from_nothing() {
        assert_eq!(Dice::new(1).pick::<u8>(&[]), None);
    }
}

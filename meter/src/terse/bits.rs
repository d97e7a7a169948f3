//! Bits one after another, the lowest of a byte first; and numbers that are the shorter the smaller they are.

/// Bits that are written.
pub(super) struct BitsOut {
    bytes: Vec<u8>,
    /// Those that do not fill a byte yet.
    rest: u64,
    count: u32,
}

/// Bits that are read.
pub(super) struct BitsIn<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// Small numbers stay below two to the power of this.
const SMALL: u32 = 34;
/// The length of a large one takes so many bits.
const LENGTH: u32 = 6;

impl BitsOut {
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, rest: 0, count: 0 }
    }

    /// The lowest bits of a value, 32 at most.
    pub(super) fn push(&mut self, value: u64, count: u32) {
        self.rest |= (value & !(u64::MAX << count)) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.rest as u8);
            self.rest >>= 8;
            self.count -= 8;
        }
    }

    fn push_long(&mut self, value: u64, count: u32) {
        self.push(value, count.min(32));
        self.push(value >> 32, count.saturating_sub(32));
    }

    /// A number that is mostly small (Elias gamma): none is one bit, five are five.
    pub(super) fn push_small(&mut self, number: u64) {
        let length = (number + 1).ilog2();
        self.push_long(1 << length, length + 1);
        self.push_long(number + 1, length);
    }

    /// A number that is mostly large, below two to the power of 63: its length, and what comes after its first bit.
    pub(super) fn push_large(&mut self, number: u64) {
        let length = u64::BITS - number.leading_zeros();
        self.push(u64::from(length), LENGTH);
        self.push_long(number, length.saturating_sub(1));
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.rest as u8);
        }
        self.bytes
    }
}

impl<'b> BitsIn<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// So many bits, 32 at most.
    pub(super) fn take(&mut self, count: u32) -> Option<u64> {
        if count as usize > self.left() {
            return None;
        }
        let ahead = self.bytes.get(self.at / 8..)?;
        let mut window = [0; 8];
        let there = ahead.len().min(8);
        window[..there].copy_from_slice(&ahead[..there]);
        let value = (u64::from_le_bytes(window) >> (self.at % 8)) & !(u64::MAX << count);
        self.at += count as usize;
        Some(value)
    }

    fn take_long(&mut self, count: u32) -> Option<u64> {
        let low = self.take(count.min(32))?;
        Some(low | self.take(count.saturating_sub(32))? << 32)
    }

    pub(super) fn take_small(&mut self) -> Option<u64> {
        let mut length = 0;
        while self.take(1)? == 0 {
            length += 1;
            if length > SMALL {
                return None;
            }
        }
        Some((1 << length | self.take_long(length)?) - 1)
    }

    pub(super) fn take_large(&mut self) -> Option<u64> {
        let Some(length) = (self.take(LENGTH)? as u32).checked_sub(1) else { return Some(0) };
        Some(1 << length | self.take_long(length)?)
    }

    /// How many there are still.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() * 8 - self.at
    }

    /// Whether no more is left than what fills the last byte.
    pub(super) fn is_spent(&self) -> bool {
        let left = self.left();
        left == 0 || left < 8 && self.bytes.last().is_some_and(|last| last >> (8 - left) == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let numbers: Vec<u64> = (0..SMALL).flat_map(|power| [(1 << power) - 1, 1 << power]).collect();
        let large: Vec<u64> = (0..63).flat_map(|power| [(1 << power) - 1, 1 << power]).collect();
        let mut out = BitsOut::after(vec![7]);
        for number in &numbers {
            out.push_small(*number);
        }
        for number in &large {
            out.push_large(*number);
        }
        let bytes = out.finish();
        let mut bits = BitsIn::new(&bytes[1..]);
        assert!(numbers.iter().all(|number| bits.take_small() == Some(*number)));
        assert!(large.iter().all(|number| bits.take_large() == Some(*number)));
        assert!(bits.is_spent());
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        let mut bits = BitsIn::new(&[0, 0]);
        assert_eq!((bits.take(9), bits.take(8), bits.left()), (Some(0), None, 7));
        assert_eq!(BitsIn::new(&[0; 100]).take_small(), None);
        assert_eq!(BitsIn::new(&[63]).take_large(), None);
        assert!(!BitsIn::new(&[0]).is_spent(), "a byte is no filling");
    }
}

//! Numbers, and none or some or many of something.

use super::{Reader, Terse, Writer};

impl Terse for bool {
    fn write(&self, to: &mut Writer) {
        to.bits(u64::from(*self), 1);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(from.bits(1)? == 1)
    }
}

/// As it is: it may be anything.
impl Terse for u16 {
    fn write(&self, to: &mut Writer) {
        to.bits(u64::from(*self), Self::BITS);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.bits(Self::BITS)?.try_into().ok()
    }
}

/// Mostly small.
impl Terse for u32 {
    fn write(&self, to: &mut Writer) {
        to.bits.push_small(u64::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.bits.take_small()?.try_into().ok()
    }
}

impl<T: Terse> Terse for Option<T> {
    fn write(&self, to: &mut Writer) {
        self.is_some().write(to);
        if let Some(one) = self {
            one.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        if bool::read(from)? { T::read(from).map(Some) } else { Some(None) }
    }
}

impl<T: Terse> Terse for Vec<T> {
    fn write(&self, to: &mut Writer) {
        to.bits.push_small(self.len() as u64);
        for one in self {
            one.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        // However many are said to come: each has to be there.
        let count = from.bits.take_small()?;
        (0..count).map(|_| T::read(from)).collect()
    }
}

impl<A: Terse, B: Terse> Terse for (A, B) {
    fn write(&self, to: &mut Writer) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}

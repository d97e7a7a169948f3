//! Values as bits, where nothing is said twice.
//!
//! A store keeps a value for every visitor there is, so what counts is how short it is: a time is told from a time
//! before it, and a name, a policy or a note that was there before is a bit or two. A type lists its fields once
//! ([`terse!`], [`choices!`]), and is both written and read by that list. What is read is not trusted: it is a value, or
//! nothing, and takes no more memory than its length allows.

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::store::row::Stamps;

#[cfg(test)]
pub(crate) mod any;
mod bits;
mod plain;
mod said;
mod texts;
mod times;

use bits::{BitsIn, BitsOut};
use said::Said;
pub(crate) use times::OrNever;

/// What can be written, and read again.
pub(crate) trait Terse: Sized {
    /// Writes it.
    fn write(&self, to: &mut Writer);

    /// Reads it; nothing if it is not there.
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// A value in the making.
pub(crate) struct Writer {
    bits: BitsOut,
    said: Said,
}

/// A value that is read.
pub(crate) struct Reader<'r> {
    bits: BitsIn<'r>,
    said: Said,
    stamps: Stamps<'r>,
    /// Under which name the value is kept: it is not written in it.
    pub(crate) of: Name,
}

/// Few values are longer.
const MOSTLY_ENOUGH: usize = 128;

impl Writer {
    /// What is written comes after this byte.
    pub(crate) fn after(version: u8) -> Self {
        let mut bytes = Vec::with_capacity(MOSTLY_ENOUGH);
        bytes.push(version);
        Self { bits: BitsOut::after(bytes), said: Said::default() }
    }

    /// All of it.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bits.finish()
    }

    /// The lowest bits of a number, 32 at most.
    pub(crate) fn bits(&mut self, value: u64, count: u32) {
        self.bits.push(value, count);
    }
}

impl<'r> Reader<'r> {
    /// Reads what is kept under a name.
    pub(crate) fn new(bytes: &'r [u8], of: Name, stamps: Stamps<'r>) -> Self {
        Self { bits: BitsIn::new(bytes), said: Said::default(), stamps, of }
    }

    /// So many bits, 32 at most.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u64> {
        self.bits.take(count)
    }

    /// Whether nothing is left to be read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.bits.is_spent()
    }
}

/// Writes what is known of everything before an instant: a bit where that is nothing.
pub(crate) fn write_checkpoint<T: Terse + Default + PartialEq>(to: &mut Writer, floor: Millis, base: &T) {
    let begun = floor != 0 || *base != T::default();
    begun.write(to);
    if begun {
        floor.write(to);
        base.write(to);
    }
}

/// Reads that.
pub(crate) fn read_checkpoint<T: Terse + Default>(from: &mut Reader<'_>) -> Option<(Millis, T)> {
    if bool::read(from)? { Terse::read(from) } else { Some(Default::default()) }
}

/// A structure is its fields, in this order; `field as Type` has a field written as another type that holds the same.
macro_rules! terse {
    ($type:ident { $($field:ident $(as $other:ident)?),* $(,)? }) => {
        impl $crate::terse::Terse for $type {
            fn write(&self, to: &mut $crate::terse::Writer) {
                let Self { $($field),* } = self;
                $($crate::terse::terse!(@write to $field $($other)?);)*
            }

            fn read(from: &mut $crate::terse::Reader<'_>) -> Option<Self> {
                $(let $field = $crate::terse::terse!(@read from $($other)?);)*
                Some(Self { $($field),* })
            }
        }
    };
    (@write $to:ident $field:ident) => { $crate::terse::Terse::write($field, $to) };
    (@write $to:ident $field:ident $other:ident) => { $crate::terse::Terse::write(&$other(*$field), $to) };
    (@read $from:ident) => { $crate::terse::Terse::read($from)? };
    (@read $from:ident $other:ident) => { <$other as $crate::terse::Terse>::read($from)?.0 };
}
pub(crate) use terse;

/// A choice is a number of so many bits.
macro_rules! choices {
    ($type:ident, $bits:literal { $($number:literal => $choice:ident),* $(,)? }) => {
        impl $crate::terse::Terse for $type {
            fn write(&self, to: &mut $crate::terse::Writer) {
                to.bits(match self { $(Self::$choice => $number),* }, $bits);
            }

            fn read(from: &mut $crate::terse::Reader<'_>) -> Option<Self> {
                Some(match from.bits($bits)? {
                    $($number => Self::$choice,)*
                    _ => return None,
                })
            }
        }
    };
}
pub(crate) use choices;

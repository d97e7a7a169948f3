//! How a value is written: versioned, tersely, read defensively.

use super::row::Stamps;
use super::step::Slot;
use crate::sheet::{Also, Value, Visitor};
use crate::terse::{Reader, Terse, Writer, terse};

#[cfg(test)]
mod tests;

/// A value that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// What every value begins with.
const VERSION: u8 = 5;

/// A value as bytes; nothing where there is nothing worth keeping.
pub(super) fn write(value: &Value) -> Option<Vec<u8>> {
    let mut to = Writer::after(VERSION);
    match value {
        Value::Visitor(visitor) if !visitor.says_nothing() => visitor.write(&mut to),
        Value::Nothing | Value::Visitor(_) => return None,
        Value::Also(also) => also.write(&mut to),
    }
    Some(to.finish())
}

/// The value in these bytes.
pub(super) fn read(bytes: &[u8], slot: &Slot, stamps: Stamps<'_>) -> Result<Value, Damaged> {
    let (&VERSION, rest) = bytes.split_first().ok_or(Damaged)? else { return Err(Damaged) };
    let (Slot::Visitor(name, _) | Slot::Also(name)) = slot;
    let mut from = Reader::new(rest, *name, stamps);
    let value = match slot {
        Slot::Visitor(..) => Terse::read(&mut from).map(|visitor| Value::Visitor(Box::new(visitor))),
        Slot::Also(_) => Terse::read(&mut from).map(Value::Also),
    };
    value.filter(|_| from.is_at_end()).ok_or(Damaged)
}

terse!(Visitor { settled, overheard, told, history });

impl Terse for Also {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Company(company) => {
                to.bits(COMPANY, KIND);
                company.write(to);
            }
            Self::Behind(fingerprint) => {
                to.bits(BEHIND, KIND);
                fingerprint.write(to);
            }
            Self::Renews(first, seen) => {
                to.bits(RENEWS, KIND);
                first.write(to);
                seen.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match from.bits(KIND)? {
            COMPANY => Terse::read(from).map(|company| Self::Company(Box::new(company))),
            BEHIND => Terse::read(from).map(Self::Behind),
            RENEWS => Some(Self::Renews(Terse::read(from)?, Terse::read(from)?)),
            _ => None,
        }
    }
}

/// What is known of another name takes so many bits to say.
const KIND: u32 = 2;
const COMPANY: u64 = 0;
const BEHIND: u64 = 1;
const RENEWS: u64 = 2;

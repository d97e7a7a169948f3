//! What was said before is referred to: by how many others were said since.

use std::sync::Arc;

use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::{OrNever, Reader, Terse, Writer};
use crate::observation::{Note, Stamp};
use crate::policy::PolicyId;

/// All that was said so far in a value; of each kind the last first.
pub(super) struct Said {
    pub(super) times: [Millis; 3],
    pub(super) lengths: Vec<OrNever>,
    names: Vec<Name>,
    pub(super) texts: Vec<Arc<str>>,
    notes: Vec<Arc<Note>>,
    stamps: Vec<Stamp>,
}

/// 2026 begins, from where the first time of a value is told. With another, values have another version.
pub(super) const ERA: Millis = 1_767_225_600_000;
/// What sessions end after, as a rule.
const IDLE: OrNever = OrNever(30 * 60_000);

/// Some goes without saying.
impl Default for Said {
    fn default() -> Self {
        let (names, texts, notes, stamps) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { times: [ERA; 3], lengths: vec![IDLE], names, texts, notes, stamps }
    }
}

/// What is written in full once in a value.
pub(super) trait Repeated: Clone {
    fn before(said: &mut Said) -> &mut Vec<Self>;
    fn is(&self, other: &Self) -> bool;
    fn write_in_full(&self, to: &mut Writer);
    fn read_in_full(from: &mut Reader<'_>) -> Option<Self>;
}

impl<T: Repeated> Terse for T {
    fn write(&self, to: &mut Writer) {
        let before = T::before(&mut to.said);
        let place = before.iter().position(|one| one.is(self));
        let number = place.unwrap_or(before.len());
        match place {
            Some(place) => before[..=place].rotate_right(1),
            None => before.insert(0, self.clone()),
        }
        to.bits.push_small(number as u64);
        if place.is_none() {
            self.write_in_full(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let place = from.bits.take_small()? as usize;
        let before = T::before(&mut from.said);
        if let Some(upto) = before.get_mut(..=place) {
            upto.rotate_right(1);
            return before.first().cloned();
        }
        if place != before.len() {
            return None;
        }
        let one = T::read_in_full(from)?;
        T::before(&mut from.said).insert(0, one.clone());
        Some(one)
    }
}

impl Repeated for Name {
    fn before(said: &mut Said) -> &mut Vec<Self> {
        &mut said.names
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn write_in_full(&self, to: &mut Writer) {
        let number = u128::from_le_bytes(self.0);
        for part in 0..4 {
            to.bits((number >> (32 * part)) as u64, 32);
        }
    }

    fn read_in_full(from: &mut Reader<'_>) -> Option<Self> {
        let mut number = 0;
        for part in 0..4 {
            number |= u128::from(from.bits(32)?) << (32 * part);
        }
        Some(Self(number.to_le_bytes()))
    }
}

impl Repeated for Arc<Note> {
    fn before(said: &mut Said) -> &mut Vec<Self> {
        &mut said.notes
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn write_in_full(&self, to: &mut Writer) {
        let Note { rule, agent, account } = &**self;
        rule.write(to);
        agent.write(to);
        account.write(to);
    }

    fn read_in_full(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self::new(Note { rule: Terse::read(from)?, agent: Terse::read(from)?, account: Terse::read(from)? }))
    }
}

/// A policy is written by its id, under which it was made known.
impl Repeated for Stamp {
    fn before(said: &mut Said) -> &mut Vec<Self> {
        &mut said.stamps
    }

    fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    fn write_in_full(&self, to: &mut Writer) {
        to.bits(self.id.0, 32);
        to.bits(self.id.0 >> 32, 32);
    }

    fn read_in_full(from: &mut Reader<'_>) -> Option<Self> {
        let id = from.bits(32)? | from.bits(32)? << 32;
        (from.stamps)(PolicyId(id))
    }
}

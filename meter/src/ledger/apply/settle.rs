//! Corrections of a sealed day: what shall hold of a record, less what holds.

use std::collections::BTreeMap;

use portalmeter_rules::id::Name;

use super::super::Line;
use crate::day::Zone;
use crate::session::Class;

/// How a record of a sealed day shall be.
#[derive(Debug)]
pub(super) struct Wish {
    /// The record, as it was told last.
    pub(super) line: Line,
    pub(super) holds: bool,
}

/// What a record adds, by what bills tell apart.
type Amounts<'a> = BTreeMap<(Class, Option<&'a str>), i32>;

/// The corrections of a record that make of what holds what shall hold: none, if it does. Each is on the first day
/// that it may be on, sealed or not. The same again gives the same ids.
pub(super) fn corrections(id: Name, wish: &Wish, line: Option<&Line>, booked: &[Line]) -> Vec<Line> {
    let holding: Vec<&Line> = line.into_iter().filter(|line| !line.withdrawn).chain(booked).collect();
    let mut differences = Amounts::new();
    if wish.holds {
        *differences.entry(kind(&wish.line)).or_default() += wish.line.amount;
    }
    for line in &holding {
        *differences.entry(kind(line)).or_default() -= line.amount;
    }
    let zone = Zone::named(&wish.line.zone).unwrap_or_else(|_| Zone::utc());
    let day = zone.day(wish.line.stored_time).max(wish.line.day);
    let differences = differences.into_iter().filter(|(_, amount)| *amount != 0);
    let lines = differences.enumerate().map(|(more, ((class, account), amount))| {
        // Who and what it was is as it was counted, where it was.
        let of = holding.iter().find(|line| kind(line) == (class, account)).copied().unwrap_or(&wish.line);
        Line {
            id: correction_id(id, booked.len() + more),
            day,
            class,
            account: account.map(str::to_owned),
            amount,
            withdrawn: false,
            stored_time: wish.line.stored_time,
            corrects: Some(wish.line.day),
            of: Some(id),
            note: None,
            ..of.clone()
        }
    });
    lines.collect()
}

fn kind(line: &Line) -> (Class, Option<&str>) {
    (line.class, line.account.as_deref())
}

/// The id of a record's n-th correction, beside the record's own in every index.
fn correction_id(of: Name, number: usize) -> Name {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"correction");
    hasher.update(&of.0);
    hasher.update(&(number as u64).to_le_bytes());
    let mut id = of;
    let (_, hash) = id.0.split_at_mut(START);
    let length = hash.len();
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..length]);
    id
}

/// Ids begin with so many bytes of their session's start.
const START: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_correction_has_an_id_of_its_own_beside_its_records() {
        let of = Name([7; 16]);
        let ids = [0, 1].map(|number| correction_id(of, number));
        assert_ne!(ids[0], ids[1]);
        assert!(ids.iter().all(|id| id.0[..START] == of.0[..START] && *id != of));
    }
}

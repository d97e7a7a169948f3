//! How a value is written: versioned, compact, read defensively.

use portalmeter_rules::id::Name;
use serde::{Deserialize, Serialize};

use super::row::{Stamps, VisitorRow};
use super::step::Slot;
use crate::names::Company;
use crate::sheet::{Also, Value};

/// A value that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

#[derive(Serialize)]
enum AlsoRef<'a> {
    Company(&'a Company),
    Behind(Name),
    Renews(Name),
}

#[derive(Deserialize)]
enum AlsoRow {
    Company(Box<Company>),
    Behind(Name),
    Renews(Name),
}

/// What every value begins with.
const VERSION: u8 = 2;

/// A value as bytes; nothing where there is nothing worth keeping.
pub(super) fn write(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Visitor(visitor) if !visitor.history.is_empty() => Some(written(&VisitorRow::from(&**visitor))),
        Value::Nothing | Value::Visitor(_) => None,
        Value::Also(also) => Some(written(&match also {
            Also::Company(company) => AlsoRef::Company(company),
            Also::Behind(fingerprint) => AlsoRef::Behind(*fingerprint),
            Also::Renews(first) => AlsoRef::Renews(*first),
        })),
    }
}

/// The value in these bytes.
pub(super) fn read(bytes: &[u8], slot: &Slot, stamps: Stamps<'_>) -> Result<Value, Damaged> {
    Ok(match slot {
        Slot::Visitor(..) => Value::Visitor(Box::new(row::<VisitorRow>(bytes)?.read(stamps).ok_or(Damaged)?)),
        Slot::Also(fingerprint) => Value::Also(match row(bytes)? {
            AlsoRow::Company(company) => Also::Company(Box::new(company.restored(*fingerprint))),
            AlsoRow::Behind(fingerprint) => Also::Behind(fingerprint),
            AlsoRow::Renews(first) => Also::Renews(first),
        }),
    })
}

fn written(row: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(row, vec![VERSION]).unwrap_or_default()
}

fn row<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, Damaged> {
    let (&VERSION, rest) = bytes.split_first().ok_or(Damaged)? else { return Err(Damaged) };
    postcard::from_bytes(rest).map_err(|_| Damaged)
}

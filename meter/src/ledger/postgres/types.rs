//! Ids, days and instants as Postgres sends them: `uuid`, `date` and `timestamptz`, in binary.

use std::error::Error;

use bytes::BytesMut;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::day::Day;

/// 16 bytes in a `uuid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(pub(super) Name);

/// A civil day in a `date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date(pub(super) Day);

/// An instant in a `timestamptz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At(pub(super) Millis);

type Wrong = Box<dyn Error + Sync + Send>;

/// Postgres counts from 2000-01-01: so many days, and milliseconds, after 1970-01-01.
const EPOCH_DAY: i32 = 10_957;
const EPOCH: Millis = 946_684_800_000;
/// Bytes of a date, and of an instant.
const DATE: usize = 4;
const INSTANT: usize = 8;

impl ToSql for Id {
    fn to_sql(&self, _: &Type, to: &mut BytesMut) -> Result<IsNull, Wrong> {
        to.extend_from_slice(&self.0.0);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Id {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self(Name(raw.try_into()?)))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }
}

impl ToSql for Date {
    fn to_sql(&self, _: &Type, to: &mut BytesMut) -> Result<IsNull, Wrong> {
        to.extend_from_slice(&self.0.0.saturating_sub(EPOCH_DAY).to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::DATE
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Date {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        let days = i32::from_be_bytes(<[u8; DATE]>::try_from(raw)?);
        Ok(Self(Day(days.saturating_add(EPOCH_DAY))))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::DATE
    }
}

impl ToSql for At {
    fn to_sql(&self, _: &Type, to: &mut BytesMut) -> Result<IsNull, Wrong> {
        let micros = self.0.saturating_sub(EPOCH).saturating_mul(1000);
        to.extend_from_slice(&micros.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for At {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        let micros = i64::from_be_bytes(<[u8; INSTANT]>::try_from(raw)?);
        Ok(Self(micros.div_euclid(1000).saturating_add(EPOCH)))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::TIMESTAMPTZ
    }
}

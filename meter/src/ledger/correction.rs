//! A correction by hand: what a person books, with name and reason.

use std::num::NonZeroI64;

use portalmeter_rules::id::Name;

use crate::day::Day;
use crate::session::Class;

/// A correction that a person makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Made anew by [`Correction::id`]; the same again is the same correction.
    pub id: Name,
    /// The portal.
    pub portal: String,
    /// The module, where sessions are counted per module.
    pub module: Option<String>,
    /// The day it corrects.
    pub day: Day,
    /// Whose midnight it is.
    pub zone: String,
    /// As what the difference counts.
    pub class: Class,
    /// The difference.
    pub amount: NonZeroI64,
    /// The company it is for, where bills are by company.
    pub account: Option<String>,
    /// Who says so.
    pub author: String,
    /// Why.
    pub note: String,
}

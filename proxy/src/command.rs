//! The commands, one file each.

pub(crate) mod agents;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod correct;
pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod hash_password;
pub(crate) mod journal;
pub(crate) mod reach;
pub(crate) mod recount;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;

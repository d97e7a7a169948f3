//! Servers of the run's own.

pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod relay;

//! Who is it: for each identity source a table of honest and forged requests.
//!
//! No forged one is internal or somebody else, and no identity header of a stranger reaches the portal.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]

#[path = "faults"]
mod faults {
    pub(crate) mod meter;
    pub(crate) mod origin;
    pub(crate) mod stage;
    pub(crate) mod wire;
}

#[path = "identity"]
mod identity {
    pub(crate) mod idp;
    mod others;
    pub(crate) mod peer;
    pub(crate) mod portal;
    mod probes;
    pub(crate) mod table;
    mod tokens;
}

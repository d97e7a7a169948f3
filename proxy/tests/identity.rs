//! Who is it: for each identity source a table of honest and forged requests.
//!
//! No forged one is internal or somebody else, and no identity header of a stranger reaches the portal.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it measured")]

mod faults {
    pub(crate) mod meter;
    pub(crate) mod origin;
    pub(crate) mod stage;
    pub(crate) mod wire;
}

mod identity {
    pub(crate) mod peer;
    pub(crate) mod portal;
    pub(crate) mod probes;
    pub(crate) mod table;
}

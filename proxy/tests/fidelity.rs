//! Nothing changes for the portal, and nothing for the browser: every exchange is had straight with the
//! portal and through the proxy, and both ends must see the same.
//!
//! The exchanges are the tables in `fidelity/`; `table.rs` says how to read them, `compare.rs` what may differ.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "faults"]
mod faults {
    pub(crate) mod meter;
    pub(crate) mod wire;
}
mod fidelity {
    pub(crate) mod case;
    pub(crate) mod compare;
    pub(crate) mod exchange;
    pub(crate) mod front;
    pub(crate) mod message;
    pub(crate) mod origin;
    pub(crate) mod rows;
    pub(crate) mod stage;
    pub(crate) mod table;
}

use fidelity::rows;
use fidelity::stage::Stage;

#[test]
fn the_portal_gets_the_request_line_it_would_get_without_us() {
    let stage = Stage::new();
    rows::run("targets.md", include_str!("fidelity/targets.md"), &stage.origin, stage.proxy);
}

#[test]
fn fields_pass_to_the_byte_both_ways() {
    let stage = Stage::new();
    rows::run("fields.md", include_str!("fidelity/fields.md"), &stage.origin, stage.proxy);
}

#[test]
fn answers_pass_as_the_portal_gave_them() {
    let stage = Stage::new();
    rows::run("answers.md", include_str!("fidelity/answers.md"), &stage.origin, stage.proxy);
}

#[test]
fn bodies_pass_whole_and_torn_ones_stay_torn() {
    let stage = Stage::new();
    rows::run("bodies.md", include_str!("fidelity/bodies.md"), &stage.origin, stage.proxy);
}

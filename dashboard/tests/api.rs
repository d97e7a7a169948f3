//! The API, driven as a browser would, on a real ledger.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "api"]
mod api {
    mod fragile;
    mod place;
    mod say;

    mod away;
    mod bad_input;
    mod corrections;
    mod definitions;
    mod document;
    mod engagement;
    mod live;
    mod records;
    mod roles;
    mod usage;
}

//! Engagement, gathered beside the meter: who looked at what, and did what, added up by quarter of an hour.
//!
//! A request leaves a few bytes in a [`Watch`] and goes on; whatever takes thought is done later, by a thread that reads
//! them into a [`Gathering`]. Nothing here counts for a bill, and nothing here may make a visitor wait: what does not fit
//! is dropped, and told.

mod buffer;
mod sums;
mod watch;

pub use buffer::{Buffer, Seen, What};
pub use sums::{Gathering, MOST_ACTIONS, MOST_RESOURCES, MOST_ROOMS, Other};
pub use watch::{Noted, Noting, Watch};

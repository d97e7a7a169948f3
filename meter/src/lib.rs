//! Sessions to usage: the counting half of portalmeter.
//!
//! Observations of a visitor in a scope are folded into sessions and usage records ([`fold`],
//! [`history`]); an engine keeps live sessions, journals what must not be lost and commits
//! batches to a store; records rest in a ledger, from which a report reads usage.
//!
//! The core takes the time as an argument and never reads a clock; only the adapters (journal,
//! store, flush) touch files. Nothing here knows of HTTP.
//!
//! ```
//! use portalmeter_meter::policy::{Experience, Login, Policy};
//!
//! let embeddables = Policy::preset(Experience::WebEmbeddables);
//! assert_eq!(embeddables.login, Login::Count);
//! assert_eq!(embeddables.idle_timeout, 30 * 60 * 1000);
//! ```

pub mod accounts;
pub mod acts;
pub mod changeover;
pub mod day;
pub mod digest;
pub mod engine;
pub mod entry;
pub mod flush;
pub mod fold;
pub mod gather;
pub mod guard;
pub mod history;
pub mod insight;
pub mod intake;
pub mod journal;
pub mod keeper;
pub mod ledger;
pub mod names;
pub mod observation;
pub mod offline;
pub mod people;
pub mod policy;
pub mod record;
pub mod recount;
pub mod session;
mod sheet;
pub mod stamping;
pub mod store;
mod terse;
pub mod uptime;
pub mod usage;
pub mod yielding;

//! What is this request? The pure half of portalmeter.
//!
//! Given the facts of one exchange, this crate says which portal and module it belongs to, whether
//! it is a page, who sent it, whether a bot did, and which browser it came from. It exists so that
//! the proxy, `replay` and `explain` can never disagree.
//!
//! It must never do I/O, read a clock, draw randomness or write a log: the time and every byte
//! come in as arguments.
//!
//! ```
//! use portalmeter_rules::pattern::Pattern;
//!
//! let login = Pattern::path("/csp?id=login*")?;
//! assert!(login.matches_target(b"/csp?id=login&from=home"));
//! assert!(!login.matches_target(b"/csp?id=home"));
//! # Ok::<(), portalmeter_rules::pattern::BadPattern>(())
//! ```

pub mod agent;
pub mod cookies;
pub mod engagement;
pub mod facts;
pub mod id;
pub mod identity;
pub mod judge;
pub mod page;
pub mod pattern;
pub mod portal;
pub mod product;
pub mod roles;
pub mod sharing;
pub mod target;
pub mod time;
pub mod verdict;
pub mod visitor;

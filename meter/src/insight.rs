//! Answers for those who look: usage by any period, engagement, who is live.
//!
//! Whatever has a digest is taken from it, the rest from the ledger's rows; the answer is the same either way.

mod accounts;
mod content;
mod detail;
mod engagement;
mod live;
mod period;
mod pieces;
mod risk;
mod unusual;
mod usage;

pub use accounts::{Account, Among, Leaderboard, Segment, Totals as AccountTotals, leaderboard};
pub use content::{Content, Seen, content};
pub use detail::{Detail, SeenBy, SeenIn, detail};
pub use engagement::{Point, Summary, Whom, summary, timeline};
pub use live::{Live, live};
pub use period::{By, Period, buckets, periods};
pub use risk::{AtRisk, Because, at_risk};
pub use unusual::{Overdue, Surge, overdue, surges};
pub use usage::{Asked, Row, Used, usage, used};

//! Instants, as every part of the program writes them.

/// Milliseconds since the Unix epoch. Counts are exact to the millisecond.
pub type Millis = i64;

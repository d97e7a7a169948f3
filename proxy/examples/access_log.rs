//! Writes a made-up access log to standard output, for measuring `replay`:
//! `cargo run --release -p portalmeter --example access_log -- LINES VISITORS DAYS SEED`.

#[path = "../tests/support/access_log.rs"]
mod access_log;

use std::io::{self, BufWriter, Write};

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>().ok());
    let mut next = |default| numbers.next().flatten().unwrap_or(default);
    let (lines, visitors) = (next(1_000_000), next(20_000) as usize);
    // March has 31 days.
    let traffic = access_log::Traffic { lines, visitors: visitors.max(1), days: next(1).clamp(1, 31), seed: next(1) };
    let mut out = BufWriter::new(io::stdout().lock());
    access_log::write(traffic, &mut out)?;
    out.flush()
}

//! What a live visitor weighs: resident memory with a million of them, less what was there before.
//!
//! They arrive evenly over the half hour after which the first would no longer be live.

#[path = "support/traffic.rs"]
#[expect(clippy::expect_used, reason = "a bench that cannot be set up ends")]
#[allow(dead_code, reason = "each bench uses a part of it")]
mod traffic;

use traffic::Meter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VISITORS: u32 = 1_000_000;
/// All of them within the idle timeout.
const MINUTES: u32 = 28;

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn main() {
    let meter = Meter::new();
    // What the outbox and the journal need at once is needed once.
    for number in 0..20_000 {
        meter.welcome(VISITORS + number);
    }
    meter.settle();
    let before = resident();
    for number in 0..VISITORS {
        meter.welcome(number);
        if number.is_multiple_of(VISITORS / MINUTES) {
            meter.pass_a_minute();
        }
    }
    meter.catch_up();
    let bytes = (resident() - before) / u64::from(VISITORS);
    let sessions = meter.known();
    println!("{bytes} bytes a live visitor ({sessions} sessions)");
}

/// Bytes of this process in memory; 0 where there is no `/proc`.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}

//! What a live visitor weighs: resident memory with a million of them, less what was there before.

#[path = "support/traffic.rs"]
#[expect(clippy::expect_used, reason = "a bench that cannot be set up ends")]
#[allow(dead_code, reason = "each bench uses a part of it")]
mod traffic;

use traffic::Meter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VISITORS: u32 = 1_000_000;

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
    }
    meter.catch_up();
    let arrived = resident();
    tell("just arrived", &meter, arrived - before);
    meter.settle();
    tell("two minutes later", &meter, resident() - before);
}

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn tell(when: &str, meter: &Meter, bytes: u64) {
    let (sessions, names) = meter.known();
    println!("{when}: {} bytes a visitor ({sessions} sessions, {names} names)", bytes / u64::from(VISITORS));
}

/// Bytes of this process in memory; 0 where there is no `/proc`.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}

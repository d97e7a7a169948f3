//! What one metered request allocates: counted here, and named by `dhat-heap.json`, which holds
//! where each allocation was made (open it in DHAT's viewer).

#[path = "support/traffic.rs"]
#[expect(clippy::expect_used, reason = "a bench that cannot be set up ends")]
#[allow(dead_code, reason = "each bench uses a part of it")]
mod traffic;

use traffic::Meter;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const REQUESTS: u32 = 10_000;

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn main() {
    let (meter, browsers) = Meter::visited(1_000);
    let asked: Vec<_> = browsers.iter().map(|browser| meter.asked(*browser)).collect();
    let profiler = dhat::Profiler::builder().trim_backtraces(Some(12)).build();
    for _ in 0..REQUESTS / 1_000 {
        for asked in &asked {
            meter.take(asked, None);
        }
    }
    let all = dhat::HeapStats::get();
    let each = |total: u64| total as f64 / f64::from(REQUESTS);
    println!("{:.3} allocations and {:.0} bytes a request", each(all.total_blocks), each(all.total_bytes));
    drop(profiler);
}

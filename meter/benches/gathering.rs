//! What gathering engagement adds to a page that is judged. The goal is 0.2 µs.
//!
//! No session is kept here, so that nothing else of a request is in the way: the difference of the two is what is added.

#[path = "support/traffic.rs"]
#[expect(clippy::expect_used, reason = "a bench that cannot be set up ends")]
#[allow(dead_code, reason = "each bench uses a part of it")]
mod traffic;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use traffic::Meter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VISITORS: u32 = 64;
/// So much is gathered before it is read: a busy portal's quarter of a second.
const UNREAD: u64 = 5_000;

fn gathering(criterion: &mut Criterion) {
    let (meter, browsers) = Meter::visited(VISITORS);
    let asked: Vec<_> = browsers.iter().map(|browser| meter.asked(*browser)).collect();
    let mut group = criterion.benchmark_group("a judged page");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(5)).sample_size(50);
    for (name, gathers) in [("alone", false), ("its engagement gathered", true)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|requests| {
                let (mut taken, mut left) = (Duration::ZERO, requests);
                while left > 0 {
                    let together = left.min(UNREAD);
                    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
                    let start = Instant::now();
                    for asked in asked.iter().cycle().take(together as usize) {
                        if gathers {
                            meter.judge_and_gather(asked);
                        } else {
                            meter.judge(asked);
                        }
                    }
                    taken += start.elapsed();
                    meter.read_gathered();
                    left -= together;
                }
                taken
            });
        });
    }
    group.finish();
}

criterion_group!(benches, gathering);
criterion_main!(benches);

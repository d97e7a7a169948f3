//! What one metered request costs of its own: portal, page, agent, identity, visitor, engine, journal.
//!
//! The browser is any of a million that are live, so its session is in no cache; its headers are,
//! for the proxy has just read them. The goal is one microsecond.

#[path = "support/traffic.rs"]
#[expect(clippy::expect_used, reason = "a bench that cannot be set up ends")]
#[allow(dead_code, reason = "each bench uses a part of it")]
mod traffic;

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use traffic::{Meter, scatter};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VISITORS: u32 = 1_000_000;
/// What a second of a busy node brings; then the committer takes it away.
const TOGETHER: usize = 20_000;

fn request(criterion: &mut Criterion) {
    let (meter, browsers) = Meter::visited(VISITORS);
    let mut drawn = 0;
    let mut group = criterion.benchmark_group("request");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(20)).sample_size(40);
    group.bench_function("a page of a known live visitor among a million", |bencher| {
        let ask = || {
            if meter.waiting() > TOGETHER {
                meter.catch_up();
            }
            drawn += 1;
            meter.asked(browsers[(scatter(drawn) % u64::from(VISITORS)) as usize])
        };
        bencher.iter_batched_ref(ask, |asked| meter.take(asked, None), BatchSize::NumIterations(64));
    });
    group.finish();
}

criterion_group!(benches, request);
criterion_main!(benches);

//! What one metered request costs of its own: portal, page, agent, identity, visitor, engine, journal.
//!
//! The browser is any of a million that are live, so its session is in no cache; its headers are,
//! for the proxy has just read them. The goal is one microsecond, and no more
//! than 0.2 µs of it for engagement.

#[path = "support/traffic.rs"]
#[expect(clippy::expect_used, reason = "a bench that cannot be set up ends")]
#[allow(dead_code, reason = "each bench uses a part of it")]
mod traffic;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use traffic::{Meter, scatter};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VISITORS: u32 = 1_000_000;
/// As many browsers as ask in turn: one whose session is in the processor's caches, as many as a busy
/// portal has at once, and any of a million.
const IN_TURN: [(&str, u32); 3] =
    [("of one live visitor", 1), ("of 20,000 live visitors in turn", 20_000), ("of any of a million", VISITORS)];
/// No more requests than this wait for the committer, which has a second's.
const TOGETHER: usize = 15_000;
/// So much is gathered before it is read: a busy portal's quarter of a second.
const UNREAD: u64 = 5_000;
/// So many are made ready at once: few enough that their headers are still at hand, as those are that the
/// proxy has just read.
const READY: u64 = 64;

fn request(criterion: &mut Criterion) {
    let (meter, browsers) = Meter::visited(VISITORS);
    let mut group = criterion.benchmark_group("a metered page");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(8)).sample_size(30);
    let ways = IN_TURN.iter().flat_map(|&(name, visitors)| [(name, visitors, false), (name, visitors, true)]);
    for (name, visitors, gathers) in ways {
        let name = if gathers { format!("{name}, its engagement gathered") } else { name.to_owned() };
        let mut unread = 0;
        let mut drawn = 0;
        let mut ask = || {
            drawn += 1;
            meter.asked(browsers[(scatter(drawn) % u64::from(visitors)) as usize])
        };
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|requests| {
                let (mut taken, mut left) = (Duration::ZERO, requests);
                while left > 0 {
                    let together = left.min(READY);
                    let asked: Vec<_> = (0..together).map(|_| ask()).collect();
                    if meter.waiting() > TOGETHER {
                        meter.catch_up();
                    }
                    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
                    let start = Instant::now();
                    for asked in &asked {
                        if gathers {
                            meter.take_and_gather(asked);
                        } else {
                            meter.take(asked, None);
                        }
                    }
                    taken += start.elapsed();
                    unread += together;
                    if unread > UNREAD {
                        meter.read_gathered();
                        unread = 0;
                    }
                    left -= together;
                }
                taken
            });
        });
    }
    group.finish();
}

criterion_group!(benches, request);
criterion_main!(benches);

//! The portal's traffic while Redis is away, against the same with Redis there, in pairs of rounds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::actor::Played;
use super::crowd::Crowd;
use super::process::until;
use super::servers::postgres::Postgres;
use super::servers::redis::Redis;
use super::stage::Stage;
use super::world::World;

/// What to measure. It is how visitors fare, not how servers share a machine that they would not share: Redis and
/// Postgres get what time the nodes leave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) pairs: usize,
    /// How long each half of a round lasts.
    pub(crate) lasts: Duration,
    /// New visitors a second: as many as leave the machine some air, or it is Redis's share of it that is measured.
    pub(crate) pace: f64,
}

/// How a half of a round went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Half {
    /// Microseconds that 99 of 100 answers took at the most.
    pub(crate) p99: f64,
    /// Answers a second.
    pub(crate) throughput: f64,
    /// Which share of the cores' time the host gave to other machines meanwhile.
    pub(crate) stolen: f64,
}

/// A round is measured again if the host took more than this of one of its halves: who is not let run cannot answer.
const STOLEN: f64 = 0.02;
/// It is measured so often at most, and then counts as it is.
const TRIES: usize = 3;

/// Redis away, over Redis there: the medians of the rounds' ratios.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratios {
    pub(crate) p99: f64,
    /// The same without what the portal took.
    pub(crate) beside: f64,
    pub(crate) throughput: f64,
}

impl Rounds {
    /// Measures, and says who came.
    pub(crate) fn measure(self, stage: &Stage, world: &Arc<World>) -> (Ratios, Vec<Played>) {
        stage.postgres.lock().unwrap().iter().for_each(Postgres::yields);
        let mut played = Vec::new();
        let mut pairs = Vec::new();
        // The first requests find nothing warm.
        self.half(stage, world, &mut played, (0, false));
        let (mut round, mut tries) = (0, 0);
        while round < self.pairs {
            // Whatever changes with time is for one as for the other.
            let away_first = round % 2 == 1;
            let scripts = ((round * TRIES + tries) as u64 + 1) << 32;
            let mut halves =
                [away_first, !away_first].map(|away| self.half(stage, world, &mut played, (scripts, away)));
            if away_first {
                halves.reverse();
            }
            let [there, away] = halves;
            println!(
                "round {:>2}: there p99 {:.0} us {:.0}/s, away p99 {:.0} us {:.0}/s: {:.3} {:.3}; stolen {:.2} %, {:.2} %",
                round + 1,
                there.p99,
                there.throughput,
                away.p99,
                away.throughput,
                away.p99 / there.p99,
                away.throughput / there.throughput,
                there.stolen * 100.0,
                away.stolen * 100.0
            );
            tries += 1;
            if there.stolen.max(away.stolen) > STOLEN && tries < TRIES {
                println!("round {:>2} is measured again", round + 1);
                continue;
            }
            pairs.push((there, away));
            (round, tries) = (round + 1, 0);
        }
        let ratios =
            |of: &dyn Fn(&Half) -> f64| median(pairs.iter().map(|(there, away)| of(away) / of(there)).collect());
        let takes = stage.setup.takes.as_micros() as f64;
        let beside = ratios(&|half| half.p99 - takes);
        (Ratios { p99: ratios(&|half| half.p99), beside, throughput: ratios(&|half| half.throughput) }, played)
    }

    fn half(self, stage: &Stage, world: &Arc<World>, played: &mut Vec<Played>, (scripts, away): (u64, bool)) -> Half {
        if away {
            stage.store.lock().unwrap().primaries.iter_mut().for_each(Redis::kill);
        }
        stage.store.lock().unwrap().primaries.iter().for_each(Redis::yields);
        // Until as many leave as come, it is not the load that is to be measured.
        let warm = Duration::from_millis(800);
        let crowd = Crowd {
            from: 1 + played.iter().map(|played| played.number).max().unwrap_or_default(),
            // The same scripts in both halves.
            scripts,
            lasts: self.lasts + warm,
            pace: Some(self.pace),
            ..Crowd::of(10_000)
        };
        let measured = thread::scope(|scope| {
            let measured = scope.spawn(|| {
                thread::sleep(warm);
                let (before, others) = (world.answered.load(Ordering::Relaxed), Cores::now());
                world.look();
                thread::sleep(self.lasts);
                let answers = world.answered.load(Ordering::Relaxed) - before;
                let waits = world.looked();
                let p99 = waits.get(waits.len() * 99 / 100).copied().unwrap_or_default();
                let throughput = answers as f64 / self.lasts.as_secs_f64();
                Half { p99: f64::from(p99), throughput, stolen: Cores::now().stolen_since(others) }
            });
            played.extend(crowd.come(world));
            measured.join().unwrap()
        });
        if away {
            stage.store.lock().unwrap().primaries.iter_mut().for_each(Redis::start_again);
        }
        until("nothing waits for Redis", || stage.nodes.iter().all(|node| node.metric("commit_backlog") == Some(0)));
        measured
    }
}

/// The cores' time since the machine started, in ticks.
#[derive(Debug, Clone, Copy, Default)]
struct Cores {
    all: f64,
    /// They had something to do, and the host ran something else.
    stolen: f64,
}

impl Cores {
    fn now() -> Self {
        let told = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let ticks: Vec<f64> = told.split_whitespace().skip(1).map_while(|ticks| ticks.parse().ok()).collect();
        // What guests of this machine took is in the first two as well.
        Self { all: ticks.iter().take(8).sum(), stolen: ticks.get(7).copied().unwrap_or_default() }
    }

    fn stolen_since(self, before: Self) -> f64 {
        (self.stolen - before.stolen) / (self.all - before.all).max(1.0)
    }
}

fn median(mut these: Vec<f64>) -> f64 {
    these.sort_by(f64::total_cmp);
    these.get(these.len() / 2).copied().unwrap_or(f64::NAN)
}

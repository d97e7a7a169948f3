//! The portal's traffic while Redis is away, against the same with Redis there, side by side: two fleets alike, each with
//! a Redis and a Postgres of its own, are visited by the same crowd at the same time, and one of them lacks its Redis.
//! Whatever else the machine and its host do meanwhile is done to both.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::actor::Played;
use super::crowd::Crowd;
use super::nodes::Node;
use super::process::until;
use super::servers::postgres::Postgres;
use super::servers::redis::Redis;
use super::stage::Stage;
use super::world::World;

/// What to measure. It is how visitors fare, not how servers share a machine that they would not share: Redis and
/// Postgres get what time the nodes leave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) count: usize,
    /// How long each lasts.
    pub(crate) lasts: Duration,
    /// New visitors a second in each fleet: as many as leave the machine some air.
    pub(crate) pace: f64,
}

/// A fleet, and who visited it.
pub(crate) struct Side<'s> {
    pub(crate) stage: &'s Stage,
    pub(crate) world: &'s Arc<World>,
    pub(crate) played: Vec<Played>,
}

/// How a fleet did in a round.
#[derive(Debug, Clone, Copy)]
struct Half {
    /// Microseconds that 99 of 100 answers took at the most.
    p99: f64,
    /// Answers a second.
    throughput: f64,
    /// Microseconds of the cores' time that the nodes took for an answer.
    cpu: f64,
}

/// Redis away, over Redis there: the medians of the rounds' ratios.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratios {
    pub(crate) p99: f64,
    /// The same without what the portal took.
    pub(crate) beside: f64,
    pub(crate) throughput: f64,
    pub(crate) cpu: f64,
}

/// Until as many leave as come, it is not the load that is to be measured.
const WARM: Duration = Duration::from_millis(800);

impl Rounds {
    pub(crate) fn measure(self, sides: &mut [Side<'_>; 2]) -> Ratios {
        for side in &*sides {
            side.stage.postgres.lock().unwrap().iter().for_each(Postgres::yields);
        }
        // The first requests find nothing warm.
        self.round(sides, 0, None);
        let mut pairs = Vec::new();
        for round in 1..=self.count {
            let lacks = round % 2;
            let halves = self.round(sides, (round as u64) << 32, Some(lacks));
            let (there, away) = (halves[1 - lacks], halves[lacks]);
            println!(
                "round {round:>2}: there p99 {:.0} us {:.0}/s {:.0} us of CPU, away p99 {:.0} us {:.0}/s {:.0} us of CPU: {:.3} {:.3} {:.3}",
                there.p99,
                there.throughput,
                there.cpu,
                away.p99,
                away.throughput,
                away.cpu,
                away.p99 / there.p99,
                away.throughput / there.throughput,
                away.cpu / there.cpu,
            );
            pairs.push((there, away));
        }
        let ratios =
            |of: &dyn Fn(&Half) -> f64| median(pairs.iter().map(|(there, away)| of(away) / of(there)).collect());
        let takes = sides[0].stage.setup.takes.as_micros() as f64;
        Ratios {
            p99: ratios(&|half| half.p99),
            beside: ratios(&|half| half.p99 - takes),
            throughput: ratios(&|half| half.throughput),
            cpu: ratios(&|half| half.cpu),
        }
    }

    /// Both fleets are visited by the same; one of them may lack its Redis for all of the time.
    fn round(self, sides: &mut [Side<'_>; 2], scripts: u64, lacks: Option<usize>) -> [Half; 2] {
        if let Some(lacks) = lacks {
            sides[lacks].stage.store.lock().unwrap().primaries.iter_mut().for_each(Redis::kill);
        }
        let halves = thread::scope(|scope| {
            let halves = sides.each_mut().map(|side| scope.spawn(move || self.half(side, scripts)));
            halves.map(|half| half.join().unwrap())
        });
        if let Some(lacks) = lacks {
            sides[lacks].stage.store.lock().unwrap().primaries.iter_mut().for_each(Redis::start_again);
        }
        let done = |node: &Node| node.metric("commit_backlog") == Some(0);
        until("nothing waits for Redis", || sides.iter().all(|side| side.stage.nodes.iter().all(done)));
        halves
    }

    fn half(self, side: &mut Side<'_>, scripts: u64) -> Half {
        let Side { stage, world, played } = side;
        stage.store.lock().unwrap().primaries.iter().for_each(Redis::yields);
        let crowd = Crowd {
            from: 1 + played.iter().map(|played| played.number).max().unwrap_or_default(),
            scripts,
            lasts: self.lasts + WARM,
            pace: Some(self.pace),
            ..Crowd::of(10_000)
        };
        let cpu = || stage.nodes.iter().map(Node::cpu).sum::<Duration>();
        let answered = || world.answered.load(Ordering::Relaxed);
        thread::scope(|scope| {
            let measured = scope.spawn(|| {
                thread::sleep(WARM);
                let (cpu_before, answered_before) = (cpu(), answered());
                world.look();
                thread::sleep(self.lasts);
                let (cpu, answers) = (cpu().saturating_sub(cpu_before), (answered() - answered_before) as f64);
                let waits = world.looked();
                let p99 = waits.get(waits.len() * 99 / 100).copied().unwrap_or_default();
                Half {
                    p99: f64::from(p99),
                    throughput: answers / self.lasts.as_secs_f64(),
                    cpu: cpu.as_micros() as f64 / answers,
                }
            });
            played.extend(crowd.come(world));
            measured.join().unwrap()
        })
    }
}

fn median(mut these: Vec<f64>) -> f64 {
    these.sort_by(f64::total_cmp);
    these.get(these.len() / 2).copied().unwrap_or(f64::NAN)
}

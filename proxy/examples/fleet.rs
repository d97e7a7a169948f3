//! The long forms of `tests/fleet.rs`: as many nodes, sessions and faults as asked for, beside a built `portalmeter`.
//!
//! `make fleet`, `make chaos` and `make away`; or, with options, `cargo run --release -p portalmeter --example fleet --
//! --help`. `PM_SEED` replays a run's actors and faults.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement fails by panicking")]
#![allow(clippy::print_stdout, reason = "it says what it measured")]

#[path = "../tests/fleet/whole.rs"]
mod fleet;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;

use fleet::actor::Played;
use fleet::away::{Rounds, Side};
use fleet::calendar::Calendar;
use fleet::chance::Chance;
use fleet::crowd::Crowd;
use fleet::faults::{Fault, Storm};
use fleet::plan;
use fleet::run;
use fleet::stage::{LedgerKind, Setup, Stage, StoreKind};
use fleet::story;
use fleet::wire::Wires;
use fleet::world::World;

/// Nodes before one portal, visitors of known truth, and whether what was counted is the truth.
#[derive(Debug, Parser)]
struct Options {
    /// How many `portalmeter run` there are.
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Where sessions live.
    #[arg(long, value_enum, default_value = "redis")]
    store: StoreKind,
    /// Where records rest.
    #[arg(long, value_enum, default_value = "postgres")]
    ledger: LedgerKind,
    /// How many sessions have to be counted; with faults, visitors come until the last fault is over.
    #[arg(long, default_value_t = 10_000)]
    sessions: u64,
    /// How many visitors are there at a time.
    #[arg(long, default_value_t = 600)]
    at_once: usize,
    /// How many faults.
    #[arg(long, default_value_t = 0)]
    faults: usize,
    /// The longest that anything is away or quiet, in milliseconds.
    #[arg(long, default_value_t = 1_500)]
    longest: u64,
    /// How many rounds of two fleets side by side, one of which lacks its Redis; nothing else is done then.
    #[arg(long, default_value_t = 0)]
    away: usize,
    /// How long such a round lasts, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many new visitors come a second to each fleet in such a round.
    #[arg(long, default_value_t = 40.0)]
    pace: f64,
    /// How long the portal takes for each answer in such a round, in milliseconds; with 0 what is measured is how the
    /// nodes' own work shares the machine's cores.
    #[arg(long, default_value_t = 20)]
    takes: u64,
    /// What every visitor does, as `tests/fleet/story.rs` has it, and nothing else.
    #[arg(long)]
    story: Option<String>,
    /// In which portal.
    #[arg(long, default_value = "service")]
    portal: String,
    /// How many visitors do it.
    #[arg(long, default_value_t = 100)]
    visitors: u64,
    /// The clock of the last node is ahead by so many seconds, or behind.
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    ahead: i64,
    /// The run begins so many seconds before a midnight: it waits for the next full hour.
    #[arg(long)]
    midnight: Option<u64>,
    /// None but these faults; may be given several times.
    #[arg(long)]
    only: Vec<Fault>,
    /// A fault once everybody has gone and all is counted, which is to change nothing; may be given several times.
    #[arg(long)]
    afterwards: Vec<Fault>,
    /// How long to wait until everything is as it should be, in seconds.
    #[arg(long, default_value_t = 120)]
    patience: u64,
    /// Leaves configurations, logs and data where they are.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let options = Options::parse();
    let seed = Chance::seed();
    let calendar = match options.midnight {
        Some(seconds) => Calendar::before_midnight(Duration::from_secs(seconds)),
        None => Calendar::at_noon(),
    };
    let Options { nodes, store, ledger, .. } = options;
    let (relays, elsewhere) = (options.faults > 0, options.away > 0);
    let takes = if elsewhere { Duration::from_millis(options.takes) } else { Duration::ZERO };
    let setup = Setup { nodes, store, ledger, relays, ahead: options.ahead, elsewhere, takes };
    if options.away > 0 {
        return if away(&options, setup, &calendar, seed) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let (mut stage, world) = set(&options, setup, calendar, seed);
    let is_true = match &options.story {
        Some(told) => {
            let portal = plan::ALL.into_iter().find(|portal| portal.name == options.portal).expect("a portal's name");
            let played = story::tell(told, portal, options.visitors, &stage, &world);
            run::judge(&stage, &world, &played, false).tell(&world, &stage)
                && afterwards(&options, &stage, &world, &played)
        }
        None => count(&options, &stage, &world),
    };
    if options.keep {
        println!("everything is in {}", stage.keep().unwrap_or_default().display());
    }
    if is_true { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn count(options: &Options, stage: &Stage, world: &Arc<World>) -> bool {
    let crowd = Crowd { sessions: options.sessions, ..Crowd::of(options.at_once) };
    let begun = Instant::now();
    let played = if options.faults == 0 {
        crowd.come(world)
    } else {
        thread::scope(|scope| {
            let storm = scope.spawn(|| {
                let _over = world.over_at_the_end();
                Storm { seed: world.seed, faults: options.faults, longest: options.longest, only: &options.only }
                    .rage(stage, world)
            });
            let played = Crowd { sessions: u64::MAX, ..crowd }.come(world);
            println!("{:?}", storm.join().unwrap());
            played
        })
    };
    println!("{:.1} s of visits", begun.elapsed().as_secs_f64());
    let exact = options.faults == 0 && options.afterwards.is_empty();
    if !run::judge(stage, world, &played, exact).tell(world, stage) {
        return false;
    }
    if !afterwards(options, stage, world, &played) {
        return false;
    }
    println!("the same, after the nodes have ended:");
    run::judge_in_the_end(stage, world, &played, exact).tell(world, stage)
}

/// Faults that find everything counted change nothing.
fn afterwards(options: &Options, stage: &Stage, world: &Arc<World>, played: &[Played]) -> bool {
    options.afterwards.iter().all(|fault| {
        println!("afterwards: {fault:?}");
        fault.strike(stage, world, &mut Chance::stream(world.seed, 0), options.longest);
        // It takes nodes a moment to see it.
        thread::sleep(Duration::from_secs(10));
        run::judge(stage, world, played, false).tell(world, stage)
    })
}

fn away(options: &Options, setup: Setup, calendar: &Calendar, seed: u64) -> bool {
    let set = || set(options, setup, calendar.clone(), seed);
    let fleets = [set(), set()];
    let mut sides = fleets.each_ref().map(|(stage, world)| Side { stage, world, played: Vec::new() });
    let Options { away, seconds, pace, .. } = *options;
    let rounds = Rounds { count: away, lasts: Duration::from_secs(seconds), pace };
    let ratios = rounds.measure(&mut sides);
    println!(
        "away over there, medians: p99 {:.3} ({:.3} beside what the portal took), throughput {:.3}, CPU of the nodes for an answer {:.3}",
        ratios.p99, ratios.beside, ratios.throughput, ratios.cpu
    );
    let near = |ratio: f64| (0.9..=1.1).contains(&ratio);
    let are_true =
        sides.map(|Side { stage, world, played }| run::judge(stage, world, &played, false).tell(world, stage));
    are_true == [true; 2] && near(ratios.p99) && near(ratios.throughput)
}

fn set(options: &Options, setup: Setup, calendar: Calendar, seed: u64) -> (Stage, Arc<World>) {
    let stage = Stage::set(setup, &program(), &calendar);
    let wires = Wires::new(stage.nodes.iter().map(|node| node.listen));
    let mut world = World::new(wires, calendar, seed);
    world.patience = Duration::from_secs(options.patience);
    (stage, Arc::new(world))
}

/// `portalmeter` of the same profile.
fn program() -> PathBuf {
    let example = std::env::current_exe().unwrap();
    let program = example.ancestors().nth(2).unwrap().join("portalmeter");
    assert!(program.exists(), "{} is not there: build it first", program.display());
    program
}

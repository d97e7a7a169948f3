//! A run: a stage, a crowd, and whether what was counted is the truth.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::actor::Played;
use super::check::{Expected, Found, examples, files, ledger, redis, report};
use super::stage::{LedgerKind, Stage, StoreKind};
use super::world::World;

/// What was counted, and what should have been.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) expected: Expected,
    pub(crate) differences: Vec<String>,
    /// Records counted otherwise, with the visitors they are of.
    pub(crate) examples: String,
}

/// Nothing changes any more in this time.
const STILL: Duration = Duration::from_secs(3);

/// Compares until everything is as it must be and stays so, or it is plain that it will not be.
///
/// With `exact` page views are compared too: after faults they may be repeated.
pub(crate) fn judge(stage: &Stage, world: &World, played: &[Played], exact: bool) -> Verdict {
    let expected = Expected::of(played, &world.calendar);
    let begun = Instant::now();
    let mut well_since: Option<Instant> = None;
    loop {
        let differences = differences(stage, world, &expected, exact);
        match (differences.is_empty(), well_since) {
            (true, Some(since)) if since.elapsed() > STILL => {
                return Verdict { expected, differences, examples: String::new() };
            }
            (true, None) => well_since = Some(Instant::now()),
            (true, Some(_)) => {}
            (false, _) if begun.elapsed() > world.patience => {
                let examples = find_examples(stage, world, &expected, played);
                return Verdict { expected, differences, examples };
            }
            (false, _) => well_since = None,
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Everything that some source says otherwise than the truth.
fn differences(stage: &Stage, world: &World, expected: &Expected, exact: bool) -> Vec<String> {
    let calendar = &world.calendar;
    let mut sources: Vec<Found> = Vec::new();
    for node in &stage.nodes {
        sources.push(report::read(node, calendar));
        sources.extend(files::read(node, calendar));
    }
    for (source, records) in records(stage) {
        sources.push(ledger::found(&source, &records, &sources[0]));
    }
    if stage.setup.store != StoreKind::Embedded {
        sources.push(redis::read(&stage.store.lock().unwrap().primaries, calendar));
    }
    let (first, others) = sources.split_first().expect("there are nodes");
    let mut differences = expected.differences(first, exact);
    for other in others.iter().filter(|other| !other.agrees(first)) {
        differences.push(format!("{} says otherwise than {}", other.source, first.source));
        differences.extend(expected.differences(other, exact));
    }
    differences
}

fn records(stage: &Stage) -> Vec<(String, Vec<ledger::Record>)> {
    match stage.setup.ledger {
        LedgerKind::Postgres => {
            let postgres = stage.postgres.lock().unwrap();
            vec![("Postgres".to_owned(), ledger::postgres(postgres.as_ref().expect("Postgres")))]
        }
        LedgerKind::Embedded => {
            stage.nodes.iter().map(|node| (format!("ledger of {}", node.name()), ledger::embedded(node))).collect()
        }
    }
}

fn conversions(stage: &Stage) -> Vec<(String, Vec<ledger::Conversion>)> {
    match stage.setup.ledger {
        LedgerKind::Postgres => {
            let postgres = stage.postgres.lock().unwrap();
            vec![("Postgres".to_owned(), ledger::postgres_conversions(postgres.as_ref().expect("Postgres")))]
        }
        LedgerKind::Embedded => {
            let of = |node| ledger::embedded_conversions(node);
            stage.nodes.iter().map(|node| (format!("ledger of {}", node.name()), of(node))).collect()
        }
    }
}

fn find_examples(stage: &Stage, world: &World, expected: &Expected, played: &[Played]) -> String {
    let mut said = String::new();
    for (source, records) in records(stage) {
        let _ = writeln!(said, "{source}: {} records", records.len());
        for (place, class, reason, line) in expected.by_reason(&records) {
            let examples = examples::describe((&place, class, reason), &records, played, &world.calendar);
            let _ = write!(said, "{line}\n{examples}");
        }
    }
    for (source, conversions) in conversions(stage) {
        let _ = writeln!(said, "{source}: {} conversions", conversions.len());
        said += &examples::describe_conversions(&conversions, played, &world.calendar);
    }
    said
}

impl Verdict {
    /// Says what was counted; whether it is the truth, few doubts aside.
    pub(crate) fn tell(&self, world: &World, stage: &Stage) -> bool {
        let [least, most] = self.expected.records();
        let (answered, lost) = (world.answered.load(Ordering::Relaxed), world.lost.load(Ordering::Relaxed));
        println!("{} visitors, {answered} answers, {lost} requests lost on the way", self.expected.visitors);
        println!("truth: {least} to {most} sessions counted: {}", self.expected.summary());
        println!("{} visitors are in doubt: they came too near to a bound", self.expected.doubtful);
        for difference in &self.differences {
            println!("WRONG {difference}");
        }
        print!("{}", self.examples);
        for node in &stage.nodes {
            let warnings = node.warnings();
            for warning in warnings.iter().take(5) {
                println!("{}: {warning}", node.name());
            }
            if warnings.len() > 5 {
                println!("{}: and {} more warnings", node.name(), warnings.len() - 5);
            }
        }
        // Bounds are nearer the longer nobody answers, and of one node nobody does while it is away.
        let one_in = if stage.nodes.len() == 1 { 20 } else { 50 };
        let few = self.expected.doubtful * one_in <= self.expected.visitors;
        if !few {
            println!("WRONG too many visitors are in doubt");
        }
        self.differences.is_empty() && few
    }
}

/// The nodes are asked to end, and what they leave is compared once more.
pub(crate) fn judge_in_the_end(stage: &Stage, world: &Arc<World>, played: &[Played], exact: bool) -> Verdict {
    for node in &stage.nodes {
        node.end();
    }
    judge(stage, world, played, exact)
}

//! `portalmeter recount`: every number of a month proved again.

use std::io::{self, Write};
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use portalmeter_meter::day::{Month, Zone};
use portalmeter_meter::flush;
use portalmeter_meter::history::Memory;
use portalmeter_meter::ledger::Position;
use portalmeter_meter::recount::{ArchiveError, Counted, Counters, Finding, Journals, Looked, Question};
use portalmeter_meter::store::redis::counters::{DayOf, Fields};
use portalmeter_meter::store::redis::shared::KnownNode;
use portalmeter_meter::store::redis::{RedisError, RedisStore};
use serde_json::{Value, json};

use crate::cli::{Output, RecountArgs};
use crate::config::{Config, Store};
use crate::ledger;
use crate::metering::now;
use crate::output::{counted, say_aside};

/// Recounts a month and prints what is found.
pub(crate) fn recount(args: &RecountArgs) -> ExitCode {
    let Some(config) = super::run::load(&args.config.config) else { return ExitCode::FAILURE };
    let month = match super::report::month(&args.month, zone(&config).day(now())) {
        Ok(month) => month,
        Err(wrong) => {
            say_aside(&format!("{wrong}\n"));
            return ExitCode::from(2);
        }
    };
    let files = config.flush.files.clone();
    let files = files.map(|files| flush::Files { dir: files.dir, csv: files.csv, jsonl: files.jsonl });
    let (journals, alone) = match others(args, &config) {
        None => (journals(args, &config), None),
        Some(others) => (None, Some(others)),
    };
    let question =
        Question { month, portals: &args.portal, files: files.as_ref(), journals: journals.as_ref(), now: now() };
    let mut answer = Answer::new(args.output);
    let mut counters = match &config.store {
        Store::Embedded => None,
        Store::Redis(settings) => Some(InRedis(RedisStore::new(settings))),
    };
    let counters = counters.as_mut().map(|counters| counters as &mut dyn Counters);
    let looked = ledger::to_ask(&config).map_err(ArchiveError::from).and_then(|mut ledger| {
        let tell = &mut |finding: Finding| answer.finding(&finding);
        portalmeter_meter::recount::recount(&mut *ledger, counters, &question, tell)
    });
    let looked = match looked {
        Ok(mut looked) => {
            looked.left_out.extend(alone);
            looked
        }
        Err(ArchiveError::Ledger(error)) => {
            say_aside(&ledger::told(&config, &error));
            return ExitCode::FAILURE;
        }
        Err(error) => {
            say_aside(&format!("{}: {error}\n", ledger::place(&config)));
            return ExitCode::FAILURE;
        }
    };
    let found = answer.found;
    if let Err(error) = answer.end(month, &looked)
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        say_aside(&format!("the answer cannot be written: {error}\n"));
        return ExitCode::FAILURE;
    }
    say_what_was_looked_at(month, found, &looked);
    if found == 0 && looked.unread.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was left out, what was looked at, and whether something is amiss.
fn say_what_was_looked_at(month: Month, found: u64, looked: &Looked) {
    for left in &looked.left_out {
        say_aside(&format!("left out: {left}\n"));
    }
    for unread in &looked.unread {
        say_aside(&format!("cannot be read: {unread}\n"));
    }
    let found_words = match (found, looked.unread.is_empty()) {
        (0, true) if looked.observations == 0 => "nothing is amiss, but no journal was compared".to_owned(),
        (0, true) => "nothing is amiss".to_owned(),
        (0, false) => "nothing is amiss in what could be read".to_owned(),
        _ => counted(found, "difference"),
    };
    say_aside(&format!(
        "{month}: {}, {}, {}: {found_words}\n",
        counted(looked.totals, "total"),
        counted(looked.lines, "record"),
        counted(looked.files, "file"),
    ));
}

/// Why the journals that are here are not all there are, if none are named: other nodes have some.
fn others(args: &RecountArgs, config: &Config) -> Option<String> {
    let Store::Redis(settings) = &config.store else { return None };
    if !args.archive.is_empty() || config.journal.archive.is_none() {
        return None;
    }
    let why = match RedisStore::new(settings).nodes() {
        Err(error) => format!("whether there are other nodes is not known ({error})"),
        Ok(nodes) => {
            // A process that ended in this folder, however it did, is known no more once its journal is gone.
            let is_here = |node: &KnownNode| config.data_dir.join("journal").join(&node.id).is_dir();
            let others = nodes.iter().filter(|node| !is_here(node)).count();
            if others == 0 {
                return None;
            }
            format!("Redis knows {} whose journal is not here", counted(others as u64, "node"))
        }
    };
    Some(format!(
        "the journals: {why}; name with --archive each node's archive, and its data_dir/journal for what is not archived yet"
    ))
}

/// The journals of all nodes, if an archive is configured or named; and what this node has not archived yet.
fn journals(args: &RecountArgs, config: &Config) -> Option<Journals> {
    let configured = config.journal.archive.as_ref();
    let mut folders: Vec<PathBuf> =
        if args.archive.is_empty() { configured.into_iter().cloned().collect() } else { args.archive.clone() };
    // One that is configured is made with the first segment that goes there.
    folders.retain(|folder| folder.is_dir() || !configured.is_some_and(|archive| is_same(folder, archive)));
    let live = config.data_dir.join("journal");
    if config.journal.archive.is_some() && live.is_dir() {
        folders.push(live);
    }
    let upto = now() - config.journal.keep;
    let stamps = config.portals.iter().map(|portal| portal.stamp.clone()).collect();
    let journals = Journals { folders, stamps, memory: Memory::keeping(config.journal.keep), upto };
    (!journals.folders.is_empty()).then_some(journals)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((path::absolute(one), path::absolute(other)), (Ok(one), Ok(other)) if one == other)
}

/// The counters in Redis.
struct InRedis(RedisStore);

impl Counters for InRedis {
    fn last(&mut self, portal: &str) -> Result<Position, String> {
        let last = self.0.last_id(&portal.into()).map_err(|error| said(&error))?;
        Ok(Position { at: last.millis, number: last.number, stream: 0 })
    }

    fn days(&mut self, portal: &str) -> Result<Vec<Counted>, String> {
        let days = self.0.hashes(&portal.into()).map_err(|error| said(&error))?;
        let in_words = |fields: Fields| {
            fields.into_iter().map(|(field, value)| (field, String::from_utf8_lossy(&value).into_owned())).collect()
        };
        let counted = |((module, day), fields): (DayOf, Fields)| Counted {
            module: module.as_deref().map(str::to_owned),
            day,
            fields: in_words(fields),
        };
        Ok(days.into_iter().map(counted).collect())
    }

    fn pause(&mut self) {
        std::thread::sleep(CATCH_UP);
    }
}

/// What a running node sets right, it sets right within a few of these.
const CATCH_UP: Duration = Duration::from_secs(1);

fn said(error: &RedisError) -> String {
    format!("{error}: {}", error.hint())
}

/// `this` and `last` are as the first portal sees them.
fn zone(config: &Config) -> Zone {
    config.portals.first().map_or_else(Zone::utc, |portal| portal.stamp.policy.zone.clone())
}

/// What is printed, as it is found; a JSON document in the end.
struct Answer {
    output: Output,
    found: u64,
    all: Vec<Value>,
    written: io::Result<()>,
}

const COLUMNS: &str = "portal,module,day,what,which,expected,found";

impl Answer {
    fn new(output: Output) -> Self {
        let written = if output == Output::Csv { writeln!(io::stdout(), "{COLUMNS}") } else { Ok(()) };
        Self { output, found: 0, all: Vec::new(), written }
    }

    fn finding(&mut self, finding: &Finding) {
        self.found += 1;
        let Finding { portal, module, day, what, which, expected, found } = finding;
        let written = match self.output {
            Output::Table => writeln!(io::stdout(), "{finding}"),
            Output::Json => {
                self.all.push(json!({
                    "portal": portal, "module": module, "day": day.to_string(), "what": what.name(),
                    "which": which, "expected": expected, "found": found,
                }));
                Ok(())
            }
            Output::Csv => {
                let mut csv = csv::Writer::from_writer(io::stdout());
                let module = module.as_deref().unwrap_or_default();
                let row = [portal, module, &day.to_string(), what.name(), which, expected, found];
                csv.write_record(row).map_err(io::Error::from).and_then(|()| csv.flush())
            }
        };
        if self.written.is_ok() {
            self.written = written;
        }
    }

    fn end(self, month: Month, looked: &Looked) -> io::Result<()> {
        self.written?;
        if self.output == Output::Json {
            let Looked { totals, lines, counters, files, observations, left_out, unread } = looked;
            let looked = json!({
                "totals": totals, "records": lines, "counters": counters, "files": files,
                "observations": observations, "left_out": left_out, "unread": unread,
            });
            writeln!(
                io::stdout(),
                "{}",
                json!({ "month": month.to_string(), "findings": self.all, "looked_at": looked })
            )?;
        }
        Ok(())
    }
}

//! `portalmeter recount`: every number of a month proved again.

use std::io::{self, Write};
use std::process::ExitCode;

use portalmeter_meter::day::{Month, Zone};
use portalmeter_meter::flush;
use portalmeter_meter::recount::{Finding, Looked, Question};
use serde_json::{Value, json};

use crate::cli::{Output, RecountArgs};
use crate::config::Config;
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
    if !args.archive.is_empty() {
        say_aside("archived journals are not compared by this build: leave --archive out\n");
        return ExitCode::FAILURE;
    }
    let files = config.flush.files.clone();
    let files = files.map(|files| flush::Files { dir: files.dir, csv: files.csv, jsonl: files.jsonl });
    let question = Question { month, portals: &args.portal, files: files.as_ref() };
    let mut answer = Answer::new(args.output);
    let looked = ledger::to_read(&config).and_then(|mut ledger| {
        portalmeter_meter::recount::recount(&mut *ledger, &question, &mut |finding| answer.finding(&finding))
    });
    let looked = match looked {
        Ok(looked) => looked,
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
    for left in &looked.left_out {
        say_aside(&format!("not looked at: {left}\n"));
    }
    let found_words = if found == 0 { "nothing is amiss".to_owned() } else { counted(found, "difference") };
    say_aside(&format!(
        "{month}: {}, {}, {}: {found_words}\n",
        counted(looked.totals, "total"),
        counted(looked.lines, "record"),
        counted(looked.files, "file"),
    ));
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
            let Looked { totals, lines, files, left_out } = looked;
            let looked = json!({ "totals": totals, "records": lines, "files": files, "not_looked_at": left_out });
            writeln!(
                io::stdout(),
                "{}",
                json!({ "month": month.to_string(), "findings": self.all, "looked_at": looked })
            )?;
        }
        Ok(())
    }
}

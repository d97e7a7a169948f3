//! `portalmeter compare`: two usage files side by side.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use portalmeter_meter::usage::compare::{Difference, differences};
use portalmeter_meter::usage::rows::Rows;
use serde_json::json;

use crate::cli::{CompareArgs, Output};
use crate::output::{counted, say_aside};

/// No usage of years, portals and modules is larger.
const LARGEST: u64 = 256 << 20;

/// Compares and says what differs.
pub(crate) fn compare(args: &CompareArgs) -> ExitCode {
    let both = [&args.first, &args.second].map(|path| read(path));
    let [first, second] = match both {
        [Ok(first), Ok(second)] => [first, second],
        both => {
            for wrong in both.into_iter().filter_map(Result::err) {
                say_aside(&format!("{wrong}\n"));
            }
            return ExitCode::FAILURE;
        }
    };
    let found = differences(&first, &second);
    let names = [&args.first, &args.second].map(|path| path.display().to_string());
    match answer(&found, &names, args.output) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            say_aside(&format!("the answer cannot be written: {error}\n"));
            return ExitCode::FAILURE;
        }
        _ => {}
    }
    let rows = first.0.len().max(second.0.len()) as u64;
    if found.is_empty() {
        say_aside(&format!("no difference in {}\n", counted(rows, "row")));
        return ExitCode::SUCCESS;
    }
    say_aside(&format!("{} in {}\n", counted(found.len() as u64, "difference"), counted(rows, "row")));
    ExitCode::FAILURE
}

fn read(path: &Path) -> Result<Rows, String> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut text));
    match read {
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
        Ok(_) if text.len() as u64 > LARGEST => Err(format!("{} is larger than 256 MiB", path.display())),
        Ok(_) => Rows::read(&text).map_err(|wrong| format!("{}: {wrong}", path.display())),
    }
}

fn answer(found: &[Difference], [first, second]: &[String; 2], output: Output) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match output {
        Output::Table => found.iter().try_for_each(|difference| writeln!(out, "{}", difference.told([first, second]))),
        Output::Json => writeln!(out, "{}", json!({ "first": first, "second": second, "differences": found })),
        Output::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(["portal", "module", "period", "column", "first", "second"])?;
            for one in found {
                let column = one.column.as_deref().unwrap_or("(row)");
                let said = |side: &Option<String>| side.clone().unwrap_or_default();
                csv.write_record([
                    &one.portal,
                    &one.module,
                    &one.period,
                    column,
                    &said(&one.first),
                    &said(&one.second),
                ])?;
            }
            csv.flush()
        }
    }
}

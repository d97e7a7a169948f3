//! `portalmeter agents`: one User-Agent a line in, one verdict a line out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use portalmeter_rules::agent::Agents;

use crate::output::say_aside;

/// Judges the User-Agents of a file, or of standard input.
pub(crate) fn agents(file: Option<&Path>) -> ExitCode {
    let input: Box<dyn Read> = match file {
        None => Box::new(io::stdin().lock()),
        Some(path) => match File::open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                say_aside(&format!("{} cannot be read: {error}\n", path.display()));
                return ExitCode::FAILURE;
            }
        },
    };
    match judge(&mut BufReader::new(input), &mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say_aside(&format!("stopped: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn judge(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<()> {
    let agents = Agents::builtin();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let agent = line.strip_suffix(b"\n").unwrap_or(&line);
        let agent = agent.strip_suffix(b"\r").unwrap_or(agent);
        match agents.classify(agent, None) {
            Some(bot) => write!(output, "bot\t{}\t", bot.name)?,
            None => output.write_all(b"human\t\t")?,
        }
        output.write_all(agent)?;
        output.write_all(b"\n")?;
        line.clear();
    }
    output.flush()
}

//! `portalmeter journal`: the journals of nodes that are gone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use portalmeter_meter::engine::Recovered;
use portalmeter_meter::journal::reader::{self, Damage};
use serde::Serialize;
use serde_json::json;

use crate::cli::{ApplyArgs, Output, ShowArgs};
use crate::keeping;
use crate::output::{say, say_aside};

/// What is in a segment.
#[derive(Debug, Serialize)]
struct Shown {
    file: String,
    entries: u64,
    bytes: u64,
    torn_bytes: u64,
    damaged_bytes: u64,
    is_journal: bool,
}

/// Counts what a node that never comes back had not committed.
pub(crate) fn apply(args: &ApplyArgs) -> ExitCode {
    let Some(config) = super::run::load(&args.config.config) else { return ExitCode::FAILURE };
    let files = match segments(&args.files, &reader::segments) {
        Ok(files) => files,
        Err(wrong) => return fail(&wrong),
    };
    for file in &files {
        match look(file) {
            Ok(shown) if shown.is_journal => {}
            Ok(shown) => return fail(&format!("{} is no journal: nothing was changed", shown.file)),
            Err(wrong) => return fail(&wrong),
        }
    }
    match keeping::apply(&config, &files) {
        Ok((Recovered { entries, torn_bytes, damaged_bytes, unreadable, .. }, kept)) => {
            say(&format!("{entries} observations applied"));
            if torn_bytes + damaged_bytes + unreadable > 0 {
                say(&format!("; {torn_bytes} bytes torn, {damaged_bytes} damaged, {unreadable} entries not readable"));
            }
            say("\n");
            if let Err(error) = kept {
                let folder = config.data_dir.join("journal");
                say_aside(&format!(
                    "no copy could be kept in {}: {error}; if Redis forgets within `journal.keep`, apply them again\n",
                    folder.display()
                ));
            }
            if damaged_bytes + unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(wrong) => fail(&format!("{wrong}; what was applied before that stays, and may be applied again")),
    }
}

/// Says what is in journal files.
pub(crate) fn show(args: &ShowArgs) -> ExitCode {
    let mut all = Vec::new();
    for file in match segments(&args.files, &below) {
        Ok(files) => files,
        Err(wrong) => return fail(&wrong),
    } {
        match look(&file) {
            Ok(shown) => all.push(shown),
            Err(wrong) => return fail(&wrong),
        }
    }
    match args.output {
        Output::Json => say(&format!("{}\n", json!({ "segments": all }))),
        Output::Csv => {
            say("file,entries,bytes,torn_bytes,damaged_bytes,is_journal\n");
            for Shown { file, entries, bytes, torn_bytes, damaged_bytes, is_journal } in &all {
                let file = file.replace('"', "\"\"");
                say(&format!("\"{file}\",{entries},{bytes},{torn_bytes},{damaged_bytes},{is_journal}\n"));
            }
        }
        Output::Table => all.iter().for_each(|shown| say(&in_words(shown))),
    }
    if all.iter().all(|shown| shown.is_journal && shown.damaged_bytes == 0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn in_words(shown: &Shown) -> String {
    let Shown { file, entries, bytes, torn_bytes, damaged_bytes, is_journal } = shown;
    if !is_journal {
        return format!("{file}: no journal, {bytes} bytes\n");
    }
    let torn = match torn_bytes {
        0 => String::new(),
        torn => format!("; {torn} bytes behind the last whole one, cut off by a crash"),
    };
    let damaged = match damaged_bytes {
        0 => String::new(),
        damaged => format!("; {damaged} bytes between them damaged: what stood there is lost"),
    };
    let entries = if *entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
    format!("{file}: {entries}, {bytes} bytes{damaged}{torn}\n")
}

/// The segments that are named, or that are in folders that are named.
fn segments(named: &[PathBuf], find: &dyn Fn(&Path) -> io::Result<Vec<PathBuf>>) -> Result<Vec<PathBuf>, String> {
    let mut all = Vec::new();
    for path in named {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let found = find(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if found.is_empty() {
            return Err(format!("{} holds no *.journal", path.display()));
        }
        all.extend(found);
    }
    Ok(all)
}

/// The segments in a folder, and in its folders of nodes.
fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = reader::segments(folder)?;
    let mut nodes: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    nodes.retain(|path| path.is_dir());
    nodes.sort();
    for node in nodes {
        all.extend(reader::segments(&node)?);
    }
    Ok(all)
}

fn look(path: &Path) -> Result<Shown, String> {
    let failed = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    let (mut entries, mut damage) = (0, Damage::default());
    let bytes = path.metadata().map_err(failed)?.len();
    reader::read_segment(path, &mut |_| entries += 1, &mut damage).map_err(failed)?;
    let Damage { torn_bytes, damaged_bytes, foreign } = damage;
    let file = path.display().to_string();
    Ok(Shown { file, entries, bytes, torn_bytes, damaged_bytes, is_journal: foreign == 0 })
}

fn fail(why: &str) -> ExitCode {
    say_aside(&format!("{why}\n"));
    ExitCode::FAILURE
}

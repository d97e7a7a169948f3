//! How well the rules about agents do on lists of User-Agents, one file of them after the other.
//!
//! `cargo run -p portalmeter-rules --example agents -- DIR [--list]`
//!
//! Files are told apart by their names: `bots-*.txt` and `humans-*.txt`, packed (`.gz`) or not, hold one User-Agent a
//! line, `ai-agents.tsv` has a real one in its last column or none, and `label-conflicts.tsv` in its last
//! column those on whose label the lists disagree, which are left out. `--list` also prints what was
//! missed (`MISS`) and who was wrongly flagged (`FLAG`, with the rule).

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::read::MultiGzDecoder;
use portalmeter_rules::agent::Agents;

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let folder = arguments.next().map_or_else(|| PathBuf::from("../shared/corpora/user-agents"), PathBuf::from);
    let list = arguments.next().is_some_and(|argument| argument == "--list");
    let conflicts = folder.join("label-conflicts.tsv");
    let disputed = if conflicts.exists() { last_column(&conflicts)? } else { Vec::new() };
    let disputed: HashSet<_> = disputed.into_iter().collect();
    let agents = Agents::builtin();
    println!("rules {}", Agents::version());
    let mut files: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut everyone = Vec::new();
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        let are_bots = !name.starts_with("humans-");
        let lines = match name.split_once('-') {
            Some(("bots" | "humans", _)) => lines(&file.path())?,
            Some(("ai", _)) => last_column(&file.path())?,
            _ => continue,
        };
        let told: Vec<_> = lines.into_iter().filter(|line| !disputed.contains(line)).collect();
        let mut right = 0_usize;
        for line in &told {
            let bot = agents.classify(line, None);
            if bot.is_some() == are_bots {
                right += 1;
            } else if list {
                let rule = bot.map_or_else(|| "MISS".to_owned(), |bot| format!("FLAG {}", bot.rule));
                println!("{rule}\t{name}\t{}", String::from_utf8_lossy(line));
            }
        }
        if are_bots {
            println!("{name}: {} of {} found, {:.2} %", right, told.len(), percent(right, told.len()));
        } else {
            everyone.extend(told);
        }
    }
    for (name, belongs) in SLICES {
        let slice: Vec<_> = everyone.iter().filter(|line| belongs(line)).collect();
        let flagged = slice.iter().filter(|line| agents.classify(line, None).is_some()).count();
        println!("humans, {name}: {flagged} of {} flagged, {:.3} %", slice.len(), percent(flagged, slice.len()));
    }
    Ok(())
}

type Slice = (&'static str, fn(&[u8]) -> bool);

const SLICES: [Slice; 3] = [("all", |_| true), ("modern", is_modern), ("in apps", is_in_app)];

fn is_modern(agent: &[u8]) -> bool {
    let at_least = |product: &str, least: u32| version(agent, product).is_some_and(|version| version >= least);
    let safari = memchr::memmem::find(agent, b"Safari/").is_some() && at_least("Version/", 13);
    at_least("Chrome/", 80) || at_least("Firefox/", 78) || safari
}

fn is_in_app(agent: &[u8]) -> bool {
    let signs = ["; wv)", "FBAN", "FBAV", "Instagram", " Line/", "MicroMessenger", "GSA/"];
    signs.iter().any(|sign| memchr::memmem::find(agent, sign.as_bytes()).is_some())
}

fn version(agent: &[u8], product: &str) -> Option<u32> {
    let at = memchr::memmem::find(agent, product.as_bytes())? + product.len();
    let digits = agent[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&agent[at..at + digits]).ok()?.parse().ok()
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn lines(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut text = fs::read(path)?;
    if path.extension().is_some_and(|ending| ending == "gz") {
        let packed = std::mem::take(&mut text);
        MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut text)?;
    }
    Ok(text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
}

/// The last column of a table whose first line may name the columns.
fn last_column(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let last = |line: Vec<u8>| line.rsplit(|&byte| byte == b'\t').next().unwrap_or_default().to_vec();
    Ok(lines(path)?.into_iter().map(last).filter(|cell| !cell.is_empty() && cell != b"example_UA").collect())
}

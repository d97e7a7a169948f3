//! Usage files: one a day and portal, replaced atomically, for whoever bills by files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::usage::{Usage, UsageReport};

/// Where usage files go, and in which formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The folder.
    pub dir: PathBuf,
    /// Write CSV.
    pub csv: bool,
    /// Write JSON lines.
    pub jsonl: bool,
}

/// Writes the files of these rows; only files whose content changed are replaced.
pub fn write(files: &Files, usage: Vec<Usage>) -> io::Result<()> {
    fs::create_dir_all(&files.dir)?;
    let mut by_file: BTreeMap<String, Vec<Usage>> = BTreeMap::new();
    for row in usage {
        let name = format!("{}-{}", row.portal, row.day.as_deref().unwrap_or_default());
        by_file.entry(name).or_default().push(row);
    }
    for (name, rows) in by_file {
        let report = UsageReport::new(String::new(), rows);
        if files.csv {
            let csv = report.to_csv("day").map_err(io::Error::other)?;
            replace(&files.dir.join(format!("{name}.csv")), &csv)?;
        }
        if files.jsonl {
            let mut lines = Vec::new();
            for row in &report.usage {
                serde_json::to_writer(&mut lines, row)?;
                lines.push(b'\n');
            }
            replace(&files.dir.join(format!("{name}.jsonl")), &lines)?;
        }
    }
    Ok(())
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(draft, path)
}

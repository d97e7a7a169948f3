//! What is written down beside store and ledger: the journal, and usage files.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use portalmeter_rules::time::Millis;

use super::around::Around;
use super::nearest::suggestion;
use super::problem::Notes;
use super::raw;
use super::units::{in_words, size, time};

/// What is written before a page goes out.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    /// How long an acknowledged segment is kept, and how late an observation may come.
    pub(crate) keep: Millis,
    /// How large it may grow, in bytes.
    pub(crate) max_size: u64,
    /// How long a stalled disk may hold a page.
    pub(crate) max_wait: Duration,
    /// Where acknowledged segments go, for `recount`.
    pub(crate) archive: Option<PathBuf>,
    /// How long they stay there.
    pub(crate) archive_keep: Duration,
}

/// How usage gets out.
#[derive(Debug, Clone)]
pub(crate) struct Flush {
    /// How often.
    pub(crate) interval: Duration,
    /// The files to write, if any.
    pub(crate) files: Option<Files>,
}

/// Usage files, one a day and portal.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// Their folder.
    pub(crate) dir: PathBuf,
    /// As CSV.
    pub(crate) csv: bool,
    /// As JSON lines.
    pub(crate) jsonl: bool,
}

const DAY: Duration = Duration::from_hours(24);

/// `longest_idle` is the longest idle timeout of the portals.
pub(super) fn journal(raw: &raw::Journal, longest_idle: Millis, around: Around<'_>, notes: &mut Notes) -> Journal {
    let default = Duration::from_millis(longest_idle.unsigned_abs()) + Duration::from_mins(15);
    let keep = time(raw.keep.as_ref(), default, notes);
    if let Some(written) = &raw.keep
        && (keep.as_millis() as Millis) < longest_idle
    {
        let idle = in_words(Duration::from_millis(longest_idle.unsigned_abs()));
        notes
            .warn(
                written.span(),
                format!("shorter than the longest idle timeout, {idle}: what comes late may not count"),
            )
            .advise(format!("leave it out to have {}", in_words(default)));
    }
    if let (None, Some(written)) = (&raw.archive, &raw.archive_keep) {
        notes.warn(written.span(), "does nothing without `archive`").advise("archive = \"archive\"");
    }
    let max_size = raw.max_size.as_ref().map(|value| (value.span(), size(value.get_ref())));
    let max_size = match max_size {
        None => 10 << 30,
        Some((_, Ok(size))) if size >= SMALLEST_JOURNAL => size,
        Some((at, Ok(_))) => {
            notes.error(at, "the journal has no room for a segment").advise("at least \"16MiB\"");
            SMALLEST_JOURNAL
        }
        Some((at, Err(wrong))) => {
            notes.error(at, wrong.message).advise(wrong.hint);
            SMALLEST_JOURNAL
        }
    };
    Journal {
        keep: keep.as_millis() as Millis,
        max_size,
        max_wait: time(raw.max_wait.as_ref(), Duration::from_millis(20), notes),
        archive: raw.archive.as_ref().map(|text| around.folder(text, notes)),
        archive_keep: time(raw.archive_keep.as_ref(), 100 * DAY, notes),
    }
}

/// Two segments, each of a few megabytes.
const SMALLEST_JOURNAL: u64 = 16 << 20;

pub(super) fn flush(raw: &raw::Flush, around: Around<'_>, notes: &mut Notes) -> Flush {
    let interval = time(raw.interval.as_ref(), Duration::from_secs(10), notes);
    if let Some(written) = raw.interval.as_ref().filter(|_| interval.is_zero()) {
        notes.error(written.span(), "an interval of nothing").advise("interval = \"10s\"");
    }
    Flush { interval, files: raw.files.as_ref().map(|files| usage_files(files.span(), files.get_ref(), around, notes)) }
}

fn usage_files(at: Range<usize>, raw: &raw::Files, around: Around<'_>, notes: &mut Notes) -> Files {
    const FORMATS: [&str; 2] = ["csv", "jsonl"];
    let dir = raw.dir.as_ref().map(|dir| around.folder(dir, notes));
    if dir.is_none() {
        notes.missing(at, "usage files have no `dir`", "files = { dir = \"usage\" }");
    }
    let mut files = Files { dir: dir.unwrap_or_default(), csv: raw.formats.is_none(), jsonl: raw.formats.is_none() };
    let Some(formats) = &raw.formats else { return files };
    if formats.get_ref().is_empty() {
        notes.missing(formats.span(), "no format is named", "formats = [\"csv\", \"jsonl\"]");
    }
    for format in formats.get_ref() {
        match format.get_ref().as_str() {
            "csv" => files.csv = true,
            "jsonl" => files.jsonl = true,
            other => {
                let message = format!("`{other}` is not a format of usage files");
                notes.error(format.span(), message).advise(suggestion(other, &FORMATS));
            }
        }
    }
    files
}

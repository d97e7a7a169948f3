//! Access logs, read fast and believed in nothing.
//!
//! Gives each line of one or several logs, merged by time, as the facts that the rules want. A line
//! that cannot be read is reported and passed over; no line, however broken or long, ends the run,
//! and memory stays within a few MiB a log. Nothing here decides what a line counts as.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

pub(crate) use format::Format;
pub(crate) use input::Input;
pub(crate) use line::{Kept, Line};
pub(crate) use why::{LogError, Skipped};

use source::Source;

mod address;
mod clf_time;
mod combined;
mod format;
mod input;
mod jsonl;
mod line;
mod merge;
mod record;
mod request;
mod source;
mod split;
#[cfg(test)]
mod tests;
mod why;

/// Who is told what the logs hold.
pub(crate) trait Listener {
    /// The next line. After a `Break` nothing more is read.
    fn line(&mut self, line: &Line<'_>) -> ControlFlow<()>;

    /// A line that could not be read.
    fn skipped(&mut self, skipped: &Skipped<'_>);

    /// How many bytes were read from disk so far, whenever some more were. Compare `Input::size`.
    fn progress(&mut self, _bytes: u64) {}
}

/// What was read, all in all.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Lines that were told.
    pub(crate) lines: u64,
    /// Lines that were passed over. Empty ones are not counted.
    pub(crate) skipped: u64,
    /// Bytes read, as they lie on disk.
    pub(crate) bytes: u64,
    /// Logs that broke off: unreadable, or a compressed log cut short. The lines before hold.
    pub(crate) failed: Vec<LogError>,
}

/// Tells `listener` of every line of `inputs`, merged by time.
///
/// All inputs are opened first: if one cannot be, nothing was told.
pub(crate) fn each_line(inputs: &[Input], format: Format, listener: &mut impl Listener) -> Result<Totals, LogError> {
    if inputs.iter().filter(|input| **input == Input::Stdin).count() > 1 {
        return Err(LogError::StandardInputTwice);
    }
    let mut run = Run { listener, totals: Totals::default(), read: Rc::default() };
    let mut sources = Vec::with_capacity(inputs.len());
    for input in inputs {
        let log = input.open(&run.read).map_err(|source| LogError::Open { file: input.to_string(), source })?;
        sources.push(Source::new(input.to_string(), format, log));
    }
    // Whether the listener had enough is the listener's own knowledge.
    let _ = merge::read_all(&mut sources, &mut run);
    run.progress();
    Ok(run.totals)
}

/// Tells `listener` of every line of a log that is in no file.
#[cfg(fuzzing)]
pub(crate) fn each_line_of(log: Box<dyn std::io::Read>, format: Format, listener: &mut impl Listener) -> Totals {
    let mut run = Run { listener, totals: Totals::default(), read: Rc::default() };
    let _ = merge::read_all(&mut [Source::new("log".to_owned(), format, log)], &mut run);
    run.totals
}

/// A run over the logs: whom to tell, and the sums.
struct Run<'l, L> {
    listener: &'l mut L,
    totals: Totals,
    /// Bytes read, counted where they are read.
    read: Rc<Cell<u64>>,
}

impl<L: Listener> Run<'_, L> {
    fn line(&mut self, line: &Line<'_>) -> ControlFlow<()> {
        self.totals.lines += 1;
        self.progress();
        self.listener.line(line)
    }

    fn skipped(&mut self, skipped: &Skipped<'_>) {
        self.totals.skipped += 1;
        self.progress();
        self.listener.skipped(skipped);
    }

    fn failed(&mut self, error: LogError) {
        self.totals.failed.push(error);
    }

    fn progress(&mut self) {
        let read = self.read.get();
        if read != self.totals.bytes {
            self.totals.bytes = read;
            self.listener.progress(read);
        }
    }
}

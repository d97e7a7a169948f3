//! One log, read line by line; its current line can wait while other logs go first.

use std::io::{self, Read};
use std::ops::Range;

use portalmeter_rules::time::Millis;

use super::clf_time::ClfTime;
use super::format::Format;
use super::line::Line;
use super::record::Record;
use super::split::{Found, Lines};
use super::why::{LogError, Skipped, Why};
use super::{Listener, Run, combined, jsonl};

/// A log that is being read.
pub(super) struct Source {
    file: String,
    format: Format,
    lines: Lines<Box<dyn Read>>,
    clock: ClfTime,
    /// The current line: what it says, and where it is.
    record: Record,
    place: Range<usize>,
}

impl Source {
    pub(super) fn new(file: String, format: Format, log: Box<dyn Read>) -> Self {
        Self { file, format, lines: Lines::new(log), clock: ClfTime::default(), record: Record::default(), place: 0..0 }
    }

    /// Goes to the next line that can be read, telling `run` of those that cannot; `false` at the end.
    pub(super) fn advance(&mut self, run: &mut Run<'_, impl Listener>) -> bool {
        loop {
            let why = match self.lines.next() {
                Ok(None) => return false,
                Ok(Some(Found::Line(place))) if place.is_empty() => continue,
                Ok(Some(Found::Line(place))) => match self.read(place) {
                    Ok(()) => return true,
                    Err(why) => why,
                },
                Ok(Some(Found::TooLong)) => Why::TooLong,
                Err(error) => {
                    run.failed(self.broken(error));
                    return false;
                }
            };
            run.skipped(&Skipped { file: &self.file, number: self.lines.number(), why });
        }
    }

    /// When the current line's request arrived.
    pub(super) fn at(&self) -> Millis {
        self.record.at
    }

    /// The current line.
    pub(super) fn line(&self) -> Line<'_> {
        Line::new(&self.file, self.lines.number(), &self.record, self.lines.bytes(self.place.clone()))
    }

    fn read(&mut self, place: Range<usize>) -> Result<(), Why> {
        let line = self.lines.bytes(place.clone());
        self.format = self.format.settle(line);
        self.record.clear();
        self.place = place;
        match self.format {
            Format::Jsonl => jsonl::read(line, &mut self.record),
            Format::Combined | Format::Auto => combined::read(line, &mut self.clock, &mut self.record),
        }
    }

    fn broken(&self, source: io::Error) -> LogError {
        LogError::Read { file: self.file.clone(), lines: self.lines.number(), source }
    }
}

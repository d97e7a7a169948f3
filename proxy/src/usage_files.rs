//! Usage files of a running meter: written after flushes, from what the ledger has by then.

use std::time::{Duration, Instant};

use portalmeter_meter::flush::{self, FlushError, Writer, Wrote};
use portalmeter_meter::ledger::Ledger;
use portalmeter_rules::time::Millis;

use crate::config::Config;
use crate::ledger;
use crate::metering::now;

/// The usage files of a configuration, if it has any.
pub(crate) struct UsageFiles {
    config: Config,
    portals: Vec<String>,
    writer: Option<Writer>,
    /// Stays open while it answers.
    ledger: Option<Box<dyn Ledger>>,
    /// Until when nothing is written.
    rests: Option<Instant>,
}

/// To count the unique visitors of a day takes the longer the more there were: for so many times as long nothing is
/// written afterwards.
const REST: u32 = 50;
/// But not for longer than this.
const LONGEST: Duration = Duration::from_mins(5);
/// What takes no longer is nothing to rest from.
const QUICK: Duration = Duration::from_millis(5);

impl UsageFiles {
    /// As configured.
    pub(crate) fn new(config: &Config) -> Self {
        let seal_wait = Millis::try_from(config.ledger.seal_wait.as_millis()).unwrap_or(Millis::MAX);
        let files = config.flush.files.clone();
        let files = files.map(|files| flush::Files { dir: files.dir, csv: files.csv, jsonl: files.jsonl });
        Self {
            config: config.clone(),
            portals: config.portals.iter().map(|portal| portal.rules.name.to_string()).collect(),
            writer: files.map(|files| Writer::new(files, seal_wait)),
            ledger: None,
            rests: None,
        }
    }

    /// Writes what has changed; what cannot be written is told, and tried again next time.
    pub(crate) fn write(&mut self) {
        let begun = Instant::now();
        if self.rests.is_some_and(|until| begun < until) {
            return;
        }
        self.write_now();
        let took = begun.elapsed();
        self.rests = (took > QUICK).then(|| begun + took + took.saturating_mul(REST).min(LONGEST));
    }

    fn write_now(&mut self) {
        let Some(writer) = &mut self.writer else { return };
        let ledger = match self.ledger.take().map_or_else(|| ledger::to_read(&self.config), Ok) {
            Ok(ledger) => self.ledger.insert(ledger),
            Err(error) => return tell(&error.into()),
        };
        match writer.write(&mut **ledger, &self.portals, now()) {
            Ok(Wrote { failed, .. }) => failed.iter().for_each(tell),
            Err(error) => {
                self.ledger = None;
                tell(&error);
            }
        }
    }
}

fn tell(error: &FlushError) {
    tracing::warn!(%error, "usage files could not be written");
}

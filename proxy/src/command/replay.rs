//! `portalmeter replay`: meters access logs offline, by the very rules and fold that `run` uses.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use portalmeter_meter::day::instant;
use portalmeter_meter::history::Memory;
use portalmeter_meter::intake::Intake;
use portalmeter_meter::offline::Offline;
use portalmeter_meter::usage::UsageReport;
use portalmeter_rules::judge::Unseen;

use crate::cli::ReplayArgs;
use crate::config::Config;
use crate::log::{self, Input, Line, Listener, Skipped, Totals};
use crate::output::{self, counted, say_aside};

/// Meters the logs and prints usage.
pub(crate) fn replay(args: &ReplayArgs) -> ExitCode {
    let Some(config) = super::run::load(&args.config.config) else { return ExitCode::FAILURE };
    let inputs: Vec<Input> = args.logs.iter().cloned().map(Input::from).collect();
    let mut run = Run::new(&config, &inputs);
    let mut totals = log::each_line(&inputs, args.format.into(), &mut run);
    if run.offline.late() > 0 && inputs.iter().all(|input| *input != Input::Stdin) && totals.is_ok() {
        say_aside("the logs are not in order of time; they are read again and sorted\n");
        let mut sorted = Sorted { lines: Vec::new() };
        totals = log::each_line(&inputs, args.format.into(), &mut sorted);
        sorted.lines.sort_by_key(|line| line.line().at);
        run = Run::new(&config, &inputs);
        for line in &sorted.lines {
            run.take(&line.line());
        }
    }
    run.bar.finish_and_clear();
    let totals = match totals {
        Ok(totals) => totals,
        Err(error) => {
            say_aside(&format!("{error}\n"));
            return ExitCode::FAILURE;
        }
    };
    run.summary(&totals);
    let newest = run.newest.map_or_else(String::new, |at| instant(at).to_string());
    let report = UsageReport::new(newest, run.offline.usage());
    if let Err(error) = output::usage(&report, args.output, "day") {
        say_aside(&format!("the answer cannot be written: {error}\n"));
        return ExitCode::FAILURE;
    }
    if totals.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The intake of a configuration, for lines of logs. Names are made under a key of the moment: they
/// leave the process in no form.
pub(crate) fn intake(config: &Config) -> Intake {
    let mut secret = [0; 32];
    if getrandom::fill(&mut secret).is_err() {
        secret = [7; 32];
    }
    let secret = if config.secret.current.is_empty() { secret.to_vec() } else { config.secret.current.clone() };
    let stamps = config.portals.iter().map(|portal| portal.stamp.clone());
    Intake::new(config.rules(&secret), stamps).guarded(config.guards())
}

/// No more broken lines than this are shown one by one.
const SHOWN: u64 = 20;

struct Run {
    intake: Intake,
    offline: Offline,
    bar: ProgressBar,
    newest: Option<i64>,
    shown: u64,
    unseen: Unobserved,
}

#[derive(Debug, Default)]
struct Unobserved {
    unknown_host: u64,
    outside_paths: u64,
    no_module: u64,
    ignored: u64,
    unmapped_roles: u64,
}

impl Run {
    fn new(config: &Config, inputs: &[Input]) -> Self {
        let size: Option<u64> = inputs.iter().map(Input::size).sum();
        let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let style = ProgressStyle::with_template("{bytes}/{total_bytes} {wide_bar} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            intake: intake(config),
            offline: Offline::new(Memory::keeping(config.journal.keep)),
            bar,
            newest: None,
            shown: 0,
            unseen: Unobserved::default(),
        }
    }

    fn take(&mut self, line: &Line<'_>) {
        let (request, response) = (line.request(), line.response());
        self.newest = self.newest.max(Some(line.at));
        self.offline.another_line();
        let taken = self.intake.take(&request, &response, line.at, &mut |_, _| None, &mut self.offline);
        match taken {
            Ok(_) => {}
            Err(Unseen::UnknownHost) => self.unseen.unknown_host += 1,
            Err(Unseen::OutsidePaths) => self.unseen.outside_paths += 1,
            Err(Unseen::NoModule) => self.unseen.no_module += 1,
            Err(Unseen::Ignored(_)) => self.unseen.ignored += 1,
            Err(Unseen::UnmappedRoles(_)) => self.unseen.unmapped_roles += 1,
        }
    }

    fn summary(&self, totals: &Totals) {
        let mut text = format!("{} read, {} skipped", counted(totals.lines, "line"), totals.skipped);
        let unseen = &self.unseen;
        let parts = [
            (unseen.unknown_host, "for unknown hosts"),
            (unseen.outside_paths, "outside metered paths"),
            (unseen.no_module, "in no module"),
            (unseen.ignored, "ignored by rule"),
            (unseen.unmapped_roles, "by users of unmapped roles"),
            (self.offline.late(), "too late to count"),
        ];
        for (number, what) in parts.into_iter().filter(|(number, _)| *number > 0) {
            let _ = write!(text, ", {number} {what}");
        }
        say_aside(&(text + "\n"));
        if self.shown > SHOWN {
            say_aside(&format!("{} more broken lines were not shown\n", self.shown - SHOWN));
        }
        for failed in &totals.failed {
            say_aside(&format!("{failed}\n"));
        }
    }
}

impl Listener for Run {
    fn line(&mut self, line: &Line<'_>) -> ControlFlow<()> {
        self.take(line);
        ControlFlow::Continue(())
    }

    fn skipped(&mut self, skipped: &Skipped<'_>) {
        self.shown += 1;
        if self.shown <= SHOWN {
            self.bar.suspend(|| say_aside(&format!("{skipped}\n")));
        }
    }

    fn progress(&mut self, bytes: u64) {
        self.bar.set_position(bytes);
    }
}

/// Lines kept to be sorted.
struct Sorted {
    lines: Vec<log::Kept>,
}

impl Listener for Sorted {
    fn line(&mut self, line: &Line<'_>) -> ControlFlow<()> {
        self.lines.push(log::Kept::of(line));
        ControlFlow::Continue(())
    }

    // They were shown when the logs were read first.
    fn skipped(&mut self, _: &Skipped<'_>) {}
}

//! `portalmeter explain`: for each request, what the meter makes of it, and by which rule.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;

use portalmeter_meter::history::Memory;
use portalmeter_meter::intake::Intake;
use portalmeter_meter::offline::Offline;
use portalmeter_rules::facts::Request;
use portalmeter_rules::identity::probe::Answer;
use portalmeter_rules::identity::{Source, SourceKind};
use portalmeter_rules::judge::{SeenIn, Unseen, Verdict};
use portalmeter_rules::portal::Module;
use serde::Serialize;

use crate::cli::{ExplainArgs, Output};
use crate::log::{self, Format, Input, Line, Listener, Skipped};
use crate::output::{say, say_aside};

/// Explains the requests of a file, or of standard input.
pub(crate) fn explain(args: &ExplainArgs) -> ExitCode {
    let Some(config) = super::run::load(&args.config.config) else { return ExitCode::FAILURE };
    let input = args.requests.clone().map_or(Input::Stdin, Input::from);
    let mut run = Run {
        intake: super::replay::intake(&config),
        offline: Offline::explaining(Memory::keeping(config.journal.keep)),
        explained: Vec::new(),
        skipped: 0,
    };
    if let Err(error) = log::each_line(&[input], Format::Jsonl, &mut run) {
        say_aside(&format!("{error}\n"));
        return ExitCode::FAILURE;
    }
    match args.output {
        Output::Json => {
            let document =
                Document { agents_version: portalmeter_rules::agent::Agents::version(), requests: run.explained };
            say(&(serde_json::to_string(&document).unwrap_or_default() + "\n"));
        }
        Output::Table => run.explained.iter().for_each(|one| say(&one.in_words())),
        Output::Csv => {
            say_aside("explain answers as a table or as json\n");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

#[derive(Serialize)]
struct Document {
    agents_version: &'static str,
    requests: Vec<Explained>,
}

/// What the meter makes of one request.
#[derive(Debug, Serialize)]
struct Explained {
    line: u64,
    request: String,
    portal: Option<String>,
    module: Option<String>,
    kind: String,
    kind_rule: String,
    evidence: Option<String>,
    evidence_rule: Option<String>,
    agent: Option<String>,
    visitor_mode: Option<&'static str>,
    counts: Vec<Count>,
}

#[derive(Debug, Serialize)]
struct Count {
    portal: String,
    module: Option<String>,
    day: String,
    class: &'static str,
    reason: &'static str,
}

struct Run {
    intake: Intake,
    offline: Offline,
    explained: Vec<Explained>,
    skipped: u64,
}

impl Listener for Run {
    fn line(&mut self, line: &Line<'_>) -> ControlFlow<()> {
        self.offline.another_line();
        let answers = answers(line, &self.intake);
        let (request, response) = (Request { answers: &answers, ..line.request() }, line.response());
        let taken = self.intake.take(&request, &response, line.at, &mut |_, _| None, &mut self.offline);
        let mut explained = match &taken {
            Ok(verdict) => seen(verdict, &self.intake),
            Err(unseen) => not_seen(unseen),
        };
        explained.line = line.number;
        explained.request = format!("{} {} {}", line.method.escape_ascii(), line.target.escape_ascii(), line.status);
        explained.counts = self
            .offline
            .take_counted()
            .into_iter()
            .map(|(scope, counted)| Count {
                portal: scope.portal.to_string(),
                module: scope.module.as_deref().map(str::to_owned),
                day: counted.day.to_string(),
                class: counted.class.name(),
                reason: counted.reason.name(),
            })
            .collect();
        self.explained.push(explained);
        ControlFlow::Continue(())
    }

    fn skipped(&mut self, skipped: &Skipped<'_>) {
        self.skipped += 1;
        say_aside(&format!("{skipped}\n"));
    }
}

/// What the line says that the portal would say of the sender, if it was asked: `"probe": {"status": 200, "body": {…}}`.
fn answers(line: &Line<'_>, intake: &Intake) -> Vec<Answer> {
    let Some(probe) = line.probe else { return Vec::new() };
    let Some(status) = probe["status"].as_u64().and_then(|status| u16::try_from(status).ok()) else {
        say_aside(&format!("line {}: `probe` is written {{\"status\": 200, \"body\": {{…}}}}\n", line.number));
        return Vec::new();
    };
    let body = serde_json::to_vec(&probe["body"]).unwrap_or_default();
    let sources = intake.rules().portals().iter().flat_map(|portal| &portal.identity);
    let answer = |source: &Source| match &source.kind {
        SourceKind::Probe(probe) => {
            let told = probe.read(status, false, &body).ok()?;
            Some(Answer { probe: Arc::clone(probe), told: Arc::new(told) })
        }
        _ => None,
    };
    sources.filter_map(answer).collect()
}

fn blank(kind: &str, kind_rule: String) -> Explained {
    Explained {
        line: 0,
        request: String::new(),
        portal: None,
        module: None,
        kind: kind.to_owned(),
        kind_rule,
        evidence: None,
        evidence_rule: None,
        agent: None,
        visitor_mode: None,
        counts: Vec::new(),
    }
}

fn not_seen(unseen: &Unseen) -> Explained {
    match unseen {
        Unseen::UnknownHost => blank("unknown host", "no portal answers to that host (421)".to_owned()),
        Unseen::OutsidePaths => blank("ignored", "outside every portal's paths".to_owned()),
        Unseen::NoModule => blank("ignored", "in no module".to_owned()),
        Unseen::Ignored(rule) => blank("ignored", rule.to_string()),
        Unseen::UnmappedRoles(rule) => blank("ignored", format!("{rule}: roles of no interest here")),
    }
}

fn seen(verdict: &Verdict<'_>, intake: &Intake) -> Explained {
    let portals = intake.rules().portals();
    let name = |portal: usize| portals.get(portal).map(|portal| portal.name.to_string());
    let mode = |portal: usize| portals.get(portal).map(|portal| portal.visitor.mode.name());
    let mut explained = blank(&verdict.kind.to_string(), verdict.kind_rule.to_string());
    match &verdict.seen_in {
        SeenIn::Portal(portal) => {
            (explained.portal, explained.visitor_mode) = (name(*portal), mode(*portal));
        }
        SeenIn::Module(portal, module) => {
            (explained.portal, explained.visitor_mode) = (name(*portal), mode(*portal));
            explained.module = Some(match module {
                Module::Named(name) => (*name).to_owned(),
                Module::Other => "other".to_owned(),
            });
        }
        SeenIn::Host(all) => {
            let names: Vec<String> = all.iter().filter_map(|&portal| name(portal)).collect();
            explained.portal = Some(names.join(", "));
            explained.visitor_mode = all.first().and_then(|&portal| mode(portal));
        }
    }
    explained.evidence = Some(verdict.sender.evidence.to_string());
    explained.evidence_rule = Some(verdict.sender.rule.to_string());
    if verdict.sender.bot.is_some() {
        explained.visitor_mode = Some("address and User-Agent");
    }
    explained.agent = verdict.sender.bot.as_ref().map(|bot| bot.name.to_string());
    explained
}

impl Explained {
    fn in_words(&self) -> String {
        let mut text = format!("{}: {}\n", self.line, self.request);
        let mut tell = |what: &str, value: &str, rule: &str| {
            let by = if rule.is_empty() { String::new() } else { format!("  ({rule})") };
            let _ = writeln!(text, "   {what:<9} {value}{by}");
        };
        if let Some(portal) = &self.portal {
            let module = self.module.as_ref().map(|module| format!("/{module}")).unwrap_or_default();
            tell("portal", &format!("{portal}{module}"), "");
        }
        tell("kind", &self.kind, &self.kind_rule);
        if let (Some(evidence), Some(rule)) = (&self.evidence, &self.evidence_rule) {
            let agent = self.agent.as_ref().map(|agent| format!(" {agent}")).unwrap_or_default();
            tell("evidence", &format!("{evidence}{agent}"), rule);
        }
        if let Some(mode) = self.visitor_mode {
            tell("visitor", mode, "");
        }
        if self.counts.is_empty() {
            tell("counts", "nothing", "");
        }
        for count in &self.counts {
            let module = count.module.as_ref().map(|module| format!("/{module}")).unwrap_or_default();
            tell("counts", &format!("+1 {} on {} in {}{module}", count.class, count.day, count.portal), count.reason);
        }
        text
    }
}

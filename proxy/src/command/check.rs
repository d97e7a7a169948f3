//! `portalmeter check`: reads what `run` would read, binds nothing, and says what is wrong or what would run.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use miette::Report;
use portalmeter_meter::policy::{DayRollover, Login, Policy};
use portalmeter_rules::identity::SourceKind;
use portalmeter_rules::time::Millis;
use portalmeter_rules::visitor::Mode;

use super::reach::{self, Reached};
use crate::config::{self, Config, Place, Portal, Preset, Problem, SecretSource, Store, in_words, shown_host};
use crate::issuers;

/// Checks a configuration: problems go to standard error, what would run to standard output.
pub(crate) fn check(path: &Path) -> ExitCode {
    match config::load(path, &|name| std::env::var(name).ok()) {
        Ok((config, warnings)) => {
            tell(warnings.iter());
            say(&summary(path, &config, warnings.len()));
            unreachable(&config);
            answer(reach::store(&config).into_iter().chain(reach::ledger(&config)))
        }
        Err(problems) => {
            tell(problems.iter());
            let errors = problems.iter().filter(|problem| problem.is_error()).count();
            say_aside(&format!("{}: {}\n", path.display(), counted(errors, "error")));
            ExitCode::FAILURE
        }
    }
}

/// Reports problems to standard error, each with its place, caret and hint.
pub(crate) fn tell<'a>(problems: impl Iterator<Item = &'a Problem>) {
    for problem in problems {
        say_aside(&format!("{:?}\n", Report::new(problem.clone())));
    }
}

// Whoever reads us may have hung up, and nobody else is left to tell.
fn say(text: &str) {
    let _hung_up = io::stdout().lock().write_all(text.as_bytes());
}

fn say_aside(text: &str) {
    let _hung_up = io::stderr().lock().write_all(text.as_bytes());
}

/// Says what came of trying to reach store and ledger.
fn answer(all: impl Iterator<Item = Reached>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for reached in all {
        match reached {
            Reached::Fine(told) => say(&format!("\n{told}\n")),
            Reached::Away(why) => say_aside(&format!("warning: {why}\n")),
            Reached::Useless(why) => {
                say_aside(&format!("error: {why}\n"));
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// Warns of issuers whose keys cannot be had from here.
fn unreachable(config: &Config) {
    let sources = config.portals.iter().flat_map(|portal| &portal.rules.identity);
    for source in sources {
        let SourceKind::Jwt(token) = &source.kind else { continue };
        let Some(Err(why)) = token.ring().map(|ring| issuers::reach(ring).map_err(|why| (&ring.url, why))) else {
            continue;
        };
        say_aside(&format!("warning: the keys at {} cannot be had from here: {}\n", why.0, why.1));
    }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// What would run, in words.
pub(crate) fn summary(path: &Path, config: &Config, warnings: usize) -> String {
    let listen = joined(config.server.listen.iter());
    let trusted = match config.server.trusted_proxies.as_slice() {
        [] => "no proxy is trusted".to_owned(),
        proxies => format!("trusted proxies {}", joined(proxies.iter())),
    };
    let secret = match config.secret.source {
        SecretSource::File => "from a file",
        SecretSource::Env => "from the environment",
        SecretSource::ToBeGenerated => "to be generated",
    };
    let mut text = format!("{}: fine, {}", path.display(), counted(config.portals.len(), "portal"));
    if warnings > 0 {
        let _ = write!(text, ", {}", counted(warnings, "warning"));
    }
    let _ = writeln!(text, "\n\n  visitors   {listen}; {trusted}\n  operators  {}", config.admin.listen);
    let _ = writeln!(text, "  data       {}; secret {secret}", config.data_dir.display());
    let store = match &config.store {
        Store::Embedded => "embedded".to_owned(),
        Store::Redis(redis) => format!("{}, keys begin with {}:", redis.address, redis.prefix),
    };
    let ledger = match &config.ledger.place {
        Place::Embedded => "embedded",
        Place::Postgres(postgres) => &postgres.shown,
    };
    let _ = writeln!(text, "  store      {store}\n  ledger     {ledger}");
    for portal in &config.portals {
        describe(portal, &mut text);
    }
    text
}

fn describe(portal: &Portal, text: &mut String) {
    let rules = &portal.rules;
    let policy = &portal.stamp.policy;
    let trial = if policy.trial { ", only observed" } else { "" };
    let _ = writeln!(text, "\n{} ({}, {}{trial})", rules.name, policy.experience.name(), policy.zone.name());
    let paths = if rules.place.paths == ["/"] {
        String::new()
    } else {
        format!("; metered {}", joined(rules.place.paths.iter()))
    };
    let _ = writeln!(text, "  hosts      {}{paths}", joined(rules.place.hosts.iter().map(shown_host)));
    let _ = writeln!(text, "  upstream   {}", joined(portal.upstream.iter()));
    let _ = writeln!(text, "  sessions   {}", in_short(policy, rules.module.is_some()));
    let _ = writeln!(text, "  visitors   {}", visitors(portal));
    let _ = writeln!(text, "  identity   {}", identity(portal));
    if let Some(title) = portal.preset.title() {
        let _ = writeln!(text, "  product    {title}{}", product(&portal.preset));
    }
}

/// What a preset filled in, and what the portal sets in its place.
fn product(preset: &Preset) -> String {
    let mut text = match preset.own() {
        [] => String::new(),
        keys => format!("; set here in its place: {}", keys.join(", ")),
    };
    let mut table = Table::new();
    table.load_style(NOTHING);
    for filled in preset.filled() {
        let verified = if filled.marker.verified { "verified" } else { "not verified" };
        table.add_row([filled.key, filled.marker.text, verified, filled.marker.source]);
    }
    for line in table.lines() {
        let _ = write!(text, "\n   {}", line.trim_end());
    }
    text
}

/// A policy in words.
fn in_short(policy: &Policy, modules: bool) -> String {
    let words = |millis: Millis| in_words(Duration::from_millis(millis.unsigned_abs()));
    let mut text = if modules { "per module, ".to_owned() } else { String::new() };
    let _ = write!(text, "end after {} idle", words(policy.idle_timeout));
    if let Some(max) = policy.max_duration {
        let _ = write!(text, " or {} in all", words(max));
    }
    text.push_str(match policy.day_rollover {
        DayRollover::Count => "; a new day counts again",
        DayRollover::Continue => "; a new day does not count again",
    });
    text.push_str(match policy.login {
        Login::Count => "; a login counts again",
        Login::Continue => "; a login does not count again",
    });
    if policy.min_pages > 1 {
        let _ = write!(text, "; nothing counts before {} pages", policy.min_pages);
    }
    text
}

fn visitors(portal: &Portal) -> String {
    match &portal.rules.visitor.mode {
        Mode::Cookie if portal.issues_cookie => format!("by the cookie {}", portal.rules.visitor.cookie.name),
        Mode::Cookie => "by fingerprint, since metering = \"observe\" sets no cookie".to_owned(),
        Mode::PortalCookie(names) => format!("by the portal's cookie {}", names.join(" or ")),
        Mode::Fingerprint => "by fingerprint".to_owned(),
    }
}

fn identity(portal: &Portal) -> String {
    let name = |kind: &SourceKind| {
        let doubt = if kind.is_trusted() { "" } else { " (never internal)" };
        format!("{}{doubt}", kind.name())
    };
    match portal.rules.identity.as_slice() {
        [] => "nobody says who is signed in: all are guests".to_owned(),
        sources => sources.iter().map(|source| name(&source.kind)).collect::<Vec<_>>().join(", then "),
    }
}

fn joined<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_shows_what_a_product_filled_in_and_where_that_is_from() {
        let text = "[[portal]]\nname = \"help\"\nhosts = [\"*\"]\nupstream = [\"http://127.0.0.1:8000\"]\n\
            product = \"zendesk\"\npages.login = [\"/enter\"]\n";
        let (config, _) = config::parse(text, Path::new(""), &|_| None).unwrap();
        let text = summary(Path::new("p.toml"), &config, 0);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let has = |wanted: &str| lines.iter().any(|line| line.join(" ") == wanted);
        assert!(has("identity cookie (never internal)"), "{text}");
        assert!(has("product Zendesk; set here in its place: pages.login"), "{text}");
        let source = "Zendesk In-Product Cookie Policy, 4408824378650";
        assert!(has(&format!("identity, signed in cookie _zendesk_authenticated verified {source}")), "{text}");
        assert!(has("pages.logout /access/logout not verified usual addresses of help centers"), "{text}");
        assert!(!text.contains("/hc/*/signin"), "{text}");
    }

    #[test]
    fn the_summary_says_in_words_what_would_run() {
        let config = Config::single("127.0.0.1:8080", "http://127.0.0.1:8000", None).unwrap();
        let text = summary(Path::new("p.toml"), &config, 1);
        for line in [
            "p.toml: fine, 1 portal, 1 warning",
            "  visitors   127.0.0.1:8080; no proxy is trusted",
            "default (service_portal, UTC)",
            "  upstream   http://127.0.0.1:8000",
            "  sessions   end after 30m idle; a new day counts again; a login does not count again",
            "  visitors   by the cookie pm_visitor",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n---\n{text}");
        }
    }
}

//! `portalmeter correct`: a correction by hand, with author and reason, in a day that is open.

use std::fmt::Write as _;
use std::num::NonZeroI32;
use std::ops::ControlFlow;
use std::process::ExitCode;

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::ledger::{Correction, Ledger, LedgerError, Line, Lines, Total, Which};
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use crate::cli::CorrectArgs;
use crate::command::report::day;
use crate::config::{self, Config};
use crate::ledger;
use crate::metering::now;
use crate::output::{say, say_aside};

/// Why nothing was booked.
enum Refusal {
    /// The command line does not make sense here.
    Asked(String),
    /// The ledger says no, or there is none.
    Ledger(LedgerError),
    /// It broke off while the correction was being booked.
    Unsure(LedgerError),
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// Books a correction and prints its id.
pub(crate) fn correct(args: &CorrectArgs) -> ExitCode {
    let Some(config) = super::run::load(&args.config.config) else { return ExitCode::FAILURE };
    let now = now();
    let id = match args.id.map_or_else(|| Correction::new_id(now), Ok) {
        Ok(id) => id,
        Err(error) => {
            say_aside(&format!("{error}\n"));
            return ExitCode::FAILURE;
        }
    };
    match book(args, &config, id, now) {
        Ok(told) => {
            if !args.dry_run {
                say(&format!("{id}\n"));
            }
            say_aside(&told);
            ExitCode::SUCCESS
        }
        Err(Refusal::Asked(why)) => {
            say_aside(&format!("{why}\n"));
            ExitCode::from(2)
        }
        Err(Refusal::Ledger(error)) => {
            say_aside(&format!("{}nothing was booked\n", ledger::told(&config, &error)));
            ExitCode::FAILURE
        }
        Err(Refusal::Unsure(error)) => {
            say_aside(&format!("{}: {error}\n", ledger::place(&config)));
            say_aside(&format!(
                "it may be booked or not: when the ledger answers, the same command with --id {id} books it once\n"
            ));
            ExitCode::FAILURE
        }
    }
}

fn book(args: &CorrectArgs, config: &Config, id: Name, now: Millis) -> Result<String, Refusal> {
    let portal = config.portals.iter().find(|portal| *portal.rules.name == *args.portal);
    let mut ledger = if args.dry_run { ledger::to_ask(config)? } else { ledger::to_write(config)? };
    let totals = ledger.totals(&args.portal, Which::All)?.days;
    let correction = asked(args, portal, config, &totals, id, now).map_err(Refusal::Asked)?;
    if let Some(booked) = line(&mut *ledger, id)? {
        return again(&booked, &correction).map_err(Refusal::Asked);
    }
    enough(&mut *ledger, &totals, &correction)?;
    let would = open_day(&totals, &correction, now);
    let day = if args.dry_run {
        would
    } else {
        ledger.correct(&correction, now).map_err(|error| match error {
            LedgerError::Away(_) => Refusal::Unsure(error),
            error => Refusal::Ledger(error),
        })?
    };
    Ok(told(args, &correction, &totals, day))
}

/// The correction that is asked for, if it makes sense.
fn asked(
    args: &CorrectArgs,
    portal: Option<&config::Portal>,
    config: &Config,
    totals: &[Total],
    id: Name,
    now: Millis,
) -> Result<Correction, String> {
    if portal.is_none() && totals.is_empty() {
        return Err(format!("no portal is called `{}`; there are {}", args.portal, super::report::names(config)));
    }
    let zone = match (portal, totals.last()) {
        (Some(portal), _) => portal.stamp.policy.zone.clone(),
        (None, Some(total)) => Zone::named(&total.zone).unwrap_or_else(|_| Zone::utc()),
        (None, None) => Zone::utc(),
    };
    let today = zone.day(now);
    let day = day(&args.day, today)?;
    if day > today {
        return Err(format!("{day} has not begun in {}: there is nothing to correct yet", zone.name()));
    }
    Ok(Correction {
        id,
        portal: args.portal.clone(),
        module: module(args, portal, totals)?,
        day,
        zone,
        class: args.class.into(),
        amount: args.amount,
        account: args.account.as_deref().map(|account| said(account, "--account")).transpose()?,
        trial: portal.is_some_and(|portal| portal.stamp.policy.trial),
        author: said(&args.author, "--author")?,
        note: said(&args.reason, "--reason")?,
    })
}

/// A module that the portal has.
fn module(args: &CorrectArgs, portal: Option<&config::Portal>, totals: &[Total]) -> Result<Option<String>, String> {
    let rule = portal.and_then(|portal| portal.rules.module.as_ref());
    let mut known: Vec<&str> = totals.iter().filter_map(|total| total.module.as_deref()).collect();
    known.extend(rule.and_then(|rule| rule.names()).unwrap_or_default().iter().map(|name| &**name));
    known.sort_unstable();
    known.dedup();
    let without = totals.iter().any(|total| total.module.is_none()) || (rule.is_none() && portal.is_some());
    match &args.module {
        None if without => Ok(None),
        None => Err(format!("`{}` is counted per module: --module {}", args.portal, known.join(" or "))),
        Some(module) if known.contains(&module.as_str()) => Ok(Some(module.clone())),
        Some(_) if known.is_empty() => Err(format!("`{}` has no modules: leave --module out", args.portal)),
        Some(module) => Err(format!("`{}` has no module `{module}`; there are {}", args.portal, known.join(", "))),
    }
}

/// A text that says something, in one line.
fn said(text: &str, option: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("{option} says nothing"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("{option} has a line end or another control character in it: write one line"));
    }
    if text.chars().count() > LONGEST {
        return Err(format!("{option} is longer than {LONGEST} characters"));
    }
    Ok(text.to_owned())
}

/// It is read on a line, by somebody who looks for a reason.
const LONGEST: usize = 1_000;

fn line(ledger: &mut dyn Ledger, id: Name) -> Result<Option<Line>, LedgerError> {
    let mut found = None;
    let query = Lines { id: Some(id), withdrawn: true, ..Lines::default() };
    ledger.records(&query, &mut |line| {
        if line.id == id {
            found = Some(line);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The same correction again is no other one.
fn again(booked: &Line, correction: &Correction) -> Result<String, String> {
    let same = booked.portal == correction.portal
        && booked.module == correction.module
        && booked.corrects == Some(correction.day)
        && (booked.class, booked.amount) == (correction.class, correction.amount.get());
    if same {
        return Ok(format!("it was booked already, on {}\n", booked.day));
    }
    Err(format!("{} is the id of something else: leave --id out", booked.id))
}

/// Nobody can take away more than was counted. Something may always be added, be the day below zero.
fn enough(ledger: &mut dyn Ledger, totals: &[Total], correction: &Correction) -> Result<(), Refusal> {
    if correction.amount.is_positive() {
        return Ok(());
    }
    let Correction { day, class, module, .. } = correction;
    let of_day = totals.iter().find(|total| total.day == *day && total.module == *module);
    let counted = of_day.map_or(0, |total| {
        Class::ALL.iter().zip(total.sums.records).filter(|(one, _)| *one == class).map(|(_, count)| count).sum()
    });
    let mut corrected = 0;
    let query =
        Lines { portal: Some(correction.portal.clone()), corrections: true, from: Some(*day), ..Lines::default() };
    ledger.records(&query, &mut |line| {
        // Those booked on the day itself are in its total.
        if line.corrects == Some(*day) && line.day != *day && line.class == *class && line.module == *module {
            corrected += i64::from(line.amount);
        }
        ControlFlow::Continue(())
    })?;
    let holds = counted + corrected;
    if holds + i64::from(correction.amount.get()) < 0 {
        let also =
            if corrected == 0 { String::new() } else { format!(" ({counted} counted, {corrected:+} corrected)") };
        return Err(Refusal::Asked(format!(
            "{} {day} has {holds} {class} sessions{also}: {} cannot be taken away",
            place(correction),
            correction.amount.get().unsigned_abs()
        )));
    }
    Ok(())
}

/// The day that the ledger would book it on.
fn open_day(totals: &[Total], correction: &Correction, now: Millis) -> Day {
    let sealed = |day: Day| totals.iter().any(|total| total.day == day && total.sealed.is_some());
    if !sealed(correction.day) && !totals.iter().any(|total| total.day > correction.day && total.sealed.is_some()) {
        return correction.day;
    }
    let mut day = correction.zone.day(now);
    while sealed(day) {
        day = day.plus(1);
    }
    day
}

fn place(correction: &Correction) -> String {
    match &correction.module {
        Some(module) => format!("{}/{module}", correction.portal),
        None => correction.portal.clone(),
    }
}

fn told(args: &CorrectArgs, correction: &Correction, totals: &[Total], day: Day) -> String {
    let Correction { class, amount, author, .. } = correction;
    let does = if args.dry_run { "would be booked" } else { "booked" };
    let mut text = format!(
        "{does}: {} {}, {class} {amount:+}, on {day}, by {author}: {}\n",
        place(correction),
        correction.day,
        correction.note
    );
    if day == correction.day {
        let _ = writeln!(text, "{day} is still open: its own total changes");
    } else {
        let _ = writeln!(text, "{} is sealed and stays as it is", correction.day);
    }
    if !totals.iter().any(|total| total.day == correction.day && total.module == correction.module) {
        let _ = writeln!(text, "nothing was counted on {} before", correction.day);
    }
    if args.dry_run {
        text.push_str("nothing was changed\n");
    }
    text
}

/// A difference, which is not nothing.
pub(crate) fn amount(text: &str) -> Result<NonZeroI32, String> {
    match text.parse::<i32>().ok().map(NonZeroI32::new) {
        Some(Some(amount)) => Ok(amount),
        Some(None) => Err("0 corrects nothing".to_owned()),
        None => Err("a whole number, such as -3 or 12".to_owned()),
    }
}

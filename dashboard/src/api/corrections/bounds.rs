//! Which corrections make sense: the same that `portalmeter correct` books.

use std::num::NonZeroI32;

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::ledger::{Correction, Total};
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;
use portalmeter_rules::time::Millis;

use super::NewCorrection;
use crate::api::chosen::unknown;
use crate::api::problem::Problem;
use crate::board::Portal;

/// More than this at once is a slip of the finger.
const MOST: i64 = 1_000_000;
/// It is read on a line, by somebody who looks for a reason.
const LONGEST: usize = 1_000;

/// The correction that is asked for, if it makes sense.
pub(super) fn checked(
    new: &NewCorrection,
    (configured, totals): (&[Portal], &[Total]),
    (id, author): (Name, &str),
    now: Millis,
) -> Result<Correction, Problem> {
    let portal = configured.iter().find(|portal| *portal.name == *new.portal);
    if portal.is_none() && totals.is_empty() {
        return Err(unknown(&new.portal, configured));
    }
    let zone = match (portal, totals.last()) {
        (Some(portal), _) => portal.policy.zone.clone(),
        (None, Some(total)) => Zone::named(&total.zone).unwrap_or_else(|_| Zone::utc()),
        (None, None) => Zone::utc(),
    };
    let day = day(&new.day, &zone, now)?;
    Ok(Correction {
        id,
        portal: new.portal.clone(),
        module: module(new, portal, totals)?,
        day,
        zone,
        class: class(&new.class)?,
        amount: amount(new.amount)?,
        account: new.account.as_deref().map(|account| said(account, "account")).transpose()?,
        trial: portal.is_some_and(|portal| portal.policy.trial),
        author: said(author, "author")?,
        note: said(&new.note, "note")?,
    })
}

fn day(text: &str, zone: &Zone, now: Millis) -> Result<Day, Problem> {
    let today = zone.day(now);
    let day = match text {
        "today" => today,
        "yesterday" => today.plus(-1),
        text => {
            let day = text.parse::<Day>();
            day.map_err(|error| Problem::bad(format!("`day`: {error}; today and yesterday are understood too")))?
        }
    };
    if day > today {
        let wrong = format!("`day`: {day} has not begun in {}: there is nothing to correct yet", zone.name());
        return Err(Problem::bad(wrong));
    }
    Ok(day)
}

fn class(text: &str) -> Result<Class, Problem> {
    let found = Class::ALL.into_iter().find(|class| class.name() == text);
    found.ok_or_else(|| Problem::unknown("class", text, Class::ALL.map(Class::name)))
}

fn amount(amount: i64) -> Result<NonZeroI32, Problem> {
    if amount.unsigned_abs() > MOST.unsigned_abs() {
        return Err(Problem::bad(format!("`amount`: {amount} is more than {MOST} at once")));
    }
    let amount = i32::try_from(amount).ok().and_then(NonZeroI32::new);
    amount.ok_or_else(|| Problem::bad("`amount`: 0 corrects nothing"))
}

/// A module that the portal has.
fn module(new: &NewCorrection, portal: Option<&Portal>, totals: &[Total]) -> Result<Option<String>, Problem> {
    let rule = portal.and_then(|portal| portal.modules.as_ref());
    let mut known: Vec<&str> = totals.iter().filter_map(|total| total.module.as_deref()).collect();
    known.extend(rule.into_iter().flatten().map(|name| &**name));
    known.sort_unstable();
    known.dedup();
    let without = totals.iter().any(|total| total.module.is_none()) || (rule.is_none() && portal.is_some());
    match &new.module {
        None if without => Ok(None),
        None => Err(Problem::bad(format!("`{}` is counted per module: name a `module`", new.portal)).known(known)),
        Some(module) if known.contains(&module.as_str()) => Ok(Some(module.clone())),
        Some(_) if known.is_empty() => Err(Problem::bad(format!("`{}` has no modules", new.portal))),
        Some(module) => Err(Problem::unknown("module", module, known)),
    }
}

/// A text that says something, in one line.
fn said(text: &str, name: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::bad(format!("`{name}` says nothing")));
    }
    if text.chars().any(char::is_control) {
        let wrong = format!("`{name}` has a line end or another control character in it: write one line");
        return Err(Problem::bad(wrong));
    }
    if text.chars().count() > LONGEST {
        return Err(Problem::bad(format!("`{name}` is longer than {LONGEST} characters")));
    }
    Ok(text.to_owned())
}

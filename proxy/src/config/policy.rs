//! A portal's counting rules: the preset of its experience, and what the portal says otherwise.

use std::time::Duration;

use portalmeter_meter::day::Zone;
use portalmeter_meter::policy::{DayRollover, Experience, Login, Policy};
use portalmeter_rules::time::Millis;
use toml::Spanned;

use super::nearest::{nearest, suggestion};
use super::problem::Notes;
use super::raw::{self, Quantity, Text};
use super::units::{duration, in_words};

pub(super) fn experience(raw: &raw::Portal, notes: &mut Notes) -> Experience {
    let Some(text) = &raw.experience else { return Experience::ServicePortal };
    text.get_ref().parse().unwrap_or_else(|unknown: portalmeter_meter::policy::UnknownExperience| {
        let names = Experience::ALL.map(Experience::name);
        notes.error(text.span(), unknown.to_string()).advise(suggestion(text.get_ref(), &names));
        Experience::ServicePortal
    })
}

pub(super) fn build(raw: &raw::Portal, experience: Experience, notes: &mut Notes) -> Policy {
    let preset = Policy::preset(experience);
    let session = &raw.session;
    let idle_timeout = positive(session.idle_timeout.as_ref(), "30m", notes).unwrap_or(preset.idle_timeout);
    let max_duration = positive(session.max_duration.as_ref(), "4h", notes).or(preset.max_duration);
    if let Some(max) = max_duration.filter(|max| *max < idle_timeout)
        && let Some(written) = session.max_duration.as_ref().or(session.idle_timeout.as_ref())
    {
        let words = |millis: Millis| in_words(Duration::from_millis(millis.unsigned_abs()));
        let message =
            format!("a session ends after {} in all, before it can be idle for {}", words(max), words(idle_timeout));
        notes.warn(written.span(), message).advise("is `max_duration` meant to be shorter than `idle_timeout`?");
    }
    Policy {
        experience,
        login: one_of(session.login.as_ref(), &[("continue", Login::Continue), ("count", Login::Count)], notes)
            .unwrap_or(preset.login),
        day_rollover: one_of(
            session.day_rollover.as_ref(),
            &[("count", DayRollover::Count), ("continue", DayRollover::Continue)],
            notes,
        )
        .unwrap_or(preset.day_rollover),
        idle_timeout,
        max_duration,
        min_pages: min_pages(session.min_pages.as_ref(), preset.min_pages, notes),
        zone: zone(raw.timezone.as_ref(), notes),
        trial: one_of(raw.metering.as_ref(), &[("on", false), ("observe", true)], notes).unwrap_or(preset.trial),
    }
}

/// The value that a word stands for.
pub(super) fn one_of<T: Copy>(text: Option<&Text>, words: &[(&str, T)], notes: &mut Notes) -> Option<T> {
    let text = text?;
    let meant = words.iter().find(|(word, _)| *word == text.get_ref()).map(|(_, value)| *value);
    if meant.is_none() {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{}` is not among the words known here", text.get_ref());
        notes.error(text.span(), message).advise(suggestion(text.get_ref(), &known));
    }
    meant
}

fn positive(written: Option<&Quantity>, example: &str, notes: &mut Notes) -> Option<Millis> {
    let written = written?;
    let millis = duration(written, notes)?.as_millis() as Millis;
    if millis == 0 {
        notes.error(written.span(), "a session of no length").advise(format!("such as \"{example}\""));
        return None;
    }
    Some(millis)
}

fn min_pages(written: Option<&Spanned<u64>>, preset: u32, notes: &mut Notes) -> u32 {
    let Some(written) = written else { return preset };
    if let Ok(pages @ 1..) = u32::try_from(*written.get_ref()) {
        return pages;
    }
    notes.error(written.span(), "`min_pages` is 1 or more").advise("min_pages = 1 counts a session at its first page");
    preset
}

fn zone(text: Option<&Text>, notes: &mut Notes) -> Zone {
    let Some(text) = text else { return Zone::utc() };
    Zone::named(text.get_ref()).unwrap_or_else(|unknown| {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let hint = match nearest(text.get_ref(), names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "a region and a city, such as \"Europe/Berlin\", or \"UTC\"".to_owned(),
        };
        notes.error(text.span(), unknown.to_string()).advise(hint);
        Zone::utc()
    })
}

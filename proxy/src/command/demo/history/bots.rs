//! Which bots come, and on which day one of them cannot stop.

use std::sync::Arc;

use portalmeter_meter::observation::Note;
use portalmeter_rules::agent::Agents;

use crate::command::demo::dice::Dice;

/// Bots by name, those that come often several times.
const AGENTS: &[&str] = &[
    "Googlebot",
    "Googlebot",
    "Googlebot",
    "bingbot",
    "bingbot",
    "GPTBot",
    "GPTBot",
    "ClaudeBot",
    "AhrefsBot",
    "SemrushBot",
    "UptimeRobot",
    "curl",
    "python-requests",
];
/// Which of them comes all at once …
const FLOODS: &str = "Bytespider";
/// … after this part of the history …
const FLOOD_AT: f64 = 0.71;
/// … so many times as often as all the others.
const FLOOD: f64 = 9.0;

/// A bot, with what records say of it.
pub(super) struct Bot {
    pub(super) name: &'static str,
    pub(super) note: Arc<Note>,
}

/// All bots that come.
pub(super) struct Bots {
    usual: Vec<Bot>,
    flood: Bot,
}

impl Bots {
    pub(super) fn new() -> Self {
        Self { usual: AGENTS.iter().map(|name| Bot::new(name)).collect(), flood: Bot::new(FLOODS) }
    }

    /// How many times as many as usual come on this one of so many days.
    pub(super) fn surge(day: u32, days: u32) -> f64 {
        if is_flooded(day, days) { 1.0 + FLOOD } else { 1.0 }
    }

    /// One of those that come on that day.
    pub(super) fn pick(&self, day: u32, days: u32, dice: &mut Dice) -> &Bot {
        if is_flooded(day, days) && dice.chance(FLOOD / (1.0 + FLOOD)) {
            return &self.flood;
        }
        dice.pick(&self.usual).unwrap_or(&self.flood)
    }
}

impl Bot {
    fn new(name: &'static str) -> Self {
        let rule = format!("agent:token:{name}@{}", Agents::version()).into();
        Self { name, note: Arc::new(Note { rule, agent: Some(name.into()), account: None }) }
    }
}

fn is_flooded(day: u32, days: u32) -> bool {
    day == (f64::from(days) * FLOOD_AT) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_know_them_by_these_names() {
        let agents = Agents::builtin();
        for name in AGENTS.iter().chain(&[FLOODS]) {
            let bot = agents.classify(format!("Mozilla/5.0 (compatible; {name}/1.0)").as_bytes(), None);
            assert_eq!(bot.map(|bot| bot.name.to_string()).as_deref(), Some(*name));
        }
    }
}

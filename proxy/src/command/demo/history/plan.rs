//! A day's visits: how many, of whom, and when.

use portalmeter_meter::day::Day;
use portalmeter_rules::time::Millis;

use super::accounts::ACCOUNTS;
use super::bots::Bots;
use super::calendar::Rhythm;
use super::stage::Stage;
use crate::command::demo::dice::Dice;

/// A visit to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Planned {
    pub(super) at: Millis,
    /// The number of the stage.
    pub(super) stage: usize,
    pub(super) who: Sort,
}

/// Who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Guest,
    /// Somebody of this account.
    External(u16),
    Internal,
    Bot,
}

/// How the sessions of a history spread over its days.
pub(super) struct Plan {
    /// The day of the last ones, by stage.
    last: Vec<Day>,
    days: u32,
    sessions: f64,
    /// Sums of the days' weights, by stage: of people, and of programs.
    weights: Vec<[f64; 2]>,
}

/// One of the days of a plan, the first is 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nth(pub(super) u32);

impl Plan {
    pub(super) fn new(stages: &[Stage], days: u32, sessions: u64, now: Millis) -> Self {
        let last = stages.iter().map(|stage| stage.stamp.policy.zone.day(now)).collect();
        let mut plan = Self { last, days, sessions: sessions as f64, weights: Vec::new() };
        let all = |stage: usize, rhythm| (0..days).map(|day| plan.weight(stage, Nth(day), rhythm)).sum();
        plan.weights = (0..stages.len()).map(|at| [all(at, stages[at].rhythm), all(at, Rhythm::Always)]).collect();
        plan
    }

    /// The civil day of a stage.
    pub(super) fn day(&self, stage: usize, nth: Nth) -> Day {
        self.last[stage].plus(-self.ago(nth))
    }

    /// How many days ago it was.
    pub(super) fn ago(&self, nth: Nth) -> i32 {
        self.days as i32 - 1 - nth.0 as i32
    }

    /// When a day has ended somewhere.
    pub(super) fn end(&self, stages: &[Stage], nth: Nth) -> Millis {
        let ends = stages.iter().enumerate().map(|(at, stage)| stage.stamp.policy.zone.end(self.day(at, nth)));
        ends.min().unwrap_or(Millis::MAX)
    }

    pub(super) fn days(&self) -> u32 {
        self.days
    }

    /// How often each account's people come to a stage on average, from first to last day.
    pub(super) fn visits_of(&self, stage: &Stage, account: u16) -> f64 {
        let sizes: f64 = (0..ACCOUNTS.len()).map(size).sum();
        self.sessions * stage.share * stage.mix.external * size(usize::from(account)) / sizes
    }

    /// How many visits of people a day of a stage has on average.
    pub(super) fn a_day(&self, stage: &Stage) -> f64 {
        self.sessions * stage.share / f64::from(self.days)
    }

    /// The visits of a day, by time.
    pub(super) fn visits(&self, stages: &[Stage], nth: Nth, dice: &mut Dice, into: &mut Vec<Planned>) {
        into.clear();
        let accounts = Accounts::on(self.ago(nth));
        for (at, stage) in stages.iter().enumerate() {
            let (day, zone) = (self.day(at, nth), &stage.stamp.policy.zone);
            let [of_people, of_programs] = self.weights[at];
            let all = self.sessions * stage.share;
            let bots = all * stage.mix.bot * self.weight(at, nth, Rhythm::Always) / of_programs;
            let mood = 0.6 + 0.8 * dice.fraction();
            for _ in 0..dice.about(bots * mood * Bots::surge(nth.0, self.days)) {
                into.push(Planned { at: Rhythm::Always.instant(day, zone, dice), stage: at, who: Sort::Bot });
            }
            let people = all * (1.0 - stage.mix.bot) * self.weight(at, nth, stage.rhythm) / of_people;
            // No two Mondays are alike.
            let mood = 0.9 + 0.2 * dice.fraction();
            for _ in 0..dice.about(people * mood) {
                let drawn = dice.fraction() * (1.0 - stage.mix.bot);
                let who = if drawn < stage.mix.external {
                    accounts.pick(dice).map_or(Sort::Guest, Sort::External)
                } else if drawn < stage.mix.external + stage.mix.internal {
                    Sort::Internal
                } else {
                    Sort::Guest
                };
                into.push(Planned { at: stage.rhythm.instant(day, zone, dice), stage: at, who });
            }
        }
        into.sort_by_key(|visit| visit.at);
    }

    fn weight(&self, stage: usize, nth: Nth, rhythm: Rhythm) -> f64 {
        rhythm.weight(self.day(stage, nth), f64::from(nth.0) / f64::from(self.days))
    }
}

/// Whose people come on a day, the more the likelier.
struct Accounts {
    upto: Vec<f64>,
}

impl Accounts {
    fn on(ago: i32) -> Self {
        let mut sum = 0.0;
        let weighed = ACCOUNTS.iter().enumerate().map(|(rank, account)| {
            sum += size(rank) * account.weight(ago);
            sum
        });
        Self { upto: weighed.collect() }
    }

    fn pick(&self, dice: &mut Dice) -> Option<u16> {
        let drawn = dice.fraction() * self.upto.last()?;
        let account = self.upto.partition_point(|upto| *upto <= drawn);
        (account < ACCOUNTS.len()).then_some(account as u16)
    }
}

/// How large an account is, by its place in the list.
fn size(rank: usize) -> f64 {
    1.0 / (rank + 3) as f64
}

#[cfg(test)]
mod tests {
    use super::super::accounts::Temper;
    use super::*;

    #[test]
    fn nobody_comes_of_those_who_are_gone_or_never_came() {
        let mut dice = Dice::new(1);
        for (ago, silent) in [(5, &[Temper::Absent, Temper::Gone][..]), (60, &[Temper::Absent])] {
            let accounts = Accounts::on(ago);
            let picked: Vec<_> = (0..5000).filter_map(|_| accounts.pick(&mut dice)).collect();
            assert_eq!(picked.len(), 5000);
            for (number, account) in ACCOUNTS.iter().enumerate().filter(|(_, account)| ago <= account.joined) {
                let came = picked.iter().any(|one| usize::from(*one) == number);
                assert_eq!(came, !silent.contains(&account.temper), "{} {ago} days ago", account.id);
            }
        }
    }
}

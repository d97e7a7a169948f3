//! Where questions are answered: the board, ledgers to ask, and when what was answered last.

use std::sync::Arc;

use portalmeter_meter::accounts::Directory;
use portalmeter_meter::day::instant;
use portalmeter_meter::ledger::{Ledger, Look};
use portalmeter_rules::time::Millis;

use super::answered::Answered;
use super::asked::Asked;
use super::pool::{NoAnswer, Patience, Pool};
use super::problem::{Problem, Wrong};
use super::who::Who;
use crate::board::{Board, Portal};

/// Where questions are answered.
pub(crate) struct Desk {
    pub(super) board: Board,
    reading: Pool,
    writing: Pool,
    answered: Answered,
}

/// A question, as it is remembered: who may know the answer, and what is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// When.
    pub(super) now: Millis,
    scope: String,
    canonical: String,
}

/// So many questions at once.
const READERS: usize = 4;

impl Desk {
    pub(super) fn new(board: Board) -> Self {
        let reading = Pool::new(Arc::clone(&board.read), READERS, Patience::default());
        let writing = Pool::new(Arc::clone(&board.write), 1, Patience::default());
        Self { board, reading, writing, answered: Answered::default() }
    }

    /// A question of somebody, now.
    pub(super) fn question(&self, who: &Who, asked: &Asked) -> Question {
        let scope = who.account().unwrap_or_default().to_owned();
        Question { now: (self.board.clock)(), scope, canonical: asked.canonical().to_owned() }
    }

    pub(super) fn portals(&self) -> Vec<Portal> {
        (self.board.portals)()
    }

    pub(super) fn directory(&self) -> Arc<Directory> {
        (self.board.directory)()
    }

    /// Looks at the ledger as it is at one instant.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        question: &Question,
        mut work: impl FnMut(&mut dyn Look) -> Result<T, Wrong> + Send + 'static,
    ) -> Result<T, Problem> {
        self.ask(question, move |ledger| look(ledger, &mut work)).await
    }

    /// Asks a ledger.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: &Question,
        work: impl FnMut(&mut dyn Ledger) -> Result<T, Wrong> + Send + 'static,
    ) -> Result<T, Problem> {
        let last = || self.answered(question);
        match self.reading.ask(work).await {
            Ok(answer) => {
                self.answered.note(question.text(), question.now);
                Ok(answer)
            }
            Err(NoAnswer::Asked(problem)) => Err(problem),
            Err(NoAnswer::Busy) => Err(Problem::busy(last())),
            Err(NoAnswer::Ledger(error)) => {
                tracing::warn!(%error, "the ledger did not answer a question");
                Err(Problem::away(last()))
            }
        }
    }

    /// When a question was answered last.
    pub(super) fn answered(&self, question: &Question) -> Option<Millis> {
        self.answered.last(&question.text())
    }

    /// Tells a ledger something.
    pub(super) async fn tell<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Ledger) -> Result<T, Wrong> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        self.writing.ask(work).await
    }
}

impl Question {
    /// What is asked, the same whatever the order of its parameters.
    pub(super) fn canonical(&self) -> &str {
        &self.canonical
    }

    fn text(&self) -> String {
        format!("{} {}", self.scope, self.canonical)
    }

    /// When it was asked, as it is shown.
    pub(super) fn as_of(&self) -> String {
        instant(self.now).to_string()
    }
}

/// Looks at a ledger as it is at one instant.
pub(super) fn look<T>(
    ledger: &mut dyn Ledger,
    work: &mut dyn FnMut(&mut dyn Look) -> Result<T, Wrong>,
) -> Result<T, Wrong> {
    let mut found = None;
    ledger.look(&mut |look| match work(look) {
        Err(Wrong::Ledger(error)) => Err(error),
        answer => {
            found = Some(answer);
            Ok(())
        }
    })?;
    found.unwrap_or_else(|| Err(Problem::away(None).into()))
}

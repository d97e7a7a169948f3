//! How many rows come at once.

use utoipa::IntoParams;

use super::asked::Asked;
use super::cursor;
use super::problem::Problem;

/// Which part of a long answer.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
pub(crate) struct PageParams {
    /// So many rows at most: 1 to 1000, usually 100.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<u32>,
    /// `next` of the answer before, to the same question.
    cursor: Option<String>,
}

/// So many rows where nothing is said, and so many at most.
const USUAL: u32 = 100;
const MOST: u32 = 1_000;

/// Takes the parameter `limit`.
pub(crate) fn limit(asked: &mut Asked) -> Result<u32, Problem> {
    let expected = "a number from 1 to 1000";
    let limit = asked.parsed::<u32>("limit", expected)?.unwrap_or(USUAL);
    if (1..=MOST).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::bad(format!("`limit={limit}` is not {expected}")))
    }
}

/// A part of rows that are all known: from a place on, and so many.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    skip: u32,
    limit: u32,
    question: String,
}

impl Part {
    /// The part that is asked for.
    pub(crate) fn of(asked: &mut Asked) -> Result<Self, Problem> {
        let question = asked.canonical_but(&["cursor", "limit", "format"]);
        Ok(Self { limit: limit(asked)?, skip: cursor::of(asked, &question)?.unwrap_or(0), question })
    }

    /// That part of all rows, and where the next begins.
    pub(crate) fn cut<T>(&self, all: Vec<T>) -> (Vec<T>, Option<String>) {
        let end = self.skip.saturating_add(self.limit);
        let more = all.len() > end as usize;
        let part = all.into_iter().skip(self.skip as usize).take(self.limit as usize).collect();
        (part, more.then(|| cursor::told(&end, &self.question)))
    }
}

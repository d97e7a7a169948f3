//! What is wrong with a configuration: where, why, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

use super::veil::veiled;

/// The text that problems point into.
pub(crate) type Source = Arc<NamedSource<String>>;

/// One thing that is wrong, or worth a warning.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    severity: Severity,
    message: String,
    hint: Option<String>,
    labels: Vec<(Range<usize>, String)>,
    source: Source,
}

impl Problem {
    /// What is wrong.
    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether it keeps the configuration from being used.
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The line it is in, from 1; none where it is about no place in the file.
    pub(crate) fn line(&self) -> Option<usize> {
        Some(self.before()?.matches('\n').count() + 1)
    }

    /// The column it begins at, in characters from 1.
    pub(crate) fn column(&self) -> Option<usize> {
        Some(self.before()?.chars().rev().take_while(|&char| char != '\n').count() + 1)
    }

    /// The text before the place it points at.
    fn before(&self) -> Option<&str> {
        let (span, _) = self.labels.first()?;
        self.source.inner().get(..span.start)
    }

    /// With advice.
    pub(super) fn advise(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(veiled(&hint.into()));
        self
    }

    /// With a second place, and what is there.
    pub(super) fn also(&mut self, span: Range<usize>, what: impl Into<String>) -> &mut Self {
        let span = first_line(self.source.inner(), span);
        self.labels.push((span, what.into()));
        self
    }

    /// With a word to the first place.
    pub(super) fn label(&mut self, what: impl Into<String>) -> &mut Self {
        if let Some((_, label)) = self.labels.first_mut() {
            *label = what.into();
        }
        self
    }
}

/// A table may cover half the file: its first line is enough to find it.
fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let end = text.get(span.clone()).and_then(|part| part.find(['\r', '\n'])).map_or(span.end, |at| span.start + at);
    span.start..end
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.labels.is_empty()).then_some(&*self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |(span, what): &(Range<usize>, String)| {
            let what = (!what.is_empty()).then(|| what.clone());
            (what, span.clone())
        };
        let mut labels = self.labels.iter().map(label);
        // The first is the place that the report's headline names.
        let first = labels.next().map(|(what, span)| LabeledSpan::new_primary_with_span(what, span));
        let others = labels.map(|(what, span)| LabeledSpan::new_with_span(what, span));
        Some(Box::new(first.into_iter().chain(others)))
    }
}

/// All that is wrong with a configuration, in the order of the file; at least one is an error.
#[derive(Debug, Clone)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// One by one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            let (line, column) = (problem.line().unwrap_or(1), problem.column().unwrap_or(1));
            write!(f, "{end}{}:{line}:{column}: {problem}", problem.source.name())?;
            if let Some(hint) = problem.hint() {
                write!(f, " (hint: {hint})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Takes down what is wrong while a configuration is read.
#[derive(Debug)]
pub(super) struct Notes {
    source: Source,
    problems: Vec<Problem>,
    gaps: bool,
}

impl Notes {
    /// For the text of a file of this name. Passwords in it are never shown.
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self { source: Arc::new(NamedSource::new(name, veiled(text))), problems: Vec::new(), gaps: false }
    }

    /// Something that cannot be used.
    pub(super) fn error(&mut self, at: Range<usize>, message: impl Into<String>) -> &mut Problem {
        self.note(Severity::Error, Some(at), &message.into())
    }

    /// Something that can be used, and may not be what was meant.
    pub(super) fn warn(&mut self, at: Range<usize>, message: impl Into<String>) -> &mut Problem {
        self.note(Severity::Warning, Some(at), &message.into())
    }

    /// Something that has to be there, and is not.
    pub(super) fn missing(&mut self, at: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        if !self.gaps {
            self.error(at, message).advise(hint);
        }
    }

    /// Whether all of the file could be read.
    pub(super) fn is_whole(&self) -> bool {
        !self.gaps
    }

    /// Parts of the file could not be read: from now on nothing is missed, since it may be there.
    pub(super) fn has_gaps(&mut self) {
        self.gaps = true;
    }

    /// An error about the file as a whole.
    pub(super) fn error_at_large(&mut self, message: impl Into<String>) -> &mut Problem {
        self.note(Severity::Error, None, &message.into())
    }

    /// A warning about the file as a whole.
    pub(super) fn warn_at_large(&mut self, message: impl Into<String>) -> &mut Problem {
        self.note(Severity::Warning, None, &message.into())
    }

    fn note(&mut self, severity: Severity, at: Option<Range<usize>>, message: &str) -> &mut Problem {
        let labels = at.map(|at| (first_line(self.source.inner(), at), String::new())).into_iter().collect();
        let source = Arc::clone(&self.source);
        let message = veiled(message);
        self.problems.push(Problem { severity, message, hint: None, labels, source });
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// Whether an error is among them.
    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    /// `value` with the warnings, or all problems if there is an error.
    pub(super) fn conclude<T>(self, value: T) -> Result<(T, Vec<Problem>), Problems> {
        let problems = self.refuse();
        if problems.iter().any(Problem::is_error) { Err(problems) } else { Ok((value, problems.0)) }
    }

    /// All problems.
    pub(super) fn refuse(mut self) -> Problems {
        if self.gaps {
            self.problems.retain(Problem::is_error);
        }
        self.problems.sort_by_key(|problem| problem.labels.first().map_or(0, |(span, _)| span.start));
        self.problems.dedup_by(|later, first| later.message == first.message && later.labels == first.labels);
        Problems(self.problems)
    }
}

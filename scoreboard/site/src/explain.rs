//! What the server's own pages say in the words of the public ones: a run that is not published yet reads as it
//! will once it is.

use model::{Points, RunState, Status, Verdict};

use crate::shell::Language;
use crate::{date, format, words};

/// An instant, Unix milliseconds, as pages in this language show it.
pub fn instant(language: Language, ms: u64) -> String {
    date::shown(language, ms)
}

/// An instant, Unix milliseconds, for the `datetime` attribute.
pub fn machine_instant(ms: u64) -> String {
    date::iso(ms)
}

/// Thousandths of a point, as points with one decimal.
pub fn points(thousandths: Points) -> String {
    format::points(thousandths)
}

/// An observation in its unit.
pub fn observed(language: Language, value: i64, unit: &str) -> String {
    format::observed(value, &words::unit(language, unit))
}

/// What a rule looks at.
pub fn rule(language: Language, rule: &str) -> String {
    words::rule(language, rule)
}

/// What an observation was made of, with the value.
pub fn factor(language: Language, name: &str, value: i64) -> String {
    words::factor(language, name, value)
}

/// What became of a run, in a word.
pub fn state(language: Language, state: RunState) -> String {
    words::state(language, state)
}

/// The style class of a run's state.
pub fn state_class(state: RunState) -> &'static str {
    words::state_class(state)
}

/// Who bears a run's end, and what follows.
pub fn attribution(language: Language, state: RunState) -> &'static str {
    words::attribution(language, state)
}

/// Where an entry stands, in a word.
pub fn status(language: Language, status: Status) -> &'static str {
    words::status(language, status)
}

/// A finding. One that is not known stays as it was published.
pub fn finding(language: Language, published: &str) -> String {
    words::finding(language, published)
}

/// What was decided, in a word.
pub fn verdict(language: Language, verdict: Verdict) -> &'static str {
    words::verdict(language, verdict)
}

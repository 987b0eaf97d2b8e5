//! What is wrong in a file, with the line where it stands.

use anyhow::anyhow;
use toml::Spanned;

/// What was found wrong in a file.
pub(crate) struct Faults<'a> {
    text: &'a str,
    found: Vec<String>,
}

impl<'a> Faults<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// # Errors
    /// All of it, a line each, when there is anything.
    pub(crate) fn none(self) -> anyhow::Result<()> {
        if self.found.is_empty() { Ok(()) } else { Err(anyhow!("{}", self.found.join("\n"))) }
    }

    pub(crate) fn at<T>(&mut self, place: &Spanned<T>, what: impl std::fmt::Display) {
        let line = self.text[..place.span().start.min(self.text.len())].matches('\n').count() + 1;
        self.found.push(format!("line {line}: {what}"));
    }

    /// Of what is not there: it can be added at the end.
    pub(crate) fn at_end(&mut self, what: &str) {
        self.found.push(format!("line {}: {what}", self.text.lines().count()));
    }
}

//! What a program that ended said.

use std::process::Output;

use anyhow::ensure;

pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) }
    }
}

impl Said {
    /// Fails unless it ended with 1 and these words, and neither panicked nor sent the terminal commands.
    pub(crate) fn is_error(&self, words: &[&str]) -> anyhow::Result<()> {
        let Self { code, out, error } = self;
        ensure!(*code == Some(1), "ended with {code:?}: {out}{error}");
        ensure!(!error.contains("panicked") && !error.contains('\u{1b}'), "{error:?}");
        for word in words {
            ensure!(error.contains(word), "no {word:?} in: {error}");
        }
        println!("{}", error.trim_end());
        Ok(())
    }
}

//! The public pages of a season: the ranked list, the admission list, a page for every operator and
//! every run, and how the numbers came about; in English at the plain addresses, in Korean under `ko/`. Charts and files
//! for machines are the same for both and stand once.
//!
//! [`render`] is a pure function from what was published to files. It computes no score and no
//! rank: every number on a page stands in the publication, the season, the rulebook or the
//! evidence, or is read off a histogram of it. The pages need no script and nothing from elsewhere,
//! and link to each other by relative addresses only, so they work from a folder and under any
//! prefix. `evidence/DIGEST.json` is linked, and is for the caller to put beside the pages.

mod admission;
pub mod catalogue;
mod charts;
mod date;
mod decided;
pub mod explain;
mod export;
mod format;
mod index;
mod issue;
mod methodology;
mod operator;
mod press;
mod rulebook;
mod run;
pub mod shell;
mod standing;
mod text;
mod words;

use std::collections::BTreeMap;

use model::{Evidence, Publication, Season};

use crate::issue::Issue;
use crate::press::Press;

/// What the pages are made from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The season as it was frozen.
    pub season: &'a Season,
    /// The rules that turned evidence into points.
    pub rulebook: &'a scoreboard::Rulebook,
    /// All publications of the season, oldest first; the last one is shown.
    pub publications: &'a [Publication],
    /// Evidence by run name; a run whose evidence is not here (sealed) gets a page that says so.
    pub evidence: &'a BTreeMap<String, Evidence>,
    /// The key that signs publications, in the text form that verifiers take.
    pub signer: &'a str,
}

/// Why no pages could be made.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// There is nothing to show yet.
    #[error("no publication is given: publish first, then render")]
    NothingPublished,
    /// What was given does not belong together.
    #[error("the {what} given is not the one that publication {number} rests on")]
    NotTheSame {
        /// `season` or `rulebook`.
        what: &'static str,
        /// The publication.
        number: u32,
    },
    /// A template did not render: a fault of this package.
    #[error("page template: {0}")]
    Template(#[from] tera::Error),
    /// A catalogue of messages cannot be read: a fault of this package.
    #[error("catalogue of messages: {0}")]
    Catalogue(#[from] toml::de::Error),
    /// A chart could not be drawn: a fault of this package.
    #[error("chart {path}: {why}")]
    Chart {
        /// Its file.
        path: String,
        /// What the drawing library said.
        why: String,
    },
}

/// Files by path.
type Files = BTreeMap<String, Vec<u8>>;

/// Renders every file of the site, by relative path: the same input gives the same bytes.
///
/// # Errors
/// [`SiteError::NothingPublished`] without a publication, [`SiteError::NotTheSame`] where season or
/// rulebook have another digest than the publication names; the others are faults of this package.
pub fn render(source: &Source) -> Result<BTreeMap<String, Vec<u8>>, SiteError> {
    let issue = Issue::new(source)?;
    let press = Press::new()?;
    let mut files = Files::new();
    files.insert("style.css".into(), shell::STYLE.into());
    files.insert("ranking.csv".into(), export::csv(&issue).into_bytes());
    files.insert("ranking.json".into(), export::json(&issue));
    index::render(&issue, &press, &mut files)?;
    admission::render(&issue, &press, &mut files)?;
    methodology::render(&issue, &press, &mut files)?;
    for id in issue.operators() {
        operator::render(&issue, &press, &id, &mut files)?;
    }
    for entry in issue.publication.runs.values() {
        run::render(&issue, &press, entry, &mut files)?;
    }
    Ok(files)
}

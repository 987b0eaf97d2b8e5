//! How the numbers come about.

use serde::Serialize;

use crate::issue::Issue;
use crate::press::{Press, Sheet};
use crate::rulebook::{self, Setting};
use crate::shell::Language;
use crate::{Files, SiteError, text};

#[derive(Serialize)]
struct View {
    rulebook: Vec<Setting>,
    trials: Vec<TrialView>,
    signer: String,
    seed_commitment: String,
    seed: Option<String>,
    windows: u32,
    attempts: u32,
    seats: u32,
    genesis: String,
    chain_id: u64,
}

#[derive(Serialize)]
struct TrialView {
    id: String,
    version: u32,
    weight: u32,
    settings: Vec<Setting>,
}

/// Writes `methodology.html` in every language.
pub(crate) fn render(issue: &Issue, press: &Press, files: &mut Files) -> Result<(), SiteError> {
    let season = issue.season;
    let trials = season.trials.iter().map(trial).collect::<Result<Vec<_>, _>>()?;
    let view = View {
        rulebook: rulebook::settings(issue.source.rulebook)?,
        trials,
        signer: issue.source.signer.trim().replace('\'', ""),
        seed_commitment: season.seed_commitment.to_string(),
        seed: issue.publication.seed.map(|seed| seed.to_string()),
        windows: season.windows,
        attempts: season.attempts,
        seats: season.seats,
        genesis: text::plain(&season.network.genesis),
        chain_id: season.network.chain_id,
    };
    for language in Language::ALL {
        let title = language.pick("How it is measured", "측정 방법").into();
        let (path, template) = ("methodology.html", "methodology.html");
        let sheet = Sheet { language, path, template, title, here: "methodology" };
        press.print(issue, &sheet, &view, files)?;
    }
    Ok(())
}

fn trial(trial: &model::Trial) -> Result<TrialView, SiteError> {
    Ok(TrialView {
        id: trial.id.to_string(),
        version: trial.version,
        weight: trial.weight,
        settings: rulebook::settings(trial)?,
    })
}

//! The ranked list.

use model::{Publication, Status};
use serde::Serialize;

use crate::charts::{self, Caption};
use crate::issue::Issue;
use crate::press::{self, Press, Sheet};
use crate::shell::Language;
use crate::standing::Standing;
use crate::{Files, SiteError, date, format, words};

#[derive(Serialize)]
struct View {
    seats: u32,
    windows: u32,
    planned: u32,
    network: String,
    trials: Vec<TrialHead>,
    ranked: Vec<Standing>,
    unplaced: Vec<Standing>,
    controls: Vec<Standing>,
    columns: usize,
    wrong_seats: String,
    totals: Option<Totals>,
    signer: String,
    history: Vec<Past>,
}

#[derive(Serialize)]
struct TrialHead {
    id: String,
    challenge: String,
    weight: u32,
}

#[derive(Clone, Copy, Serialize)]
struct Totals {
    path: &'static str,
    left_out: usize,
}

#[derive(Serialize)]
struct Past {
    number: u32,
    published: String,
    windows: u32,
    ranked: usize,
    shown: bool,
}

/// Writes `index.html` in every language, and its chart.
pub(crate) fn render(issue: &Issue, press: &Press, files: &mut Files) -> Result<(), SiteError> {
    let totals = draw(issue, files)?;
    for language in Language::ALL {
        let season = press::season(issue, language);
        let title = format!("{season}: {}", language.pick("ranked list", "순위표"));
        let sheet = Sheet { language, path: "index.html", template: "index.html", title, here: "list" };
        press.print(issue, &sheet, &view(issue, language, totals), files)?;
    }
    Ok(())
}

fn view(issue: &Issue, language: Language, totals: Option<Totals>) -> View {
    let ranking = &issue.publication.ranking;
    let standing = |entry| Standing::new(issue, language, entry);
    let (ranked, unplaced): (Vec<_>, Vec<_>) =
        ranking.entries.iter().partition(|entry| entry.status == Status::Ranked);
    View {
        seats: issue.season.seats,
        windows: issue.publication.windows,
        planned: issue.season.windows,
        network: words::network(language, &issue.season.network),
        trials: trial_heads(issue),
        ranked: ranked.into_iter().map(standing).collect(),
        unplaced: unplaced.into_iter().map(standing).collect(),
        controls: ranking.controls.iter().map(standing).collect(),
        columns: 9 + issue.season.trials.len(),
        wrong_seats: format::exact(i64::from(ranking.expected_wrong_seats)),
        totals,
        signer: issue.source.signer.trim().replace('\'', ""),
        history: issue.publications.iter().rev().map(|past| past_of(issue, language, past)).collect(),
    }
}

fn trial_heads(issue: &Issue) -> Vec<TrialHead> {
    let head = |trial: &model::Trial| TrialHead {
        id: trial.id.to_string(),
        challenge: trial.parameters.challenge().to_string(),
        weight: trial.weight,
    };
    issue.season.trials.iter().map(head).collect()
}

fn past_of(issue: &Issue, language: Language, past: &Publication) -> Past {
    Past {
        number: past.number,
        published: date::shown(language, past.published_ms),
        windows: past.windows,
        ranked: past.ranking.entries.iter().filter(|entry| entry.status == Status::Ranked).count(),
        shown: past.number == issue.publication.number,
    }
}

fn draw(issue: &Issue, files: &mut Files) -> Result<Option<Totals>, SiteError> {
    let path = "chart/totals.svg";
    let caption = Caption {
        path,
        title: "Totals with 95 % intervals".into(),
        description: "One line for each operator: the dot is the total of 100 points, the bar its interval."
            .into(),
        demonstration: issue.demonstration(),
    };
    let Some((svg, left_out)) = charts::totals::draw(issue, &caption)? else {
        return Ok(None);
    };
    files.insert(path.into(), svg);
    Ok(Some(Totals { path, left_out }))
}

//! The admission list: what reviewers decided about each operator, why, and on which publication.

use model::{Digest, Operator, Verdict, digest};
use serde::Serialize;

use crate::decided::{self, Decided, DecisionView};
use crate::issue::Issue;
use crate::press::{self, Press, Sheet};
use crate::shell::Language;
use crate::{Files, SiteError, date, text, words};

#[derive(Serialize)]
struct View {
    seats: u32,
    groups: Vec<Group>,
    undecided: Vec<Undecided>,
    all: Vec<DecisionView>,
}

/// Everybody with one verdict.
#[derive(Serialize)]
struct Group {
    verdict: &'static str,
    heading: &'static str,
    decisions: Vec<DecisionView>,
}

#[derive(Serialize)]
struct Undecided {
    id: String,
    name: String,
}

/// Writes `admission.html` in every language, `admission.csv` and `admission.json`.
pub(crate) fn render(issue: &Issue, press: &Press, files: &mut Files) -> Result<(), SiteError> {
    files.insert("admission.csv".into(), csv(issue).into_bytes());
    files.insert("admission.json".into(), json(issue));
    for language in Language::ALL {
        let season = press::season(issue, language);
        let title = format!("{season}: {}", language.pick("admission list", "선발 명단"));
        let (path, template) = ("admission.html", "admission.html");
        let sheet = Sheet { language, path, template, title, here: "admission" };
        press.print(issue, &sheet, &view(issue, language), files)?;
    }
    Ok(())
}

fn view(issue: &Issue, language: Language) -> View {
    let present = decided::present(issue);
    let shown = |decided: &Decided| DecisionView::new(issue, language, decided);
    let group = |verdict: Verdict| Group {
        verdict: verdict.as_str(),
        heading: words::verdict_heading(language, verdict),
        decisions: present.iter().filter(|one| one.decision.verdict == verdict).map(shown).collect(),
    };
    let name =
        |operator: &Operator| Undecided { id: operator.id.to_string(), name: issue.name(&operator.id) };
    View {
        seats: issue.season.seats,
        groups: Verdict::ALL.map(group).into(),
        undecided: decided::undecided(issue).into_iter().map(name).collect(),
        all: decided::all(issue).iter().rev().map(shown).collect(),
    }
}

/// `admission.json`: the decisions as published, with what holds now.
#[derive(Serialize)]
struct Document<'a> {
    season: &'a str,
    season_digest: Digest,
    demonstration: bool,
    publication: u32,
    published_ms: u64,
    seats: u32,
    present: Vec<Present<'a>>,
    undecided: Vec<&'a str>,
    decisions: &'a [model::Decision],
}

/// What holds for one operator.
#[derive(Serialize)]
struct Present<'a> {
    operator: &'a str,
    verdict: Verdict,
    /// Number of the decision.
    decision: u32,
    /// Place in the publication decided on.
    place: Option<u32>,
}

fn json(issue: &Issue) -> Vec<u8> {
    let publication = issue.publication;
    let present = |Decided { decision, place, .. }| Present {
        operator: decision.operator.as_str(),
        verdict: decision.verdict,
        decision: decision.number,
        place,
    };
    digest::canonical_json(&Document {
        season: &issue.season.name,
        season_digest: publication.season,
        demonstration: issue.demonstration(),
        publication: publication.number,
        published_ms: publication.published_ms,
        seats: issue.season.seats,
        present: decided::present(issue).into_iter().map(present).collect(),
        undecided: decided::undecided(issue).into_iter().map(|operator| operator.id.as_str()).collect(),
        decisions: &publication.decisions,
    })
}

/// What holds first, then who is undecided, then what was replaced; an empty field is no number.
fn csv(issue: &Issue) -> String {
    let mut lines = String::from(
        "standing,verdict,place,operator,name,reason,reviewer,publication,publication_digest,decided,\
         number,replaces,replaced_by,demonstration\r\n",
    );
    for decided in decided::present(issue) {
        lines.push_str(&line(issue, "present", &decided));
    }
    for operator in decided::undecided(issue) {
        let name = text::csv(&issue.name(&operator.id));
        let demonstration = issue.demonstration();
        lines.push_str(&format!("undecided,,,{},{name},,,,,,,,,{demonstration}\r\n", operator.id));
    }
    for decided in decided::all(issue).iter().filter(|decided| decided.replaced_by.is_some()) {
        lines.push_str(&line(issue, "replaced", decided));
    }
    lines
}

fn line(issue: &Issue, standing: &str, decided: &Decided) -> String {
    let number = |value: Option<u32>| value.map_or_else(String::new, |number| number.to_string());
    let decision = decided.decision;
    let fields = [
        standing.to_owned(),
        decision.verdict.to_string(),
        number(decided.place),
        decision.operator.to_string(),
        text::csv(&issue.name(&decision.operator)),
        text::csv(&decision.reason),
        text::csv(&decision.reviewer),
        decision.publication.to_string(),
        decision.digest.to_string(),
        date::iso(decision.decided_ms),
        decision.number.to_string(),
        number(decision.replaces),
        number(decided.replaced_by),
        issue.demonstration().to_string(),
    ];
    fields.join(",") + "\r\n"
}

//! The ranking for machines.

use model::{Entry, Ranking, digest};
use serde::Serialize;

use crate::issue::Issue;
use crate::shell::Language;
use crate::standing::Seat;
use crate::{format, text, words};

/// `ranking.json`: the ranking as published, with what it rests on.
#[derive(Serialize)]
struct Document<'a> {
    season: &'a str,
    demonstration: bool,
    publication: u32,
    published_ms: u64,
    season_digest: String,
    rulebook_digest: String,
    seats: u32,
    ranking: &'a Ranking,
}

/// The ranking as JSON; points are thousandths, as in the publication.
pub(crate) fn json(issue: &Issue) -> Vec<u8> {
    let publication = issue.publication;
    digest::canonical_json(&Document {
        season: &issue.season.name,
        demonstration: issue.demonstration(),
        publication: publication.number,
        published_ms: publication.published_ms,
        season_digest: publication.season.to_string(),
        rulebook_digest: publication.rulebook.to_string(),
        seats: issue.season.seats,
        ranking: &publication.ranking,
    })
}

/// The ranking as CSV, candidates first, then controls; an empty field is no number.
pub(crate) fn csv(issue: &Issue) -> String {
    let fixed = "role,place,range_low,range_high,range_all_low,range_all_high,operator,name,status,total,\
                 interval_low,interval_high,spread,windows,cuts,voids,seat_key,seat_chance_per_mille,seat,\
                 demonstration";
    let trials: String = issue.season.trials.iter().map(|trial| format!(",mean:{}", trial.id)).collect();
    let mut lines = format!("{fixed}{trials}\r\n");
    let ranking = &issue.publication.ranking;
    for (role, entries) in [("candidate", &ranking.entries), ("control", &ranking.controls)] {
        for entry in entries {
            lines.push_str(&line(issue, role, entry));
        }
    }
    lines
}

fn line(issue: &Issue, role: &str, entry: &Entry) -> String {
    let rated = entry.status != model::Status::Unrated;
    let points = |value: Option<i64>| value.filter(|_| rated).map_or_else(String::new, format::exact);
    let number = |value: Option<u32>| value.map_or_else(String::new, |number| number.to_string());
    let mut fields = vec![
        role.to_owned(),
        number(entry.place),
        number(entry.range.map(|range| range.0)),
        number(entry.range.map(|range| range.1)),
        number(entry.range_all.map(|range| range.0)),
        number(entry.range_all.map(|range| range.1)),
        entry.operator.to_string(),
        text::csv(&issue.name(&entry.operator)),
        words::status(Language::English, entry.status).to_owned(),
        points(entry.total),
        points(entry.interval.map(|interval| interval.0)),
        points(entry.interval.map(|interval| interval.1)),
        points(entry.spread),
        entry.windows.to_string(),
        entry.cuts.to_string(),
        entry.voids.to_string(),
        points(entry.seat_key),
        number(entry.seat_chance),
        words::seat(Language::English, Seat::of(issue, entry)).to_owned(),
        issue.demonstration().to_string(),
    ];
    for trial in &issue.season.trials {
        let mean = entry.trials.iter().find(|mean| mean.trial == trial.id);
        fields.push(points(mean.and_then(|mean| mean.mean)));
    }
    fields.join(",") + "\r\n"
}

//! The ranked list as text, for a terminal.

use std::fmt::Write as _;

use model::ranking::{Entry, Status};
use model::{Publication, Season};

/// The ranking of a publication as a table.
pub fn table(season: &Season, publication: &Publication) -> String {
    let mut out = String::new();
    let kind = if publication.last { "final" } else { "provisional" };
    let mark = if publication.demonstration { " [demonstration]" } else { "" };
    let windows = publication.windows;
    let _ = writeln!(out, "\npublication {} ({kind}, {windows} windows){mark}", publication.number);
    let _ = writeln!(
        out,
        "{:>5}  {:<7} {:<22} {:>6}  {:<15} {:>4} {:>5}  seat",
        "place", "range", "operator", "points", "95 % interval", "cut", "void"
    );
    for entry in publication.ranking.entries.iter().chain(&publication.ranking.controls) {
        let _ = writeln!(out, "{}", line(season, entry));
    }
    out
}

fn line(season: &Season, entry: &Entry) -> String {
    let operator = season.operator(&entry.operator);
    let name: String =
        operator.map_or(entry.operator.as_str(), |operator| &operator.name).chars().take(22).collect();
    let place = match (entry.status, entry.place) {
        (Status::Ranked, Some(place)) => place.to_string(),
        (Status::Barred, _) => "barred".into(),
        (Status::Unrated, _) => "none".into(),
        _ => "-".into(),
    };
    let range = entry.range.map_or(String::new(), |(low, high)| format!("{low}-{high}"));
    let points = |value: i64| format!("{:.1}", value as f64 / 1000.0);
    let total = entry.total.map_or("unrated".into(), points);
    let interval =
        entry.interval.map_or(String::new(), |(low, high)| format!("{} - {}", points(low), points(high)));
    let seat = match entry.seat_chance {
        Some(chance) => format!("{} %{}", chance / 10, if entry.lottery { " lottery" } else { "" }),
        None => String::new(),
    };
    let (cuts, voids) = (entry.cuts, entry.voids);
    format!("{place:>5}  {range:<7} {name:<22} {total:>6}  {interval:<15} {cuts:>4} {voids:>5}  {seat}")
}

//! The front page: what this is, and the seasons.

use axum::extract::Request;
use axum::http::header::{ACCEPT_LANGUAGE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use model::Stage;
use serde_json::{Value, json};
use site::shell::Language;

use super::season::{called, published};
use super::visit::{Answer, Visit};
use super::words;

/// `/`: to the pages in the visitor's language.
pub(super) async fn choose(headers: HeaderMap) -> Response {
    let mut response = Redirect::to(&format!("/{}/", preferred(&headers))).into_response();
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-language"));
    response
}

/// `/en`: to `/en/`.
pub(super) async fn choose_this(request: Request) -> Redirect {
    Redirect::to(&format!("{}/", request.uri().path()))
}

pub(super) async fn show(visit: Visit) -> Response {
    visit.answer(front(&visit).await)
}

async fn front(visit: &Visit) -> Answer {
    let mut seasons = Vec::new();
    for record in visit.app.store.seasons().await?.into_iter().filter(|season| season.stage != Stage::Draft) {
        seasons.push(json!({
            "id": record.id,
            "name": called(&record),
            "stage": words::stage(visit.language, record.stage),
            "now": words::stage_now(visit.language, record.stage),
            "published": published(visit, &record.id).await?,
        }));
    }
    seasons.reverse();
    Ok(visit.page("front", "", &json!({ "seasons": Value::from(seasons) })))
}

/// The language that somebody likes best of ours (RFC 9110 section 12.5.4); English to who likes none.
fn preferred(headers: &HeaderMap) -> Language {
    let lines = headers.get_all(ACCEPT_LANGUAGE).into_iter().filter_map(|line| line.to_str().ok());
    let ranges = lines.flat_map(|line| line.split(',')).filter_map(|range| {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let primary = tag.trim().split('-').next()?.to_ascii_lowercase();
        let weight: f32 = weight.trim().strip_prefix("q=")?.trim().parse().ok()?;
        Some((primary.parse::<Language>().ok()?, weight)).filter(|(_, weight)| *weight > 0.0)
    });
    // Of equals the first.
    let best = ranges.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(Language::English, |(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_likes_korean_best_gets_korean() {
        for (said, expected) in [
            ("", Language::English),
            ("*", Language::English),
            ("ko", Language::Korean),
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Language::Korean),
            ("en;q=0.5, ko;q=0.6", Language::Korean),
            ("en, ko", Language::English),
            ("fr, KO-kr;q=0.1", Language::Korean),
            ("ko;q=0, fr", Language::English),
            ("ko;q=x", Language::English),
            ("kok", Language::English),
        ] {
            let value = HeaderValue::from_static(said);
            assert_eq!(preferred(&HeaderMap::from_iter([(ACCEPT_LANGUAGE, value)])), expected, "{said}");
        }
    }
}

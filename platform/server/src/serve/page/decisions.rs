//! The decisions of a season, as far as they are published.

use std::collections::BTreeSet;

use axum::response::Response;
use serde_json::{Value, json};

use super::review::decision_view;
use super::season::{called, head, published};
use super::visit::{Answer, Visit};
use crate::http::extract::Path;

pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Response {
    visit.answer(page(&visit, &id).await)
}

async fn page(visit: &Visit, id: &str) -> Answer {
    let record = visit.app.season(id).await?;
    let latest = visit.app.latest(&record.id).await?;
    let decisions = latest.as_ref().map_or(&[][..], |latest| &latest.decisions);
    let replaced: BTreeSet<u32> = decisions.iter().filter_map(|decision| decision.replaces).collect();
    let name = |id: &model::OperatorId| {
        let season = record.frozen.as_ref().map(|frozen| &frozen.season);
        season.and_then(|season| season.operator(id)).map(|operator| operator.name.clone())
    };
    let view = |decision: &model::Decision| -> Value {
        let mut view = decision_view(visit.language, decision);
        view["name"] = name(&decision.operator).unwrap_or_else(|| decision.operator.to_string()).into();
        view["replaced"] = replaced.contains(&decision.number).into();
        view
    };
    let view = json!({
        "season": head(visit.language, &record),
        "decisions": decisions.iter().map(view).collect::<Vec<_>>(),
        "published": published(visit, &record.id).await?,
    });
    Ok(visit.page("decisions", &called(&record), &view))
}

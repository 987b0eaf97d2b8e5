//! `/api/v1/seasons/{season}/events`: what is going on just now, for operators and reviewers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use model::OperatorId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::{Private, Public};
use crate::account::token::Scope;
use crate::http::extract::Path;
use crate::http::{Class, Closing};
use crate::serve::app::App;
use crate::serve::fault::Fault;
use crate::serve::live::Happened;
use crate::serve::operator::own;
use crate::serve::who::SignedIn;

/// The route's template.
pub(super) const ROUTE: &str = "/api/v1/seasons/{season}/events";

/// A line at least so often, so that nobody on the way takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// What is going on
///
/// Server-sent events. An operator hears of its own runs, a reviewer of all; `data` is JSON with a `kind`:
/// `phase` (run, phase), `ended` (run, how), `stage` (stage), `said` (text), `missed` (count: the reader was too slow).
#[utoipa::path(get, path = "/api/v1/seasons/{season}/events", tag = "operator",
    params(("season" = String, Path)),
    responses((status = 200, body = String, content_type = "text/event-stream"), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn events(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(season): Path<String>,
    closing: Closing,
) -> Result<Response, Fault> {
    who.may(&app, Scope::Read, Class::Read)?;
    let season = app.season(&season).await?;
    let may_review = who.terms.as_ref().is_none_or(|terms| terms.scope.allows(Scope::Review));
    let only = match app.config.reviewer(who.account.as_str()).filter(|_| may_review) {
        Some(_) => None,
        None => Some(own(&app, &season, &who).await?.operator.id),
    };
    let place = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| Fault::Busy)?;
    let heard = app.service.live.listen(&season.id);
    let stream = stream(Listening { heard, only, closing, _place: place });
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];
    Ok((unbuffered, Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))).into_response())
}

struct Listening {
    heard: Receiver<Happened>,
    /// Whose runs; everybody's if none.
    only: Option<OperatorId>,
    closing: Closing,
    /// Held for as long as the stream lasts.
    _place: OwnedSemaphorePermit,
}

fn stream(listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(listening, |mut listening| async {
        let event = listening.next().await?;
        Some((Ok(event), listening))
    })
}

impl Listening {
    async fn next(&mut self) -> Option<Event> {
        loop {
            let heard = tokio::select! {
                () = self.closing.wait() => return None,
                heard = self.heard.recv() => heard,
            };
            match heard {
                Ok(happened) if self.only.as_ref().is_none_or(|only| happened.is_of(only)) => {
                    return Some(data(&serde_json::to_value(happened).unwrap_or_default()));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(count)) => {
                    return Some(data(&serde_json::json!({ "kind": "missed", "count": count })));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn data(value: &serde_json::Value) -> Event {
    Event::default().data(value.to_string())
}

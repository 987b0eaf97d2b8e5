//! The pages for people, in each language: `/en/...` and `/ko/...` with the same tail.
//!
//! Every page works without JavaScript. Handlers read a form, call an act, and render: each file is a noun,
//! [`visit`] is who asks for what in which language, [`press`] has the templates, [`words`] what they say. The
//! only scripts are two files of ours, which make the wallet and the live box easier.

mod decisions;
mod form;
mod front;
mod home;
mod operator;
mod press;
mod review;
mod run;
mod season;
mod sign_in;
mod visit;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use site::shell::Language;

use self::visit::Visit;
use super::app::App;
use super::fault::Fault;
use crate::http::etag::{self, Tagged};
use crate::http::{Allowance, Class};

/// The routes of the pages.
pub fn router() -> Router<Arc<App>> {
    let scripts = Router::new()
        .route("/wallet.js", script(include_str!("scripts/wallet.js")))
        .route("/live.js", script(include_str!("scripts/live.js")));
    let mut router = scripts.route("/", get(front::choose));
    for language in Language::ALL {
        router = router.route(&format!("/{language}"), get(front::choose_this));
        for (tail, methods) in pages() {
            router = router.route(&format!("/{language}{tail}"), methods);
        }
    }
    router
}

/// Routes that may take something else than the others, by template.
pub fn allowances() -> Vec<(&'static str, Allowance)> {
    // As over the API: freezing a season looks at every node in it, and publishing works out every score.
    let long = Allowance { handler_time: Some(Duration::from_secs(120)), ..Allowance::default() };
    let sign_in = Allowance::class(Class::SignIn);
    vec![
        ("/en/sign-in", sign_in),
        ("/ko/sign-in", sign_in),
        ("/en/seasons/{season}/stage", long),
        ("/ko/seasons/{season}/stage", long),
    ]
}

fn pages() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/", get(front::show)),
        ("/sign-in", get(sign_in::show).post(sign_in::take)),
        ("/sign-out", get(up).post(sign_in::end)),
        ("/home", get(home::show)),
        ("/home/revoke", get(up).post(home::revoke)),
        ("/seasons/{season}", get(season::show)),
        ("/seasons/{season}/decisions", get(decisions::show)),
        ("/seasons/{season}/operator", get(operator::show)),
        ("/seasons/{season}/operator/profile", get(up).post(operator::profile)),
        ("/seasons/{season}/operator/node", get(up).post(operator::node)),
        ("/seasons/{season}/operator/withdrawal", get(up).post(operator::withdrawal)),
        ("/seasons/{season}/operator/runs/{run}", get(run::own)),
        ("/seasons/{season}/review", get(review::list)),
        // Not under `review/`: what stands there is named by applicants.
        ("/seasons/{season}/stage", get(up).post(review::stage)),
        ("/seasons/{season}/review/{operator}", get(review::show)),
        ("/seasons/{season}/review/{operator}/decision", get(up).post(review::decide)),
        ("/seasons/{season}/review/{operator}/runs/{run}", get(run::reviewed)),
        ("/{*anything}", get(nothing).merge(post(nothing))),
    ]
}

fn script(text: &'static str) -> MethodRouter<Arc<App>> {
    let tagged = Arc::new(Tagged::new("text/javascript; charset=utf-8", text).compressed());
    get(async move |headers: HeaderMap| tagged.answer(&headers, etag::REVALIDATE))
}

/// Where a form was sent to there is nothing to look at: the page it stands on is one step up.
async fn up(visit: Visit) -> Redirect {
    Redirect::to(visit.path().rsplit_once('/').map_or("/", |(above, _)| above))
}

async fn nothing(visit: Visit, _: Path<String>) -> Response {
    visit.answer(Err(Fault::NotFound("page at this address".into())))
}

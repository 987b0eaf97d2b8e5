//! Who asks for which page, in which language; and the answers.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use form_urlencoded::byte_serialize;
use serde::Serialize;
use serde_json::json;
use site::shell::{Language, Shell};

use super::press::{self, Frame};
use super::words::fault::Said;
use crate::account::token::Scope;
use crate::config::Reviewer;
use crate::http::{Class, Problem, RequestId};
use crate::serve::app::App;
use crate::serve::fault::Fault;
use crate::serve::who::SignedIn;

/// Why a handler has no page, or an answer that it has instead.
pub(super) type Answer = Result<Response, Fault>;

/// A request for a page.
pub(super) struct Visit {
    pub(super) app: Arc<App>,
    pub(super) language: Language,
    who: Option<SignedIn>,
    uri: Uri,
    /// Whether a form is sent: what was typed must not be lost.
    sends: bool,
    /// Name of the request in the log.
    id: String,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let uri = parts.uri.clone();
        let code = uri.path().split('/').nth(1).unwrap_or_default();
        let language = code.parse().map_err(|_| Problem::not_found().into_response())?;
        let sends = parts.method == Method::POST;
        let id = parts.extensions.get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        let mut visit = Self { app: Arc::clone(app), language, who: None, uri, sends, id };
        match SignedIn::from_request_parts(parts, app).await {
            Ok(who) => visit.who = Some(who),
            Err(Fault::NotSignedIn(_)) => {}
            Err(fault) => return Err(visit.answer(Err(fault))),
        }
        Ok(visit)
    }
}

impl Visit {
    /// Who looks.
    ///
    /// # Errors
    /// When nobody is signed in, which leads to the page to do so.
    pub(super) fn reader(&self) -> Result<&SignedIn, Fault> {
        let who = self.who.as_ref().ok_or_else(|| Fault::NotSignedIn("there is no session".into()))?;
        who.may(&self.app, Scope::Read, Class::Read)?;
        Ok(who)
    }

    /// Who does something.
    ///
    /// # Errors
    /// As [`Visit::reader`].
    pub(super) fn actor(&self) -> Result<&SignedIn, Fault> {
        let who = self.who.as_ref().ok_or_else(|| Fault::NotSignedIn("there is no session".into()))?;
        who.may(&self.app, Scope::Operate, Class::Write)?;
        Ok(who)
    }

    /// The reviewer who looks or decides.
    ///
    /// # Errors
    /// When nobody is signed in, or no reviewer.
    pub(super) fn reviewer(&self, class: Class) -> Result<(&SignedIn, &Reviewer), Fault> {
        let who = self.who.as_ref().ok_or_else(|| Fault::NotSignedIn("there is no session".into()))?;
        Ok((who, who.reviewer(&self.app, class)?))
    }

    /// Whoever is signed in, if somebody is.
    pub(super) fn who(&self) -> Option<&SignedIn> {
        self.who.as_ref()
    }

    /// Whether the account may review.
    pub(super) fn is_reviewer(&self) -> bool {
        self.who().is_some_and(|who| self.app.config.reviewer(who.account.as_str()).is_some())
    }

    /// The path of the request.
    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The address of another page in the same language.
    pub(super) fn to(&self, tail: &str) -> String {
        format!("/{}/{tail}", self.language)
    }

    /// The answer to a form that did what it should.
    pub(super) fn done(&self, tail: &str) -> Response {
        Redirect::to(&self.to(tail)).into_response()
    }

    /// The answer of a handler: its own, or why not, as a page.
    pub(super) fn answer(&self, answer: Answer) -> Response {
        let fault = match answer {
            Ok(response) => return response,
            Err(fault) => fault,
        };
        if matches!(fault, Fault::NotSignedIn(_)) && self.sends {
            return self.page_refused(Said::ended(self.language));
        }
        if matches!(fault, Fault::NotSignedIn(_)) {
            let here = self.uri.path_and_query().map_or("/", |here| here.as_str());
            let next: String = byte_serialize(here.as_bytes()).collect();
            return Redirect::to(&self.to(&format!("sign-in?next={next}"))).into_response();
        }
        self.page_refused(Said::of(self.language, fault))
    }

    fn page_refused(&self, said: Said) -> Response {
        let status = said.problem.status;
        let ours = (status >= 500).then_some(&self.id);
        let view = json!({
            "text": said.text, "detail": said.detail, "status": status, "request": ours,
            "sign_in": status == 401,
        });
        self.refused("refused", "", said, &view)
    }

    /// A page. `about` is what it is about, for its title.
    pub(super) fn page<V: Serialize>(&self, template: &str, about: &str, view: &V) -> Response {
        match self.html(template, about, view) {
            Ok(html) => Html(html).into_response(),
            Err(fault) => Problem::internal(fault).into_response(),
        }
    }

    /// A page that says why not, with the status and the headers that belong to it.
    pub(super) fn refused<V: Serialize>(
        &self,
        template: &str,
        about: &str,
        said: Said,
        view: &V,
    ) -> Response {
        let html = match self.html(template, about, view) {
            Ok(html) => html,
            Err(fault) => return Problem::internal(fault).into_response(),
        };
        let (mut parts, _) = said.problem.into_response().into_parts();
        // Nobody else shall give it another face.
        parts.extensions.remove::<Problem>();
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        Response::from_parts(parts, html.into())
    }

    fn html<V: Serialize>(&self, template: &str, about: &str, view: &V) -> Result<String, String> {
        let kind = press::message(self.language, "title", template);
        let title = if about.is_empty() { kind } else { format!("{kind}: {about}") };
        let here = self.uri.path_and_query().map_or("/", |here| here.as_str());
        let tail = here.splitn(3, '/').nth(2).unwrap_or_default();
        let shell =
            Shell::new(self.language, title, "/style.css", self.to(""), |other| format!("/{other}/{tail}"));
        let account = self.who().map(|who| who.account.as_str().to_owned());
        let frame = Frame { shell, language: self.language.code(), account, page: template.to_owned() };
        press::page(self.language, &format!("{template}.html"), &frame, view)
    }
}

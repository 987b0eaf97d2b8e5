//! What somebody typed into a form, and what is wrong with it.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::Serialize;

use super::words::fault::Said;
use crate::http::Problem;
use crate::http::extract::Bytes;

/// The fields of a form, by name; of a field that comes twice, the last.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// A field; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The form with one field that is ours to fill in.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A form with these fields in it.
    pub(super) fn filled<const N: usize>(fields: [(&str, &str); N]) -> Self {
        Self(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        const KIND: &str = "application/x-www-form-urlencoded";
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(KIND) {
            return Err(Problem::unsupported_media_type(KIND));
        }
        let Bytes(bytes) = Bytes::from_request(request, state).await?;
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

/// A form that was sent and does not do: it is shown again as it was filled in.
#[derive(Debug)]
pub(super) struct Tried {
    /// Which form of the page.
    pub(super) form: &'static str,
    /// What was typed.
    pub(super) given: Form,
    /// Why it does not do.
    pub(super) said: Said,
}

/// What templates call `page.fault`; all empty when there is none.
#[derive(Debug, Default, Serialize)]
pub(super) struct FaultView {
    form: &'static str,
    field: &'static str,
    text: String,
    detail: Option<String>,
}

impl FaultView {
    /// The fault of what was tried.
    pub(super) fn of(tried: Option<&Tried>) -> Self {
        tried.map_or_else(Self::default, |Tried { form, said, .. }| Self {
            form,
            field: said.field,
            text: said.text.clone(),
            detail: said.detail.clone(),
        })
    }
}

/// What was typed into this form, or what stands in it else.
pub(super) fn values(tried: Option<&Tried>, form: &str, otherwise: Form) -> Form {
    match tried.filter(|tried| tried.form == form) {
        Some(tried) => {
            let mut all = otherwise;
            all.0.extend(tried.given.0.clone());
            all
        }
        None => otherwise,
    }
}

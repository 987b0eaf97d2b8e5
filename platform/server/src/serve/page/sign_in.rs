//! Signing in with the account's key, with a wallet's button or by hand; and signing out.

use std::collections::BTreeMap;

use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use serde_json::json;

use super::form::{FaultView, Form, Tried};
use super::visit::{Answer, Visit};
use super::words::fault::Said;
use crate::account::{Account, cookie};
use crate::http::extract::Query;
use crate::serve::fault::Fault;
use crate::serve::sign_in;

/// `?next=` and `?address=`.
type Asked = BTreeMap<String, String>;

pub(super) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let of = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let (next, address) = (of("next"), of("address").trim());
    if address.is_empty() {
        return page(&visit, &Form::filled([("next", next), ("address", address)]), None);
    }
    match offer(&visit, address).await {
        Ok(message) => {
            let form = Form::filled([("next", next), ("address", address), ("message", &message)]);
            page(&visit, &form, None)
        }
        Err(fault) => {
            let given = Form::filled([("next", next), ("address", address)]);
            refuse(&visit, "account", given, fault)
        }
    }
}

pub(super) async fn take(visit: Visit, given: Form) -> Response {
    // A browser sends the lines of a text with CR LF; they were signed with LF alone.
    let text = given.get("message").replace("\r\n", "\n");
    match sign_in::take(&visit.app, &text, given.get("signature").trim()).await {
        Ok(session) => {
            let set = cookie::set(&session.secret, sign_in::SESSION.as_secs());
            visit.answer(with_cookie(visit.done(&local(given.get("next"))), &set))
        }
        Err(fault) => refuse(&visit, "signed", given, fault),
    }
}

pub(super) async fn end(visit: Visit) -> Response {
    let ended = match visit.who() {
        Some(who) => sign_in::end(&visit.app, who).await,
        None => Ok(()),
    };
    visit.answer(ended.and_then(|()| with_cookie(visit.done(""), &cookie::clear())))
}

async fn offer(visit: &Visit, address: &str) -> Result<String, Fault> {
    sign_in::offer(&visit.app, Account::typed(address)?).await
}

fn refuse(visit: &Visit, form: &'static str, given: Form, fault: Fault) -> Response {
    let said = Said::of(visit.language, fault);
    page(visit, &given.clone(), Some(Tried { form, given, said }))
}

fn page(visit: &Visit, values: &Form, tried: Option<Tried>) -> Response {
    let view = json!({
        "next": values.get("next"),
        "address": values.get("address"),
        "message": values.get("message"),
        "signature": values.get("signature"),
        "fault": FaultView::of(tried.as_ref()),
    });
    match tried {
        None => visit.page("sign_in", "", &view),
        Some(tried) => visit.refused("sign_in", "", tried.said, &view),
    }
}

fn with_cookie(mut response: Response, text: &str) -> Answer {
    let value = HeaderValue::from_str(text).map_err(Fault::internal)?;
    response.headers_mut().insert(SET_COOKIE, value);
    Ok(response)
}

/// The tail of the page to come to after signing in: of our pages only, so that no link to our sign-in ends
/// elsewhere.
fn local(next: &str) -> String {
    let tail = ["/en/", "/ko/"].into_iter().find_map(|prefix| next.strip_prefix(prefix));
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    let tail = tail.filter(|tail| tail.chars().all(plain) && !tail.contains("//") && !tail.starts_with('/'));
    tail.filter(|tail| !tail.starts_with("sign-")).unwrap_or("home").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_our_pages_only() {
        assert_eq!(local("/ko/seasons/spring/operator"), "seasons/spring/operator");
        assert_eq!(local("/en/seasons/spring?a=b"), "seasons/spring?a=b");
        assert_eq!(local("/en/"), "");
        for odd in [
            "",
            "https://evil.example/",
            "//evil.example/en/",
            "/\\evil.example",
            "/en//evil.example",
            "/en/\\evil.example",
            "/en/a\\b",
            "/en/\r\nset-cookie: a=b",
            "/en/\tx",
            "/en/a b",
            "/english/",
            "/en",
            "en/home",
            "javascript:alert(1)",
            "/api/v1/docs",
            "/en/sign-in?next=/en/sign-in",
            "/en/한국",
        ] {
            assert_eq!(local(odd), "home", "{odd:?}");
        }
    }
}

//! What a client is told when something is wrong, and what every answer carries.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::routing::{get, post};
use serde::Deserialize;
use server::http::extract::{Json, Path, Query};
use server::http::{Problem, Ready, ServeOptions, Shell};

use crate::support::{Answer, Client, Server, get as fetch, request, send, unlimited};

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Filter {
    season: Option<u32>,
}

async fn panics() -> &'static str {
    panic!("the password is swordfish")
}

async fn fails() -> Result<&'static str, Problem> {
    Err(anyhow::anyhow!("the password is swordfish"))?
}

fn router() -> Router {
    Router::new()
        .route("/", get(async || "front page"))
        .route("/panic", get(panics))
        .route("/api/v1/panic", get(panics))
        .route("/api/v1/fail", get(fails))
        .route("/api/v1/names", post(async |Json(named): Json<Named>| Json(named.name)))
        .route("/api/v1/runs/{run}", get(async |Path(run): Path<u64>| Json(run)))
        .route("/api/v1/runs", get(async |Query(filter): Query<Filter>| Json(filter.season)))
}

async fn server() -> Server {
    Server::start(router(), unlimited(), ServeOptions::default()).await
}

/// POST with these headers and a good body.
async fn post_with(server: &Server, headers: &[(&str, &str)]) -> Answer {
    name(server, headers, r#"{"name": "Aster"}"#).await
}

async fn name(server: &Server, headers: &[(&str, &str)], body: &'static str) -> Answer {
    let json = [("content-type", "application/json")];
    let headers: Vec<_> = json.iter().chain(headers).copied().collect();
    send(server.address, request("POST", "/api/v1/names", &headers).map(|_| body.into())).await
}

#[tokio::test]
async fn a_panic_says_nothing_and_costs_nothing() {
    let server = server().await;
    let mut client = Client::connect(server.address).await;
    for path in ["/api/v1/panic", "/api/v1/fail"] {
        let answer = client.get(path).await;
        answer.problem(500);
        assert!(!answer.text().contains("swordfish"), "{answer:?}");
        assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
    }
    let page = client.get("/panic").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (500, "text/html; charset=utf-8"));
    assert!(
        !page.text().contains("swordfish") && page.text().contains(page.header("x-request-id")),
        "{page:?}"
    );
    assert_eq!(client.get("/").await.text(), "front page", "the connection and the server go on");
}

#[tokio::test]
async fn what_is_not_there_is_told_as_the_place_is() {
    let server = server().await;
    fetch(server.address, "/api/v1/nothing").await.problem(404);
    let wrong = send(server.address, request("DELETE", "/api/v1/names", &[])).await;
    wrong.problem(405);
    assert_eq!(wrong.headers[ALLOW], "POST");
    let page = fetch(server.address, "/nothing").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(page.text().starts_with("<!DOCTYPE html>") && page.text().contains("Not Found"), "{page:?}");
    let page = send(server.address, request("POST", "/", &[])).await;
    assert_eq!((page.status.as_u16(), page.header("allow")), (405, "GET,HEAD"));
    let head = send(server.address, request("HEAD", "/nothing", &[])).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
}

#[tokio::test]
async fn what_is_wrong_in_a_request_is_named() {
    let server = server().await;
    assert_eq!(post_with(&server, &[]).await.text(), "\"Aster\"");
    let problem = name(&server, &[], r#"{"name": 7}"#).await.problem(422);
    assert_eq!(problem["errors"][0]["pointer"], "#/name");
    name(&server, &[], "{").await.problem(400);
    let plain = request("POST", "/api/v1/names", &[("content-type", "text/plain")]);
    send(server.address, plain.map(|_| "{}".into())).await.problem(415);
    let problem = fetch(server.address, "/api/v1/runs/seven").await.problem(400);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("u64")), "{problem}");
    let problem = fetch(server.address, "/api/v1/runs?season=spring").await.problem(400);
    assert_eq!(problem["errors"][0]["field"], "season");
    assert_eq!(fetch(server.address, "/api/v1/runs?season=3").await.text(), "3");
}

#[tokio::test]
async fn only_our_own_pages_can_change_something() {
    let server = server().await;
    let host = ("host", "touchstone.example");
    let same = ("origin", "https://touchstone.example");
    let other = ("origin", "https://evil.example");
    let site = |value| ("sec-fetch-site", value);
    let allowed: [&[(&str, &str)]; 4] = [&[], &[site("same-origin")], &[site("none")], &[same]];
    for headers in allowed {
        assert_eq!(post_with(&server, headers).await.status, 200, "{headers:?}");
    }
    let refused: [&[(&str, &str)]; 5] = [
        &[site("cross-site")],
        &[site("same-site"), same],
        &[other],
        &[site("cross-site"), same],
        &[("origin", "null")],
    ];
    for headers in refused {
        post_with(&server, headers).await.problem(403);
    }
    let look = request("GET", "/", &[site("cross-site"), other, host]);
    assert_eq!(send(server.address, look).await.status, 200, "looking is allowed from anywhere");
}

/// Headers of an answer, without what differs from one to the next.
fn snapshot(answer: &Answer) -> BTreeMap<String, String> {
    let lines = answer.headers.iter().filter(|(name, _)| *name != "date" && *name != "x-request-id");
    lines.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned())).collect()
}

#[tokio::test]
async fn every_answer_carries_exactly_these_headers() {
    let server = server().await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                  connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let always = [
        ("cache-control", "no-store"),
        ("content-security-policy", policy),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "same-origin"),
        ("vary", "accept-encoding"),
        ("x-content-type-options", "nosniff"),
    ];
    let expected = |more: &[(&str, &str)], without: &str| -> BTreeMap<String, String> {
        let all = always.iter().chain(more).filter(|(name, _)| *name != without);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let text = [("content-length", "10"), ("content-type", "text/plain; charset=utf-8")];
    let page = fetch(server.address, "/").await;
    assert_eq!(snapshot(&page), expected(&text, "vary"), "ten bytes are not compressed");
    assert_eq!(page.header("x-request-id").len(), 32);
    let missing = fetch(server.address, "/api/v1/nothing").await;
    let length = missing.body.len().to_string();
    let problem = [("content-length", length.as_str()), ("content-type", "application/problem+json")];
    assert_eq!(snapshot(&missing), expected(&problem, ""));
    let safe = Server::start(router(), Shell { tls: true, ..unlimited() }, ServeOptions::default()).await;
    let tls = [text[0], text[1], ("strict-transport-security", "max-age=31536000")];
    assert_eq!(snapshot(&fetch(safe.address, "/").await), expected(&tls, "vary"));
}

#[tokio::test]
async fn a_route_may_loosen_a_header_and_none_names_the_server() {
    let badge = async || {
        let headers = [("cross-origin-resource-policy", "cross-origin"), ("server", "axum/0.8")];
        (headers, [(CONTENT_TYPE, "image/svg+xml")], "<svg/>")
    };
    let router = Router::new().route("/badge.svg", get(badge));
    let server = Server::start(router, unlimited(), ServeOptions::default()).await;
    let badge = fetch(server.address, "/badge.svg").await;
    assert_eq!(badge.header("cross-origin-resource-policy"), "cross-origin");
    assert!(!badge.headers.contains_key("server"), "{badge:?}");
}

#[tokio::test]
async fn it_is_ready_when_its_check_says_so() {
    let ready = |answer: fn() -> anyhow::Result<()>| Ready::new(move || std::future::ready(answer()));
    let sick = Shell { ready: ready(|| Err(anyhow::anyhow!("no database at 10.1.2.3"))), ..unlimited() };
    let server = Server::start(router(), sick, ServeOptions::default()).await;
    let answer = fetch(server.address, "/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
    assert!(!answer.text().contains("10.1.2.3"), "{answer:?}");
    assert_eq!(fetch(server.address, "/healthz").await.status, 200, "alive all the same");
    let stuck = Shell { ready: Ready::new(std::future::pending), ..unlimited() };
    let server = Server::start(router(), stuck, ServeOptions::default()).await;
    assert_eq!(fetch(server.address, "/readyz").await.status, 503);
}

//! Rate limits, and whose bucket a request comes out of.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use server::http::{Allowance, Class, Limits, Rate, Rates, ServeOptions, Shell, TrustedProxies, wrap};
use tower::ServiceExt;

use crate::support::{Answer, Client, Server, request, unlimited};

/// Five at once, then one an hour: what is counted does not depend on how fast the machine is.
fn five() -> Rates {
    let number = |n| NonZeroU32::new(n).expect("not zero");
    let rate = Rate { count: number(1), seconds: number(3_600), burst: number(5) };
    Rates { read: rate, write: rate, sign_in: rate, register: rate }
}

fn router() -> Router {
    Router::new()
        .route("/api/v1/ping", get(async || "pong"))
        .route("/api/v1/sign-in", post(async || "welcome"))
        .route("/page", get(async || "page"))
}

fn shell(proxies: &[&str]) -> Shell {
    let proxies = TrustedProxies::parse(proxies.iter().copied()).expect("networks");
    let shell = Shell { limits: Some(Arc::new(Limits::new(five()))), proxies, ..unlimited() };
    shell.allow("/api/v1/sign-in", Allowance::class(Class::SignIn))
}

/// A thousand requests with these values of X-Forwarded-For; how many are answered, and the last answer.
async fn thousand(proxies: &[&str], forwarded: impl Fn(u32) -> String) -> (usize, Answer) {
    let server = Server::start(router(), shell(proxies), ServeOptions::default()).await;
    let mut client = Client::connect(server.address).await;
    let (mut passed, mut last) = (0, None);
    for number in 0..1_000 {
        let forwarded = forwarded(number);
        let request = request("GET", "/api/v1/ping", &[("x-forwarded-for", &forwarded)]);
        let answer = client.send(request).await.expect("an answer");
        assert!(matches!(answer.status, StatusCode::OK | StatusCode::TOO_MANY_REQUESTS), "{answer:?}");
        passed += usize::from(answer.status == 200);
        last = Some(answer);
    }
    (passed, last.expect("a thousand answers"))
}

fn rotated(number: u32) -> String {
    format!("203.0.{}.{}", number / 250, number % 250)
}

#[tokio::test]
async fn a_thousand_forged_addresses_are_one_client() {
    let (passed, last) = thousand(&[], rotated).await;
    assert_eq!(passed, 5);
    last.problem(429);
    assert_eq!(last.header("retry-after"), "3600");
    assert_eq!(last.header("ratelimit-policy"), "\"read\";q=5;w=18000");
    assert_eq!(last.header("ratelimit"), "\"read\";r=0;t=3600");
}

#[tokio::test]
async fn a_proxy_brings_a_thousand_clients() {
    let (passed, last) = thousand(&["127.0.0.0/8"], rotated).await;
    assert_eq!(passed, 1_000);
    assert_eq!(last.header("ratelimit"), "\"read\";r=4;t=3600");
}

#[tokio::test]
async fn what_a_client_forges_behind_a_proxy_is_not_believed() {
    let (passed, _) = thousand(&["127.0.0.0/8"], |number| format!("{}, 198.51.100.7", rotated(number))).await;
    assert_eq!(passed, 5);
}

/// Requests straight into the shell, as from these peers; how many are answered.
async fn from_peers(router: &Router, peers: impl Iterator<Item = IpAddr>) -> usize {
    let mut passed = 0;
    for peer in peers {
        let response = once(router, peer, request("GET", "/api/v1/ping", &[])).await;
        passed += usize::from(response.status() == 200);
    }
    passed
}

async fn once(router: &Router, peer: IpAddr, mut request: Request<Body>) -> Response {
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer, 4711)));
    router.clone().oneshot(request).await.expect("no error")
}

#[tokio::test]
async fn an_ipv6_subscriber_is_one_client() {
    let router = wrap(router(), shell(&[]));
    let of_prefix =
        |prefix: u128| (0..1_000_u128).map(move |n| IpAddr::from((prefix << 64 | n << 20).to_be_bytes()));
    assert_eq!(from_peers(&router, of_prefix(0x2001_0db8_0000_0001)).await, 5);
    assert_eq!(from_peers(&router, of_prefix(0x2001_0db8_0000_0002)).await, 5);
    let mapped = (0..10_u8).map(|_| "::ffff:192.0.2.1".parse().expect("an address"));
    let plain = (0..10_u8).map(|_| IpAddr::from([192, 0, 2, 1]));
    assert_eq!(from_peers(&router, mapped.chain(plain)).await, 5);
}

#[tokio::test]
async fn each_class_has_its_own_bucket() {
    let router = wrap(router(), shell(&[]));
    let peer = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(from_peers(&router, std::iter::repeat_n(peer, 10)).await, 5);
    let sign_in = once(&router, peer, request("POST", "/api/v1/sign-in", &[])).await;
    assert_eq!(sign_in.status(), 200);
    assert_eq!(sign_in.headers()["ratelimit"], "\"sign-in\";r=4;t=3600");
    let page = once(&router, IpAddr::from([192, 0, 2, 2]), request("GET", "/page", &[])).await;
    assert!(page.status() == 200 && !page.headers().contains_key("ratelimit"), "caches keep pages");
}

//! Somebody who visits a server: one request after another, with a cookie or none, and no script.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use secp256k1::SecretKey;
use server::account::Account;
use server::account::signature::{Prefix, account_of, sign};
use server::http::{ServeOptions, serve, wrap};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::Lab;
use crate::season::trial;
use crate::served::Served;

/// Number of the reviewer's key.
pub(crate) const REVIEWER: u8 = 200;

/// A server over a network of the test's own, whose origin is `http://127.0.0.1:PORT`.
pub(crate) struct House<N = Lab> {
    pub(crate) served: Served,
    pub(crate) lab: N,
    pub(crate) address: SocketAddr,
}

impl House {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let lab = Lab::start(4).await?;
        Self::over(lab, async |lab, more| {
            Served::configured(lab, &trial("invalid", "together", "V01"), more).await
        })
        .await
    }
}

impl<N> House<N> {
    /// A server of a season over these nodes.
    pub(crate) async fn over(
        lab: N,
        season: impl AsyncFnOnce(&N, &str) -> anyhow::Result<Served>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let rate = "{ count = 10000, seconds = 1, burst = 10000 }";
        let more = format!(
            "listen = \"{address}\"\norigin = \"http://{address}\"\n[rates]\nsign_in = {rate}\nwrite = {rate}\n\
             read = {rate}\n[[reviewer]]\naccount = \"{}\"\nname = \"Kim\"\n",
            account(REVIEWER)
        );
        let served = season(&lab, &more).await?;
        let router = wrap(server::serve::router(&served.app), server::serve::shell(&served.app)?);
        tokio::spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));
        Ok(Self { served, lab, address })
    }

    /// Somebody who has not signed in.
    pub(crate) fn stranger(&self) -> Visitor {
        Visitor { address: self.address, cookie: None }
    }

    /// Somebody who has, with the key of this number.
    pub(crate) async fn guest(&self, number: u8) -> anyhow::Result<Visitor> {
        let mut visitor = self.stranger();
        let text = visitor.text(number).await?;
        let signature = signed(number, Prefix::Ethereum, &text);
        let answer = visitor.post("/en/sign-in", &[("message", &text), ("signature", &signature)]).await?;
        ensure!(answer.status == 303, "{}: {}", answer.status, answer.body);
        visitor.cookie = Some(answer.session()?);
        Ok(visitor)
    }
}

pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::from_byte_array([number; 32]).expect("a small number is a key")
}

pub(crate) fn account(number: u8) -> Account {
    account_of(&key(number))
}

pub(crate) fn signed(number: u8, prefix: Prefix, text: &str) -> String {
    sign(&key(number), prefix, text).to_string()
}

/// See [`House`].
pub(crate) struct Visitor {
    pub(crate) address: SocketAddr,
    pub(crate) cookie: Option<String>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn session(&self) -> anyhow::Result<String> {
        let cookie = self.header("set-cookie");
        let pair = cookie.split(';').next().filter(|pair| pair.starts_with("__Host-touchstone=tss_"));
        let whole =
            cookie.contains("HttpOnly") && cookie.contains("Secure") && cookie.contains("SameSite=Lax");
        pair.filter(|_| whole).map(str::to_owned).with_context(|| format!("no session is set: {cookie:?}"))
    }
}

impl Visitor {
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Method::GET, path, &[], String::new()).await
    }

    /// Sends a form as a browser does from a page of ours.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Answer> {
        self.post_from("same-origin", path, fields).await
    }

    /// Sends a form from a page of this or another site.
    pub(crate) async fn post_from(
        &self,
        site: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.ask(Method::POST, path, &[kind, ("sec-fetch-site", site)], body).await
    }

    /// The text that a page gives to sign to the account of a key.
    pub(crate) async fn text(&self, number: u8) -> anyhow::Result<String> {
        let answer = self.get(&format!("/api/v1/sign-in?address={}", account(number))).await?;
        let offer: serde_json::Value = serde_json::from_str(&answer.body)?;
        offer["message"].as_str().map(str::to_owned).with_context(|| format!("no text: {offer}"))
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> anyhow::Result<Answer> {
        let (head, body) = self.begin(method, path, headers, body).await?.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// The beginning of an answer, for one that does not end.
    pub(crate) async fn begin(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> anyhow::Result<Response<Incoming>> {
        let (mut client, connection) =
            handshake(TokioIo::new(TcpStream::connect(self.address).await?)).await?;
        tokio::spawn(connection);
        let mut request =
            Request::builder().method(method).uri(path).header("host", self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        Ok(client.send_request(request.body(Full::new(Bytes::from(body)))?).await?)
    }
}

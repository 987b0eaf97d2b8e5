//! A front door of known character.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::keccak256;
use bytes::Bytes;
use clap::Args;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::character::{Character, ErrorClass, Overflow};
use crate::error::LabError;
use crate::gate::{Fate, Gate};
use crate::http::{self, Closed, Handler, Reply, Running};
use crate::load::Load;
use crate::methods;
use crate::rpc::{self, Fault};
use crate::upstream::Upstream;

/// Settings of an ingress.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct IngressConfig {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    pub listen: SocketAddr,
    /// What is behind it, as `http://127.0.0.1:PORT`.
    #[arg(long, value_parser = upstream_address, value_name = "URL")]
    pub upstream: SocketAddr,
    /// Decides which requests are hit.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// How it treats transactions.
    #[command(flatten)]
    pub character: Character,
}

impl IngressConfig {
    /// An ingress on a free local port before `upstream`, with seed 0.
    #[must_use]
    pub fn new(upstream: SocketAddr, character: Character) -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), upstream, seed: 0, character }
    }
}

/// A proxy that treats transactions exactly as it was told, and passes reads through.
#[derive(Debug)]
pub struct Ingress {
    character: Character,
    upstream: Upstream,
    gate: Mutex<Gate>,
    load: Mutex<Load>,
    started: Instant,
}

/// What a request body is.
enum Asked {
    /// One transaction.
    Submission(Submission),
    /// A batch with a transaction in it.
    MixedBatch,
    /// `lab_load`, with the id of the call: what has come in so far. It does not count itself.
    Load(Value),
    /// Anything else, also what is no JSON at all.
    Other,
}

/// One `eth_sendRawTransaction`.
struct Submission {
    id: Value,
    params: Vec<Value>,
}

impl Ingress {
    /// Starts an ingress on the current runtime. Its stalls count from here.
    ///
    /// # Errors
    /// The address is taken, or the character contradicts itself.
    pub async fn start(config: IngressConfig) -> Result<Running, LabError> {
        config.character.check()?;
        let ingress = Self {
            upstream: Upstream::new(config.upstream),
            gate: Mutex::new(Gate::new(&config.character, config.seed)),
            character: config.character,
            load: Mutex::default(),
            started: Instant::now(),
        };
        http::serve(config.listen, Arc::new(ingress)).await
    }

    async fn submit(&self, submission: Submission, body: Bytes) -> Result<Reply, Closed> {
        let Some(service) = self.arrive() else {
            return self.overflow(&submission);
        };
        let due = self.started + Duration::from_nanos(service.due);
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        match service.fate {
            Fate::Lost => Err(Closed),
            Fate::Failed => Ok(self.fail(&submission)),
            Fate::Forwarded => Ok(self.forward(body, Some(&submission)).await),
        }
    }

    fn arrive(&self) -> Option<crate::gate::Service> {
        let mut gate = self.gate();
        let now = self.started.elapsed().as_nanos();
        gate.arrive(u64::try_from(now).unwrap_or(u64::MAX))
    }

    /// Counts what comes in, before anything is done with it.
    fn note(&self, peer: IpAddr, asked: &Asked) {
        let transaction_of = match asked {
            Asked::Load(_) => return,
            Asked::Submission(_) => Some(peer),
            Asked::MixedBatch | Asked::Other => None,
        };
        let mut load = self.load();
        let now = self.started.elapsed().as_micros();
        load.arrive(u64::try_from(now).unwrap_or(u64::MAX), transaction_of);
    }

    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn overflow(&self, submission: &Submission) -> Result<Reply, Closed> {
        match self.character.overflow {
            Overflow::Http503 => Ok(unavailable()),
            Overflow::Close => Err(Closed),
            Overflow::RpcBusy => Ok(submission.refused(Fault::busy())),
        }
    }

    fn fail(&self, submission: &Submission) -> Reply {
        match self.character.error {
            ErrorClass::Http503 => unavailable(),
            ErrorClass::Http429 => http::plain(StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            ErrorClass::RpcBusy => submission.refused(Fault::busy()),
            ErrorClass::Accept => submission.accepted(),
        }
    }

    async fn forward(&self, body: Bytes, submission: Option<&Submission>) -> Reply {
        let Ok((status, answer)) = self.upstream.send(body).await else {
            return http::plain(StatusCode::BAD_GATEWAY, "bad gateway");
        };
        match submission {
            Some(submission) if self.is_hidden(&answer) => submission.accepted(),
            _ => http::json(status, answer),
        }
    }

    fn is_hidden(&self, answer: &[u8]) -> bool {
        self.character.wrong_class_per_mille > 0 && is_rejection(answer) && self.gate().hides_rejection()
    }
}

impl Handler for Ingress {
    async fn answer(&self, peer: IpAddr, body: Bytes) -> Result<Reply, Closed> {
        let asked = Asked::of(&body);
        self.note(peer, &asked);
        match asked {
            Asked::Submission(submission) => self.submit(submission, body).await,
            Asked::MixedBatch => Ok(refuse_batch()),
            Asked::Load(id) => {
                let reply = rpc::response(&id, Ok(self.load().report()));
                Ok(http::json(StatusCode::OK, reply.to_string()))
            }
            Asked::Other => Ok(self.forward(body, None).await),
        }
    }
}

impl Asked {
    fn of(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Value::Array(calls)) if calls.iter().any(is_submission) => Self::MixedBatch,
            Ok(mut call) if is_call(&call, "lab_load") => Self::Load(call["id"].take()),
            Ok(mut call) if is_submission(&call) => Self::Submission(Submission {
                id: call["id"].take(),
                params: match call["params"].take() {
                    Value::Array(params) => params,
                    _ => Vec::new(),
                },
            }),
            _ => Self::Other,
        }
    }
}

impl Submission {
    fn refused(&self, fault: Fault) -> Reply {
        let reply = rpc::response(&self.id, Err(fault));
        http::json(StatusCode::OK, reply.to_string())
    }

    /// Success with the transaction's own hash, true or not.
    fn accepted(&self) -> Reply {
        let raw = methods::bytes(&self.params, 0).unwrap_or_default();
        let reply = rpc::response(&self.id, Ok(json!(keccak256(raw).to_string())));
        http::json(StatusCode::OK, reply.to_string())
    }
}

fn is_submission(call: &Value) -> bool {
    is_call(call, "eth_sendRawTransaction")
}

fn is_call(call: &Value, method: &str) -> bool {
    call.get("method").and_then(Value::as_str) == Some(method)
}

fn is_rejection(answer: &[u8]) -> bool {
    let answer = serde_json::from_slice::<Value>(answer);
    answer.is_ok_and(|answer| answer.get("error").is_some())
}

fn unavailable() -> Reply {
    http::plain(StatusCode::SERVICE_UNAVAILABLE, "service unavailable")
}

/// A batch would pass many transactions as one request, and no rate could be exact.
fn refuse_batch() -> Reply {
    let fault = Fault::invalid_request("transactions are not taken in batches here");
    let reply = rpc::response(&Value::Null, Err(fault));
    http::json(StatusCode::OK, reply.to_string())
}

fn upstream_address(url: &str) -> Result<SocketAddr, String> {
    url.strip_prefix("http://")
        .map(|address| address.trim_end_matches('/'))
        .and_then(|address| address.parse().ok())
        .ok_or_else(|| "expected http://IP:PORT".to_owned())
}

//! HTTP as the open internet needs it: what is around the routes, and none of the routes.
//!
//! [`wrap`] puts the layers around any router, [`serve`] takes the connections. The routes of a noun use
//! [`extract`]'s `Json`, `Path` and `Query`, answer errors with [`Problem`], and long lists with [`page`].
//!
//! ```no_run
//! # async fn example(listener: tokio::net::TcpListener) -> anyhow::Result<()> {
//! use axum::{Router, routing::get};
//! use server::http::{ServeOptions, Shell, serve, wrap};
//!
//! let router = Router::new().route("/api/v1/seasons", get(|| async { "[]" }));
//! let shell = Shell::new()?;
//! serve(listener, wrap(router, shell), ServeOptions::default(), std::future::pending()).await
//! # }
//! ```

mod admission;
mod allowance;
mod client;
pub mod etag;
pub mod extract;
mod face;
mod headers;
mod health;
mod limit;
pub mod metrics;
pub mod page;
mod problem;
mod record;
mod request_id;
mod serve;
mod shell;
mod stall;

pub use self::allowance::Allowance;
pub use self::client::{Client, TrustedProxies, block};
pub use self::health::Ready;
pub use self::limit::{Class, Key, Limits, Rate, Rates, Standing};
pub use self::problem::{FieldError, Problem};
pub use self::request_id::{RequestId, RequestIds};
pub use self::serve::{Closing, ServeOptions, serve};
pub use self::shell::{Shell, housekeeping, wrap};

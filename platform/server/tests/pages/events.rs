//! News over a socket: an operator hears of its own runs, a reviewer of all, and nobody else of any.

use std::time::Duration;

use anyhow::{Context, ensure};
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;
use model::Stage;

use crate::visitor::{House, REVIEWER, Visitor};

const EVENTS: &str = "/api/v1/seasons/spring/events";

/// Lines of data as they come, until the season has been measured.
async fn listen(visitor: &Visitor) -> anyhow::Result<tokio::task::JoinHandle<Vec<String>>> {
    let answer = visitor.begin(Method::GET, EVENTS, &[], String::new()).await?;
    ensure!(answer.status() == 200, "{}", answer.status());
    ensure!(answer.headers()["content-type"] == "text/event-stream");
    Ok(tokio::spawn(lines(answer.into_body())))
}

async fn lines(mut body: Incoming) -> Vec<String> {
    let mut heard = String::new();
    let quiet = Duration::from_secs(10);
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(quiet, body.frame()).await {
        heard +=
            &frame.into_data().map(|data| String::from_utf8_lossy(&data).into_owned()).unwrap_or_default();
    }
    heard.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_hears_of_its_own_runs_and_a_reviewer_of_all() -> anyhow::Result<()> {
    let house = House::open().await?;
    let (alpha, beta) = (house.guest(1).await?, house.guest(2).await?);
    for (visitor, id, node) in [(&alpha, "alpha", 0), (&beta, "beta", 1)] {
        let profile = [("id", id), ("name", id)];
        ensure!(visitor.post("/en/seasons/spring/operator/profile", &profile).await?.status == 303);
        let node = [("rpc", house.lab.ingresses[node].rpc()), ("path", "direct".into())];
        let node = node.each_ref().map(|(name, value)| (*name, value.as_str()));
        ensure!(visitor.post("/en/seasons/spring/operator/node", &node).await?.status == 303);
    }
    ensure!(house.stranger().get(EVENTS).await?.status == 401);
    ensure!(house.guest(3).await?.get(EVENTS).await?.status == 404, "whoever has not applied hears nothing");
    let kim = house.guest(REVIEWER).await?;
    let (own, all) = (listen(&alpha).await?, listen(&kim).await?);
    let begin = [("to", "trials"), ("confirm", "yes")];
    ensure!(kim.post("/en/seasons/spring/stage", &begin).await?.status == 303);
    house.served.comes_to(Stage::Review).await?;
    let (own, all) = (own.await?, all.await?);
    let ended = |heard: &[String], id: &str| {
        let run = format!("w01.invalid.{id}.");
        heard.iter().any(|line| line.contains("\"ended\"") && line.contains(&run))
    };
    ensure!(ended(&own, "alpha"), "{own:?}");
    ensure!(own.iter().all(|line| !line.contains("beta") && !line.contains("control")), "{own:?}");
    ensure!(["alpha", "beta", "control-1"].iter().all(|id| ended(&all, id)), "{all:?}");
    let said = all.iter().find(|line| line.contains("\"said\"")).context("the season as a whole")?;
    ensure!(serde_json::from_str::<serde_json::Value>(said)?["text"].is_string(), "{said}");
    Ok(())
}

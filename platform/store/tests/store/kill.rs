//! A process that is killed while it hands in evidence.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use model::RunKey;
use store::{Place, RunProgress, Store};

use crate::fixture::{at, begun, evidence, now, run, spring};
use crate::stage::{Stage, ensure, same};

/// Set for the child: the data directory, and the database's address if it is PostgreSQL.
const DATA: &str = "TOUCHSTONE_TEST_KILL_DATA";
const URL: &str = "TOUCHSTONE_TEST_KILL_URL";

/// Runs in the queue, more than are measured before the kill.
const RUNS: u32 = 2_000;
/// Runs that are acknowledged before the kill.
const BEFORE: usize = 25;

fn key(attempt: u32) -> RunKey {
    run(1, "traffic", "alpha", attempt)
}

/// In the child: measures one run after another, and says each when the store has said so.
pub(crate) fn child() -> Option<anyhow::Result<()>> {
    let data = std::env::var_os(DATA)?;
    let place = match std::env::var(URL) {
        Ok(url) => Place::postgres(Path::new(&data), &url),
        Err(_) => Place::sqlite(Path::new(&data)),
    };
    let measure = async {
        let store = Store::open(&place).await?;
        while let Some(lease) = store.lease_next("child", now(), at(60)).await? {
            store.finish(&spring(), lease.epoch, &evidence(&lease.run, 1), at(1)).await?;
            let mut out = std::io::stdout();
            writeln!(out, "{}", lease.run)?;
            out.flush()?;
        }
        anyhow::bail!("all runs were measured before the kill")
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    Some(runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(measure)))
}

pub(crate) async fn acknowledged_evidence_outlives_a_kill(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    begun(&store).await?;
    let runs: Vec<_> = (1..=RUNS).map(|attempt| (key(attempt), "127.0.0.1:1".to_owned())).collect();
    store.queue(&spring(), &runs, now()).await?;
    store.close().await;

    let place = stage.place();
    let mut command = Command::new(std::env::current_exe()?);
    command.env(DATA, place.data()).stdin(Stdio::null()).stdout(Stdio::piped());
    if let Some(url) = stage.url() {
        command.env(URL, url);
    }
    let mut child = command.spawn()?;
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut acknowledged = Vec::new();
    for line in lines.by_ref().take(BEFORE) {
        acknowledged.push(line?);
    }
    // SIGKILL, in the middle of whatever it does.
    child.kill()?;
    child.wait()?;
    // What it said last may have been cut off; a whole line was acknowledged.
    acknowledged
        .extend(lines.map_while(Result::ok).filter(|line| line.ends_with(|c: char| c.is_ascii_digit())));
    ensure(acknowledged.len() >= BEFORE, || format!("{acknowledged:?}"))?;

    let store = stage.open().await?;
    let kept = store.evidence(&spring()).await?;
    for (line, attempt) in acknowledged.iter().zip(1..) {
        same(line, &key(attempt).to_string())?;
        same(kept.get(line), Some(&evidence(&key(attempt), 1)))?;
    }
    let measured = store.runs(&spring()).await?;
    let measured = measured.iter().filter(|run| matches!(run.progress, RunProgress::Measured { .. })).count();
    // One more may have been written whose acknowledgement was not read.
    ensure(kept.len() == measured && measured <= acknowledged.len() + 1, || format!("{measured}"))?;
    same(store.verify().await?.faults, vec![])?;
    stage.end(store).await
}

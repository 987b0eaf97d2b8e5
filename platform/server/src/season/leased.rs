//! A run in one worker's hands: under a lease that is renewed, and the operator's consent.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use challenges::engine::unmeasured;
use model::work::{Command, Report, Work};
use model::{Ended, Evidence, RunKey};
use tokio::sync::{mpsc, oneshot};

use super::conduct::ended;
use super::consent::Consent;
use super::held::{Held, WORKER_LEASE_MS};
use crate::halt;
use crate::progress::Line;
use crate::worker_process::WorkerProcess;

/// A worker that waits to be told to go.
pub(super) struct Waiting {
    pub(super) run: RunKey,
    pub(super) go: oneshot::Sender<()>,
}

/// Measures one run in a worker: says when it is ready (or will never be), waits, goes.
pub(super) async fn one(
    binary: PathBuf,
    work: Work,
    held: Held,
    consent: Consent,
    line: Line,
    prepared: mpsc::UnboundedSender<Waiting>,
) -> anyhow::Result<(Evidence, Held)> {
    let lost = unmeasured(&work, Ended::Interrupted);
    let run = work.run.clone();
    let worker = WorkerProcess::start(&binary, work).await?;
    let mut leased = Leased { worker, held, consent, stopped: false };
    let mut prepared = Some(prepared);
    let evidence = loop {
        match leased.report().await {
            Ok(Report::Ready) => {
                let (go, told) = oneshot::channel();
                if let Some(prepared) = prepared.take() {
                    let _ = prepared.send(Waiting { run: run.clone(), go });
                }
                line.phase("ready", 0, 0, 0);
                if let Err(error) = leased.go(told).await {
                    tracing::warn!("{run}: {error:#}");
                    break lost;
                }
            }
            Ok(Report::Progress { phase, done, answered, landed }) => {
                line.phase(&phase, done, answered, landed)
            }
            Ok(Report::HaltSuspected { head, after_ms }) => line.say(&halt::suspected(head, after_ms)),
            Ok(Report::Evidence(evidence)) => break *evidence,
            Ok(Report::Refused { why }) => bail!("{run}: {why}"),
            Err(error) => {
                tracing::warn!("{run}: {error:#}");
                break lost;
            }
        }
    };
    line.done(ended(evidence.ended));
    leased.worker.end().await;
    Ok((evidence, leased.held))
}

/// A worker, and what it works under. It hears of every renewal of its lease, and ends by itself when
/// it hears of none; it is told to stop when the operator's consent is gone.
struct Leased {
    worker: WorkerProcess,
    held: Held,
    consent: Consent,
    /// It was told to stop.
    stopped: bool,
}

impl Leased {
    /// The worker's next report.
    ///
    /// # Errors
    /// When the worker has ended, or the lease is lost.
    async fn report(&mut self) -> anyhow::Result<Report> {
        loop {
            tokio::select! {
                report = self.worker.report() => return report,
                kept = self.held.renewed() => self.pass_on(kept).await?,
                () = self.consent.withdrawn(), if !self.stopped => self.stop().await,
            }
        }
    }

    /// Lets the worker go once we are told to, unless the operator leaves before.
    ///
    /// # Errors
    /// When nobody will tell us, the worker has ended, or the lease is lost.
    async fn go(&mut self, mut told: oneshot::Receiver<()>) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                told = &mut told => {
                    told.context("the season was stopped")?;
                    return self.worker.tell(&Command::Go).await;
                }
                kept = self.held.renewed() => self.pass_on(kept).await?,
                () = self.consent.withdrawn(), if !self.stopped => {
                    self.stop().await;
                    return Ok(());
                }
            }
        }
    }

    /// Tells the worker that the consent is gone; it hands in what there is.
    async fn stop(&mut self) {
        self.stopped = true;
        // One that has ended meanwhile has handed in already.
        let _ = self.worker.tell(&Command::Stop { consent_withdrawn: true }).await;
    }

    async fn pass_on(&mut self, kept: Result<(), String>) -> anyhow::Result<()> {
        kept.map_err(|why| anyhow!("the lease is lost: {why}"))?;
        self.worker.tell(&Command::Renew { lease_ms: WORKER_LEASE_MS }).await
    }
}

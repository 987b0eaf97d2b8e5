//! A worker as a child process, spoken to over its standard streams.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use model::work::{Command, MAX_REPORT_BYTES, Report, Work};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command as Process};

/// How long a worker may take to end once told to: it promises two seconds.
const FAREWELL: Duration = Duration::from_secs(4);

/// A running worker. Dropping it kills it.
pub struct WorkerProcess {
    child: Child,
    commands: Option<ChildStdin>,
    reports: BufReader<ChildStdout>,
    /// What came of the next report so far.
    line: Vec<u8>,
}

impl WorkerProcess {
    /// Starts `touchstone work --stdio` of this binary: a process group of its own, so that Ctrl-C
    /// reaches it through us and not past us, and an empty environment, because it faces hostile nodes.
    ///
    /// # Errors
    /// When no process can be started.
    pub async fn start(binary: &Path, work: Work) -> anyhow::Result<Self> {
        let mut child = Process::new(binary)
            .args(["work", "--stdio"])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start a worker from {}", binary.display()))?;
        let commands = child.stdin.take();
        let reports = BufReader::new(child.stdout.take().context("a worker has a standard output")?);
        let mut worker = Self { child, commands, reports, line: Vec::new() };
        worker.tell(&Command::Prepare(Box::new(work))).await?;
        Ok(worker)
    }

    /// Sends a command.
    ///
    /// # Errors
    /// When the worker has ended.
    pub async fn tell(&mut self, command: &Command) -> anyhow::Result<()> {
        let commands = self.commands.as_mut().context("the worker was told to end")?;
        let mut line = model::digest::canonical_json(command);
        line.push(b'\n');
        commands.write_all(&line).await.context("the worker has ended")?;
        commands.flush().await.context("the worker has ended")
    }

    /// The next report. Nothing is lost when the wait for it is given up.
    ///
    /// # Errors
    /// When the worker ended without its last report, or said what is none.
    pub async fn report(&mut self) -> anyhow::Result<Report> {
        let rest = MAX_REPORT_BYTES.saturating_sub(self.line.len());
        let mut bounded = (&mut self.reports).take(rest as u64);
        bounded.read_until(b'\n', &mut self.line).await?;
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            bail!("the worker ended without evidence ({})", self.child.wait().await?);
        }
        serde_json::from_slice(&line).context("the worker said what is no report")
    }

    /// Closes the worker's input, which ends it, and waits for that.
    pub async fn end(mut self) {
        self.commands = None;
        if tokio::time::timeout(FAREWELL, self.child.wait()).await.is_err() {
            tracing::warn!("a worker did not end in time and is killed");
            let _ = self.child.kill().await;
        }
    }
}

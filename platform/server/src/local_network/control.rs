//! How other commands reach the process that holds a network: a socket in the network's folder, one JSON value a line
//! each way.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::fault::Order;

/// Longest line, bytes.
const LONGEST: u64 = 1 << 20;

/// What is to be done with a network that is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// How every node is.
    Status,
    /// Ask a node to end, and wait for it.
    Stop(usize),
    /// Start a node that has ended.
    Start(usize),
    /// Stop a node where it stands.
    Pause(usize),
    /// Let it go on.
    Resume(usize),
    /// End a node at once.
    Kill(usize),
    /// Make a node misbehave.
    Fault(usize, Order),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Done; in words.
    Done(String),
    /// How every node is.
    Nodes(Vec<NodeStatus>),
    /// Why not, with the remedy.
    Refused(String),
}

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its number, from 0.
    pub node: usize,
    /// Its name: `validator 0`, `other 5`.
    pub name: String,
    /// Its validator on the chain, where it is one.
    pub validator: Option<String>,
    /// Where it is measured: an address before which faults are put.
    pub rpc: String,
    /// Where it listens itself.
    pub behind: String,
    /// Process id of a running one.
    pub pid: Option<u32>,
    /// Its newest block; none when it does not answer, as while it is paused.
    pub head: Option<u64>,
    /// Faults in force.
    pub faults: Vec<String>,
}

/// Where the socket is.
fn place(directory: &Path) -> PathBuf {
    directory.join("control.sock")
}

/// The socket of a network that is up. Dropping it removes the file.
pub struct Desk {
    listener: UnixListener,
    place: PathBuf,
}

impl Desk {
    /// Opens the socket; one that a killed process has left is replaced.
    ///
    /// # Errors
    /// When another process holds the network, or the file cannot be made.
    pub async fn open(directory: &Path) -> anyhow::Result<Self> {
        let place = place(directory);
        if UnixStream::connect(&place).await.is_ok() {
            bail!("{} is up already: `touchstone localnet status --dir {0}`", directory.display());
        }
        // What cannot be removed cannot be bound either, which says why.
        let _ = std::fs::remove_file(&place);
        let listener = UnixListener::bind(&place).with_context(|| format!("make {}", place.display()))?;
        Ok(Self { listener, place })
    }

    /// Answers requests for ever, one after another.
    pub async fn serve(&self, mut answer: impl AsyncFnMut(Request) -> Answer) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else { continue };
            let mut lines = BufReader::new(stream).take(LONGEST);
            let mut line = String::new();
            if lines.read_line(&mut line).await.is_err() {
                continue;
            }
            let answer = match serde_json::from_str(&line) {
                Ok(request) => answer(request).await,
                Err(why) => Answer::Refused(format!("no request of this program: {why}")),
            };
            let mut line = model::digest::canonical_json(&answer);
            line.push(b'\n');
            // Whoever asked has left: nothing to be done.
            let _ = lines.into_inner().into_inner().write_all(&line).await;
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.place);
    }
}

/// Asks the process that holds the network in `directory`.
///
/// # Errors
/// When there is none.
pub async fn ask(directory: &Path, request: &Request) -> anyhow::Result<Answer> {
    let place = place(directory);
    let stream = UnixStream::connect(&place).await.with_context(|| {
        format!(
            "no network is up in {0}: start it with `touchstone localnet up --dir {0} --family ...`, or give --dir",
            directory.display()
        )
    })?;
    let mut stream = BufReader::new(stream);
    let mut line = model::digest::canonical_json(request);
    line.push(b'\n');
    stream.get_mut().write_all(&line).await?;
    let mut answer = String::new();
    stream.take(LONGEST).read_line(&mut answer).await?;
    serde_json::from_str(&answer).context("the network's process gave no answer: see what it printed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_network_is_asked_through_its_folder_by_one_process_only() {
        let directory = tempfile::tempdir().unwrap();
        let nobody = ask(directory.path(), &Request::Status).await.unwrap_err().to_string();
        assert!(nobody.contains("localnet up"), "{nobody}");
        let desk = Desk::open(directory.path()).await.unwrap();
        let server = desk.serve(async |request| Answer::Done(format!("{request:?}")));
        let asked = async {
            assert!(Desk::open(directory.path()).await.is_err());
            let done = ask(directory.path(), &Request::Kill(3)).await.unwrap();
            assert_eq!(done, Answer::Done("Kill(3)".into()));
            let stream = UnixStream::connect(place(directory.path())).await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.get_mut().write_all(b"{\"explode\":1}\n").await.unwrap();
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            assert!(line.contains("refused"), "{line}");
        };
        tokio::select! {
            () = server => {}
            () = asked => {}
        }
        drop(desk);
        assert!(!place(directory.path()).exists());
    }
}

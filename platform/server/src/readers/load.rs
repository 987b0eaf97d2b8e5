//! A client that asks one question again and again, and reads the answers without looking at them: what it
//! costs itself must not hide what the server costs.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Longest head of an answer, bytes.
const LONGEST_HEAD: usize = 8 << 10;

/// What is asked of whom.
#[derive(Debug, Clone)]
pub(super) struct Question {
    address: SocketAddr,
    bytes: Arc<[u8]>,
}

impl Question {
    /// A GET as a browser sends it.
    pub(super) fn new(address: SocketAddr, path: &str, gzip: bool) -> Self {
        let accept = if gzip { "gzip, deflate, br" } else { "identity" };
        let text = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept-encoding: {accept}\r\naccept: text/html\r\n\r\n"
        );
        Self { address, bytes: text.into_bytes().into() }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
}

/// An open connection.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 256 << 10] })
    }

    /// Asks, and reads the answer to its end; `keep` takes the body.
    async fn ask(&mut self, question: &Question, mut keep: impl FnMut(&[u8])) -> anyhow::Result<()> {
        self.stream.write_all(&question.bytes).await?;
        let (mut read, head) = (0, read_head(&mut self.stream, &mut self.buffer).await?);
        keep(&self.buffer[head.end..head.filled]);
        read += head.filled - head.end;
        while read < head.length {
            let more = self.stream.read(&mut self.buffer).await?;
            ensure!(more > 0, "the server hung up in its answer");
            keep(&self.buffer[..more]);
            read += more;
        }
        ensure!(read == head.length, "the server answered more than it said");
        Ok(())
    }
}

/// Where a head ends in the buffer, how far that is filled, and how long the body is.
struct Head {
    end: usize,
    filled: usize,
    length: usize,
}

async fn read_head(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<Head> {
    let mut filled = 0;
    loop {
        let more = stream.read(&mut buffer[filled..]).await?;
        ensure!(more > 0, "the server hung up");
        filled += more;
        let looked = &buffer[..filled.min(LONGEST_HEAD)];
        if let Some(at) = looked.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(Head { end: at + 4, filled, length: length(&looked[..at])? });
        }
        ensure!(filled < LONGEST_HEAD, "the head of the answer has no end");
    }
}

fn length(head: &[u8]) -> anyhow::Result<usize> {
    let text = std::str::from_utf8(head).context("the head is no text")?;
    if !text.starts_with("HTTP/1.1 200 ") {
        bail!("the server refused: {}", text.lines().next().unwrap_or_default());
    }
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, value) = found.next().context("the answer does not say how long it is")?;
    value.trim().parse().context("the answer's length is no number")
}

/// Asks once.
///
/// # Errors
/// When the server does not answer 200.
pub(super) async fn once(question: &Question) -> anyhow::Result<Answer> {
    let mut body = Vec::new();
    Line::open(question.address).await?.ask(question, |bytes| body.extend_from_slice(bytes)).await?;
    Ok(Answer { body })
}

/// Asks on so many connections, each as soon as it has its answer; requests per second.
///
/// # Errors
/// When the server does not answer 200.
pub(super) async fn as_fast_as_it_goes(
    question: &Question,
    connections: u32,
    length: Duration,
) -> anyhow::Result<u64> {
    let answered = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (question, answered) = (question.clone(), Arc::clone(&answered));
        tasks.spawn(async move {
            let mut line = Line::open(question.address).await?;
            while begun.elapsed() < length {
                line.ask(&question, |_| {}).await?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let micros = u64::try_from(begun.elapsed().as_micros())?.max(1);
    Ok(answered.load(Ordering::Relaxed) * 1_000_000 / micros)
}

/// Asks at a fixed rate. Each request has its instant; what it waits for a free connection is part of its time.
///
/// # Errors
/// When the server does not answer 200.
pub(super) async fn at_rate(
    question: &Question,
    rate: u32,
    connections: u32,
    length: Duration,
) -> anyhow::Result<Waited> {
    let count = u64::from(rate) * length.as_millis() as u64 / 1_000;
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now() + Duration::from_millis(100);
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (question, next) = (question.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut line = Line::open(question.address).await?;
            let mut waited = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok(waited);
                }
                let meant = begun + Duration::from_micros(number * 1_000_000 / u64::from(rate));
                sleep_until(meant).await;
                line.ask(&question, |_| {}).await?;
                waited.push(meant.elapsed());
            }
        });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.extend(done??);
    }
    all.sort_unstable();
    Ok(Waited(all))
}

/// How long answers took, shortest first.
#[derive(Debug)]
pub(super) struct Waited(Vec<Duration>);

impl Waited {
    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time within which `per_mille` of the answers came.
    fn within(&self, per_mille: usize) -> Duration {
        let place = (self.0.len() * per_mille).div_ceil(1_000);
        self.0.get(place.saturating_sub(1)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| format!("{}.{:01} ms", time.as_millis(), time.as_micros() % 1_000 / 100);
        let [p50, p99, most] = [500, 990, 1_000].map(|per_mille| ms(self.within(per_mille)));
        write!(f, "{p50:>9} {p99:>9} {most:>10}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_answers_came_within_a_time() {
        let waited = Waited((1..=200).map(Duration::from_millis).collect());
        assert_eq!(waited.within(500), Duration::from_millis(100));
        assert_eq!(waited.within(990), Duration::from_millis(198));
        assert_eq!(waited.within(1_000), Duration::from_millis(200));
    }

    #[test]
    fn only_whole_and_good_answers_count() {
        assert_eq!(length(b"HTTP/1.1 200 OK\r\nContent-Length: 17").unwrap(), 17);
        assert!(length(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 17").is_err());
        assert!(length(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked").is_err());
    }
}

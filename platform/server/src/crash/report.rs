//! What came of it, as a table.

use std::fmt;
use std::time::Duration;

use super::check::Runs;
use super::scene::{CEILING, Seen};
use super::servers::READY;

/// What came of the kills.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What the kills were drawn from.
    pub seed: u64,
    /// Servers killed.
    pub servers: u32,
    /// Workers killed.
    pub workers: u32,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that got no answer: found done, and found not done.
    pub unanswered: (u64, u64),
    /// Acknowledged writes that are not there.
    pub lost: Vec<String>,
    /// Writes, rows or files of which a part is there.
    pub torn: Vec<String>,
    /// What else is not as it has to be.
    pub wrong: Vec<String>,
    /// Runs of the seasons that ended.
    pub runs: Runs,
    /// Seasons that began, and those whose bundle was worked out again.
    pub seasons: (u32, u32),
    /// From the start of a server until it was ready.
    pub restarts: Vec<Duration>,
    /// The longest that a worker outlived its server.
    pub farewell: Duration,
    /// What the candidates' nodes saw.
    pub seen: Seen,
    /// From the first start to the last look.
    pub took: Duration,
}

impl Report {
    /// Whether everything held.
    pub fn holds(&self) -> bool {
        let (begun, verified) = self.seasons;
        self.lost.is_empty() && self.torn.is_empty() && self.wrong.is_empty() && begun == verified
    }

    /// The middle one of the restarts, and the longest.
    pub fn restart(&self) -> (Duration, Duration) {
        let mut sorted = self.restarts.clone();
        sorted.sort();
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        (middle, sorted.last().copied().unwrap_or_default())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (middle, longest) = self.restart();
        let (done, not_done) = self.unanswered;
        let (begun, verified) = self.seasons;
        let Runs { counted, void, given_up } = self.runs;
        let Seen { requests, busiest_second, most_networks } = self.seen;
        let mut row = |name: &str, value: String| writeln!(f, "  {name:<34} {value}");
        row("seed", self.seed.to_string())?;
        row("kills", format!("{} of servers, {} of workers", self.servers, self.workers))?;
        row("acknowledged writes", self.acknowledged.to_string())?;
        row("  lost", self.lost.len().to_string())?;
        row("unanswered writes", format!("{done} done, {not_done} not done"))?;
        row("torn", self.torn.len().to_string())?;
        row("runs", format!("{counted} measured, {void} void, {given_up} slots given up"))?;
        row("seasons", format!("{begun} begun, {verified} ended and verified"))?;
        row("server ready again (p50, max)", format!("{middle:.2?}, {longest:.2?} (at most {READY:?})"))?;
        row("worker after its server (max)", format!("{:.2?}", self.farewell))?;
        row(
            "at the nodes",
            format!(
                "{requests} requests, {busiest_second} in the busiest second (ceiling {CEILING}), from \
                 {most_networks} networks at a time (a worker has 2)"
            ),
        )?;
        row("time", format!("{:.0?}", self.took))?;
        row("other faults", self.wrong.len().to_string())?;
        for (kind, faults) in [("lost", &self.lost), ("torn", &self.torn), ("fault", &self.wrong)] {
            for fault in faults {
                writeln!(f, "{kind}: {fault}")?;
            }
        }
        Ok(())
    }
}

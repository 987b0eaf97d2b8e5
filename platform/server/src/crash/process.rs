//! Processes as `/proc` tells about them.

use std::fs;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// A process; its start tells it from a later one of the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    parent: u32,
    is_dead: bool,
    started: String,
}

impl Process {
    fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets, and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let is_dead = matches!(*fields.first()?, "Z" | "X");
        let parent = fields.get(1)?.parse().ok()?;
        Some(Self { pid, parent, is_dead, started: (*fields.get(19)?).to_owned() })
    }

    /// The living children of a process.
    pub(super) fn children_of(parent: u32) -> Vec<Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten();
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut found: Vec<Self> =
            pids.filter_map(Self::of).filter(|one| one.parent == parent && !one.is_dead).collect();
        found.sort_by_key(|one| one.pid);
        found
    }

    /// Whether it is still there, whoever its parent is by now.
    pub(super) fn lives(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.started == self.started && !now.is_dead)
    }

    /// Kills a child of `parent`, if it still is one; whether it was.
    pub(super) fn strike(&self, parent: u32) -> anyhow::Result<bool> {
        let now = Self::of(self.pid);
        if !now.is_some_and(|now| now.started == self.started && now.parent == parent && !now.is_dead) {
            return Ok(false);
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).context("a process id")?;
        Ok(kill_process(pid, Signal::KILL).is_ok())
    }
}

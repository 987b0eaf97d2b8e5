//! Live progress: a line a run on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedSender;

/// A run has come to a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Name of the run.
    pub run: String,
    /// Phase, or what is being prepared.
    pub phase: String,
}

/// Where progress is shown: standard error, so that results can be piped.
pub struct Progress {
    bars: MultiProgress,
    plain: bool,
    events: Option<UnboundedSender<Event>>,
}

/// The line of one run.
pub struct Line {
    bar: ProgressBar,
    name: String,
    plain: bool,
    events: Option<UnboundedSender<Event>>,
}

impl Progress {
    /// Shows progress if `wanted`.
    pub fn new(wanted: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bars = MultiProgress::new();
        if !wanted || !terminal {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { bars, plain: wanted && !terminal, events: None }
    }

    /// Tells `events` too what happens.
    #[must_use]
    pub fn told_to(mut self, events: UnboundedSender<Event>) -> Self {
        self.events = Some(events);
        self
    }

    /// Says something that stays.
    pub fn say(&self, text: &str) {
        if self.plain {
            eprintln!("{text}");
        } else {
            // A hidden or closed terminal shows nothing; that is no failure of the run.
            let _ = self.bars.println(text);
        }
    }

    /// The line of a run.
    pub fn run(&self, name: &str) -> Line {
        let style = ProgressStyle::with_template("  {spinner} {prefix:<34} {msg}");
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Line { bar, name: name.to_owned(), plain: self.plain, events: self.events.clone() }
    }
}

impl Line {
    /// The run is in this phase.
    pub fn phase(&self, phase: &str, done: u32, answered: u64, landed: u64) {
        if let Some(events) = &self.events {
            // Nobody listening any more is no reason to stop.
            let _ = events.send(Event { run: self.name.clone(), phase: phase.to_owned() });
        }
        self.bar.set_message(format!("{phase} (phase {}, {answered} answered, {landed} landed)", done + 1));
    }

    /// The run has ended.
    pub fn done(&self, how: &str) {
        self.bar.finish_and_clear();
        if self.plain {
            eprintln!("  {} {how}", self.name);
        }
    }
}

//! Live progress: a line a run on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedSender;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run has come to a phase.
    Phase {
        /// Name of the run.
        run: String,
        /// Phase, or what is being prepared.
        phase: String,
    },
    /// A run has ended.
    Ended {
        /// Name of the run.
        run: String,
        /// How, in words.
        how: String,
    },
    /// Something about the season as a whole.
    Said(String),
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
        tell(self.events.as_ref(), || Event::Said(text.to_owned()));
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
        tell(self.events.as_ref(), || Event::Phase { run: self.name.clone(), phase: phase.to_owned() });
        self.bar.set_message(format!("{phase} (phase {}, {answered} answered, {landed} landed)", done + 1));
    }

    /// What is being done, in somebody else's words.
    pub fn doing(&self, what: &str) {
        let what: String = what.chars().filter(|c| !c.is_control()).take(100).collect();
        if self.plain {
            eprintln!("  {}: {what}", self.name);
        } else {
            self.bar.set_message(what);
        }
    }

    /// Says something about the run that stays.
    pub fn say(&self, text: &str) {
        let text = format!("  {}: {text}", self.name);
        if self.plain {
            eprintln!("{text}");
        } else {
            self.bar.println(&text);
        }
        tell(self.events.as_ref(), || Event::Said(text));
    }

    /// The run has ended.
    pub fn done(&self, how: &str) {
        tell(self.events.as_ref(), || Event::Ended { run: self.name.clone(), how: how.to_owned() });
        self.bar.finish_and_clear();
        if self.plain {
            eprintln!("  {} {how}", self.name);
        }
    }
}

fn tell(events: Option<&UnboundedSender<Event>>, event: impl FnOnce() -> Event) {
    // Nobody listening any more is no reason to stop.
    let _ = events.map(|events| events.send(event()));
}

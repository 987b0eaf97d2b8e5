//! Intended instants, kept by a thread of its own.
//!
//! The runtime's timers are a millisecond coarse, and a busy runtime is late when it matters most;
//! a thread that sleeps to the next instant is ten times better at the median.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One request of a phase: when it is intended (microseconds since the phase began), and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) at_us: u64,
    /// Decides between requests of the same instant.
    pub(super) order: u64,
    pub(super) lane: usize,
    pub(super) index: usize,
}

/// Longest sleep at a stretch: a closed channel ends the thread within this.
const NAP: Duration = Duration::from_millis(100);

/// Hands out `slots`, which must be rising, each at `origin` plus its instant.
pub(super) fn start(origin: Instant, slots: Vec<Slot>) -> (UnboundedReceiver<Slot>, JoinHandle<()>) {
    let (sender, receiver) = unbounded_channel();
    let thread =
        std::thread::Builder::new().name("pacer".into()).spawn(move || pace(origin, &slots, &sender));
    (receiver, thread.expect("a thread can be started"))
}

fn pace(origin: Instant, slots: &[Slot], sender: &UnboundedSender<Slot>) {
    for slot in slots {
        let due = origin + Duration::from_micros(slot.at_us);
        while let Some(rest) = due.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
            if sender.is_closed() {
                return;
            }
            std::thread::sleep(rest.min(NAP));
        }
        if sender.send(*slot).is_err() {
            return;
        }
    }
}

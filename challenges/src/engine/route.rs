//! From which of our addresses, and to which node, a lane's requests go.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::plan::{LaneKind, Via};
use model::{Class, Draw, Seed};

use super::ceiling::Ceiling;
use crate::driver::{Answer, Driver, SignedTransaction};
use crate::http::{LOAD_BODY, Target};

/// An answer later than this is none.
pub(super) const DEADLINE: Duration = Duration::from_secs(3);
/// Source addresses of each kind of lane.
const SOURCES: u64 = 4;

/// A node that load may go to.
pub(super) struct Node {
    pub(super) address: SocketAddr,
    pub(super) client: String,
}

/// Connections of one node.
struct Ways {
    client: String,
    honest: Vec<Target>,
    hostile: Vec<Target>,
    ceiling: Arc<Ceiling>,
}

/// Where each lane goes.
pub(super) struct Routes {
    driver: &'static dyn Driver,
    candidate: Ways,
    control: Ways,
    distant: Ways,
    overall: Ceiling,
}

/// What came of one request: when it left, when its answer was there, and its class.
pub(super) struct Outcome {
    pub(super) sent: Instant,
    pub(super) done: Instant,
    pub(super) answer: Answer,
}

impl Routes {
    /// Routes to the candidate, a control and the distant control, each under `ceiling` requests
    /// per second, all together under twice that.
    ///
    /// Honest lanes never share a source address with hostile ones; which of our two ranges is
    /// which, the seed draws.
    pub(super) fn new(
        driver: &'static dyn Driver,
        seed: &Seed,
        [candidate, control, distant]: [&Node; 3],
        ceiling: u32,
    ) -> Self {
        let mut draw = Draw::new(seed, "sources");
        let first = draw.below(100) + 1;
        let second = first + 100;
        let (honest, hostile) = if draw.below(2) == 0 { (first, second) } else { (second, first) };
        let others = Arc::new(Ceiling::new(ceiling));
        let ways = |node: &Node, ceiling: Arc<Ceiling>| Ways {
            client: node.client.clone(),
            honest: sources(honest).map(|source| Target::new(node.address, Some(source))).collect(),
            hostile: sources(hostile).map(|source| Target::new(node.address, Some(source))).collect(),
            ceiling,
        };
        Self {
            driver,
            candidate: ways(candidate, Arc::new(Ceiling::new(ceiling))),
            control: ways(control, Arc::clone(&others)),
            distant: ways(distant, others),
            overall: Ceiling::new(ceiling.saturating_mul(2)),
        }
    }

    fn ways(&self, via: Via) -> &Ways {
        match via {
            Via::Candidate => &self.candidate,
            Via::Control => &self.control,
            Via::Distant => &self.distant,
        }
    }

    /// Whether the ceilings let one more request through now.
    pub(super) fn admits(&self, via: Via) -> bool {
        self.overall.admits() && self.ways(via).ceiling.admits()
    }

    /// Sends one transaction and waits for what comes of it.
    pub(super) async fn send(
        &self,
        kind: LaneKind,
        via: Via,
        index: usize,
        sent: &SignedTransaction,
    ) -> Outcome {
        let ways = self.ways(via);
        let targets = if kind == LaneKind::Honest { &ways.honest } else { &ways.hostile };
        let target = &targets[index % targets.len()];
        let start = Instant::now();
        let reply = target.post(&sent.request, LOAD_BODY, DEADLINE).await;
        let done = Instant::now();
        let answer = match reply {
            Ok(reply) => self.driver.classify(&ways.client, sent, &reply),
            Err(class) => Answer { class, unknown: None },
        };
        Outcome { sent: start, done, answer }
    }
}

fn sources(range: u64) -> impl Iterator<Item = IpAddr> {
    (1..=SOURCES).map(move |i| IpAddr::V4(Ipv4Addr::new(127, 77, range as u8, i as u8)))
}

/// Whether the node itself said anything at all: enough to show that it lives.
pub(super) fn is_sign_of_life(class: Class) -> bool {
    class.is_answer()
        || matches!(class, Class::Throttled | Class::ProtocolError)
        || class == Class::Unavailable(model::Unavailable::ServerError)
}

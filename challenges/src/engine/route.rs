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
    /// Its validator, where the season names one.
    pub(super) validator: Option<String>,
}

/// The nodes of a run: the candidate first, then the controls.
pub(super) struct Roads<'a> {
    pub(super) candidate: &'a Node,
    pub(super) controls: &'a [Node],
}

/// Which of the run's nodes a request goes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Road(usize);

/// Connections of one node.
struct Ways {
    validator: Option<String>,
    client: String,
    honest: Vec<Target>,
    hostile: Vec<Target>,
    ceiling: Arc<Ceiling>,
}

/// Where each lane goes.
pub(super) struct Routes {
    driver: &'static dyn Driver,
    /// The candidate, then the controls; the candidate once more where there is none.
    nodes: Vec<Ways>,
    overall: Ceiling,
}

/// What came of one request: when it left, when its answer was there, and its class.
pub(super) struct Outcome {
    pub(super) sent: Instant,
    pub(super) done: Instant,
    pub(super) answer: Answer,
}

impl Routes {
    /// Routes to the candidate and to the controls, under `ceiling` requests per second to the candidate and to all
    /// controls, all together under twice that.
    ///
    /// Honest lanes never share a source address with hostile ones; which of our two ranges is
    /// which, the seed draws.
    pub(super) fn new(
        driver: &'static dyn Driver,
        seed: &Seed,
        Roads { candidate, controls }: Roads<'_>,
        ceiling: u32,
    ) -> Self {
        let mut draw = Draw::new(seed, "sources");
        let first = draw.below(100) + 1;
        let second = first + 100;
        let (honest, hostile) = if draw.below(2) == 0 { (first, second) } else { (second, first) };
        let others = Arc::new(Ceiling::new(ceiling));
        let ways = |node: &Node, ceiling: Arc<Ceiling>| Ways {
            validator: node.validator.clone(),
            client: node.client.clone(),
            honest: sources(honest).map(|source| Target::new(node.address, Some(source))).collect(),
            hostile: sources(hostile).map(|source| Target::new(node.address, Some(source))).collect(),
            ceiling,
        };
        let first = ways(candidate, Arc::new(Ceiling::new(ceiling)));
        let stand_in = if controls.is_empty() { Some(candidate) } else { None };
        let rest = controls.iter().chain(stand_in).map(|control| ways(control, Arc::clone(&others)));
        let nodes = std::iter::once(first).chain(rest).collect();
        Self { driver, nodes, overall: Ceiling::new(ceiling.saturating_mul(2)) }
    }

    /// The first control is that of the pairs, and the last the distant one. `next` tells who has the next turn.
    pub(super) fn road(&self, via: Via, next: impl FnOnce() -> Option<String>) -> Road {
        let last = self.nodes.len() - 1;
        match via {
            Via::Candidate => Road(0),
            Via::Control => Road(1),
            Via::Distant => Road(last),
            Via::Next => Road(next().and_then(|who| self.node_of(&who)).unwrap_or(last)),
        }
    }

    fn node_of(&self, validator: &str) -> Option<usize> {
        let is = |ways: &Ways| ways.validator.as_deref().is_some_and(|me| me.eq_ignore_ascii_case(validator));
        self.nodes.iter().position(is)
    }

    /// Whether the ceilings let one more request through now.
    pub(super) fn admits(&self, road: Road) -> bool {
        self.overall.admits() && self.nodes[road.0].ceiling.admits()
    }

    /// Sends one transaction and waits for what comes of it.
    pub(super) async fn send(
        &self,
        kind: LaneKind,
        road: Road,
        index: usize,
        sent: &SignedTransaction,
    ) -> Outcome {
        let ways = &self.nodes[road.0];
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

#[cfg(test)]
mod tests {
    use super::*;

    fn node(port: u16, validator: &str) -> Node {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Node { address, client: String::new(), validator: Some(validator.to_owned()) }
    }

    fn roads(controls: &[Node], next: Option<&str>) -> [usize; 4] {
        let driver = crate::driver::of_family("kaia").expect("a family");
        let nodes = Roads { candidate: &node(1, "0xA"), controls };
        let routes = Routes::new(driver, &Seed::from_number(1), nodes, 100);
        [Via::Candidate, Via::Control, Via::Distant, Via::Next]
            .map(|via| routes.road(via, || next.map(str::to_owned)).0)
    }

    #[test]
    fn the_next_turn_is_sought_among_the_runs_nodes() {
        let controls = [node(2, "0xb"), node(3, "0xc"), node(4, "0xd")];
        assert_eq!(roads(&controls, Some("0xC")), [0, 1, 3, 2]);
        assert_eq!(roads(&controls, Some("0xa")), [0, 1, 3, 0], "the candidate's own");
        assert_eq!(roads(&controls, Some("0xe")), [0, 1, 3, 3], "a stranger's");
        assert_eq!(roads(&controls, None), [0, 1, 3, 3]);
        assert_eq!(roads(&[], None), [0, 1, 1, 1], "the candidate stands in");
    }
}

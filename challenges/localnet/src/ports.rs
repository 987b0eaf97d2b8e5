//! Which ports the nodes of a network listen on.

use std::net::TcpListener;
use std::ops::Range;

use anyhow::{Context as _, anyhow, bail};

/// Ports of one node beside the next one's.
const STRIDE: usize = 10;
/// What a node's ports are for, in the order in which they are given out.
const USES: [&str; 4] =
    ["where it is measured", "its RPC", "its peers", "its second peer channel or engine API"];
/// How often a network is launched anew on other ports after one was taken.
const ATTEMPTS: usize = 4;

/// Which ports the nodes of a network listen on, all of 127.0.0.1.
///
/// From port P on, node `i` has P + 10 i for what is put before it (see [`crate::Proxy::before`]), P + 10 i + 1 for its own RPC,
/// P + 10 i + 2 for its peers, and P + 10 i + 3 for Kaia's second peer channel or geth's engine API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ports {
    /// Whichever are free.
    #[default]
    Free,
    /// From this one on.
    From(u16),
}

impl Ports {
    /// Listens on the port of what is put before node `index`.
    ///
    /// # Errors
    /// When it is taken, or there is none so high; in words.
    pub(crate) fn ingress(self, index: usize) -> anyhow::Result<TcpListener> {
        self.listen(index, 0)
    }

    /// `COUNT` ports for each of these nodes, all free a moment ago.
    ///
    /// # Errors
    /// When one of a given base is taken, or there is none so high; in words.
    pub(crate) fn of<const COUNT: usize>(self, nodes: Range<usize>) -> anyhow::Result<Vec<[u16; COUNT]>> {
        // Held until all are there, so that no free one is found twice.
        let mut held = Vec::with_capacity(COUNT * nodes.len());
        let mut all = vec![[0; COUNT]; nodes.len()];
        for (index, ports) in nodes.zip(&mut all) {
            for (place, port) in ports.iter_mut().enumerate() {
                let listener = self.listen(index, place + 1)?;
                *port = listener.local_addr()?.port();
                held.push(listener);
            }
        }
        Ok(all)
    }

    /// Listens on one port of a node, which shows that nobody else does.
    fn listen(self, index: usize, place: usize) -> anyhow::Result<TcpListener> {
        let Self::From(base) = self else {
            return TcpListener::bind(("127.0.0.1", 0)).context("look for a free port");
        };
        let port = usize::from(base) + STRIDE * index + place;
        let Ok(port) = u16::try_from(port) else {
            bail!(
                "node {index} would need port {port}, and 65535 is the last: give a lower base port than {base}"
            );
        };
        TcpListener::bind(("127.0.0.1", port)).map_err(|why| {
            let uses = USES.get(place).copied().unwrap_or("its own use");
            anyhow!(
                "port {port} cannot be had for node {index} ({uses}): {why}; end what listens there \
                 (`ss -ltnp 'sport = :{port}'` names it), or give another base port than {base}"
            )
        })
    }

    /// Whether other ports may be tried after launch number `attempt` failed for this reason.
    pub(crate) fn allow_another(self, attempt: usize, why: &anyhow::Error) -> bool {
        let taken = || format!("{why:#}").to_lowercase().contains("address already in use");
        self == Self::Free && attempt < ATTEMPTS && taken()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let ports = Ports::Free.of::<5>(0..4).unwrap();
        let distinct: std::collections::BTreeSet<_> = ports.iter().flatten().collect();
        assert_eq!(distinct.len(), 20);
    }

    #[test]
    fn ports_from_a_base_go_by_node_and_a_taken_one_is_told() {
        // A hundred ports in a row, most likely free; one that is not is what the second half looks for.
        let base =
            (20_000..60_000).step_by(97).find(|base| Ports::From(*base).of::<3>(0..3).is_ok()).unwrap();
        let all = Ports::From(base).of::<3>(0..3).unwrap();
        assert_eq!(all[2], [base + 21, base + 22, base + 23]);
        let held = TcpListener::bind(("127.0.0.1", base + 12)).unwrap();
        let error = Ports::From(base).of::<3>(0..3).unwrap_err().to_string();
        let named = format!("port {} cannot be had for node 1 (its peers)", base + 12);
        assert!(error.contains(&named) && error.contains("another base port"), "{error}");
        drop(held);
        let error = Ports::From(65_530).of::<1>(0..2).unwrap_err().to_string();
        assert!(error.contains("65535 is the last"), "{error}");
    }

    #[test]
    fn only_free_ports_are_tried_again() {
        let taken = anyhow::anyhow!("listen tcp: bind: address already in use");
        assert!(Ports::Free.allow_another(1, &taken));
        assert!(!Ports::Free.allow_another(ATTEMPTS, &taken));
        assert!(!Ports::From(20_000).allow_another(1, &taken));
        assert!(!Ports::Free.allow_another(1, &anyhow::anyhow!("no such flag")));
    }
}

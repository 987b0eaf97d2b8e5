//! What an ingress has seen come in: how much in any second, and from how many networks at a time.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use serde_json::{Value, json};

/// Width of the second that slides, microseconds.
const SECOND: u64 = 1_000_000;
/// Transactions so close to each other come in at a time, microseconds.
const AT_A_TIME: u64 = 100_000;

/// The heaviest load so far. Pure: the time of each arrival is an argument.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// When the requests of the last second came, microseconds, oldest first.
    second: VecDeque<u64>,
    /// When the transactions of the last 100 ms came, and from where.
    together: VecDeque<(u64, Network)>,
    /// How many of those came from each network.
    networks: BTreeMap<Network, u32>,
    requests: u64,
    busiest_second: usize,
    most_networks: usize,
}

/// The first three bytes of an IPv4 address.
type Network = [u8; 3];

impl Load {
    /// A request arrives at `now` (microseconds, never before the last one), from this address if it is a
    /// transaction.
    pub fn arrive(&mut self, now: u64, transaction_of: Option<IpAddr>) {
        self.second.push_back(now);
        while self.second.front().is_some_and(|then| now - then >= SECOND) {
            self.second.pop_front();
        }
        self.requests += 1;
        self.busiest_second = self.busiest_second.max(self.second.len());
        while let Some((_, network)) = self.together.pop_front_if(|(then, _)| now - *then >= AT_A_TIME) {
            self.forget(network);
        }
        if let Some(network) = transaction_of.map(network) {
            self.together.push_back((now, network));
            *self.networks.entry(network).or_default() += 1;
            self.most_networks = self.most_networks.max(self.networks.len());
        }
    }

    fn forget(&mut self, network: Network) {
        if let Entry::Occupied(mut count) = self.networks.entry(network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// As `lab_load` answers.
    #[must_use]
    pub fn report(&self) -> Value {
        let Self { requests, busiest_second, most_networks, .. } = self;
        json!({ "requests": requests, "busiestSecond": busiest_second, "mostNetworks": most_networks })
    }
}

/// The /24 of an IPv4 address. All of IPv6's loopback is one.
fn network(address: IpAddr) -> Network {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            [a, b, c]
        }
        IpAddr::V6(_) => [0; 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(arrivals: &[(u64, Option<&str>)]) -> [u64; 3] {
        let mut load = Load::default();
        for (ms, source) in arrivals {
            load.arrive(ms * 1_000, source.map(|source| source.parse().unwrap()));
        }
        let report = load.report();
        ["requests", "busiestSecond", "mostNetworks"].map(|name| report[name].as_u64().unwrap())
    }

    #[test]
    fn a_second_slides() {
        let arrivals: Vec<_> = [0, 400, 999, 1_000, 1_399, 1_400, 9_000].map(|ms| (ms, None)).to_vec();
        assert_eq!(load(&arrivals), [7, 4, 0]);
        assert_eq!(load(&[]), [0, 0, 0]);
    }

    #[test]
    fn networks_of_transactions_are_counted_while_they_come_together() {
        let one = [(0, Some("127.77.3.1")), (50, Some("127.77.3.4")), (60, Some("127.77.103.1")), (70, None)];
        assert_eq!(load(&one), [4, 4, 2], "one engine sends from two");
        let later = [one.as_slice(), &[(200, Some("127.77.9.1")), (210, Some("127.77.109.1"))]].concat();
        assert_eq!(load(&later), [6, 6, 2], "another one after it");
        let beside = [one.as_slice(), &[(99, Some("127.77.9.1"))]].concat();
        assert_eq!(load(&beside), [5, 5, 3], "another one beside it");
    }
}

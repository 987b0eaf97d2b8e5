//! How many connections there may be, in all and from one client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

use super::client::{TrustedProxies, block};
use super::metrics;

/// Counts open connections.
#[derive(Debug)]
pub(super) struct Admission {
    most: usize,
    most_each: usize,
    /// They bring everybody's connections, so only the total bounds theirs.
    proxies: TrustedProxies,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    each: HashMap<IpNet, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// There are as many as there may be.
    Total,
    /// This client has as many as it may.
    Client,
}

/// The place of one connection, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    client: IpNet,
}

impl Admission {
    pub(super) fn new(most: usize, most_each: usize, proxies: TrustedProxies) -> Self {
        Self { most, most_each, proxies, open: Mutex::default() }
    }

    /// A place for a connection from `peer`.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let client = block(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.most {
            return Err(Full::Total);
        }
        let own = open.each.get(&client).copied().unwrap_or_default();
        if own >= self.most_each && !self.proxies.contains(peer) {
            return Err(Full::Client);
        }
        open.all += 1;
        open.each.insert(client, own + 1);
        metrics::connections(1.0);
        Ok(Place { admission: Arc::clone(self), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        if let Some(own) = open.each.get_mut(&self.client) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                open.each.remove(&self.client);
            }
        }
        metrics::connections(-1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(admission: &Arc<Admission>, peer: &str) -> Result<Place, Full> {
        admission.enter(peer.parse().expect("an address"))
    }

    #[test]
    fn a_place_is_given_back() {
        let admission = Arc::new(Admission::new(3, 2, TrustedProxies::default()));
        let first = enter(&admission, "192.0.2.1");
        let _second = enter(&admission, "::ffff:192.0.2.1").expect("two of one client");
        assert_eq!(enter(&admission, "192.0.2.1").expect_err("a third"), Full::Client);
        let _other = enter(&admission, "192.0.2.2").expect("another client");
        assert_eq!(enter(&admission, "192.0.2.3").expect_err("a fourth in all"), Full::Total);
        drop(first);
        let _again = enter(&admission, "192.0.2.1").expect("a place was given back");
    }

    #[test]
    fn one_ipv6_subscriber_is_one_client_and_proxies_are_many() {
        let proxies = TrustedProxies::parse(["10.0.0.1"]).expect("an address");
        let admission = Arc::new(Admission::new(10, 1, proxies));
        let _one = enter(&admission, "2001:db8::1").expect("a place");
        assert_eq!(enter(&admission, "2001:db8::2").expect_err("the same /64"), Full::Client);
        let places: Vec<_> = (0..9).map(|_| enter(&admission, "10.0.0.1").expect("a proxy's")).collect();
        assert_eq!(enter(&admission, "10.0.0.1").expect_err("a tenth"), Full::Total);
        drop(places);
        assert_eq!(admission.open.lock().expect("unpoisoned").each.len(), 1);
    }
}

//! How often one client, and one account, may ask.
//!
//! GCRA by the `governor` crate: a bucket of `burst` requests that fills by `count` in `seconds`. In the worst
//! second right after a pause a client gets burst + rate.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::client::truncated;
use super::metrics;
use super::problem::Problem;

/// Buckets of one class before addresses are put together into larger blocks, so that memory stays bounded
/// whoever asks; about 10 MB a class.
const MOST_KEYS: usize = 100_000;

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Looks at something.
    Read,
    /// Changes something.
    Write,
    /// Tries to sign in.
    SignIn,
    /// Makes an account.
    Register,
}

impl Class {
    /// Its name in headers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::SignIn => "sign-in",
            Self::Register => "register",
        }
    }
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// So many requests ..
    pub count: NonZeroU32,
    /// .. in so many seconds, in the long run.
    pub seconds: NonZeroU32,
    /// So many at once after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    const fn new(count: u32, seconds: u32, burst: u32) -> Self {
        let [Some(count), Some(seconds), Some(burst)] =
            [NonZeroU32::new(count), NonZeroU32::new(seconds), NonZeroU32::new(burst)]
        else {
            panic!("a rate of nothing")
        };
        Self { count, seconds, burst }
    }

    fn quota(self) -> Quota {
        let each = (Duration::from_secs(u64::from(self.seconds.get())) / self.count.get())
            .max(Duration::from_nanos(1));
        Quota::with_period(each).unwrap_or(Quota::per_second(self.count)).allow_burst(self.burst)
    }
}

/// How often, for each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Of [`Class::Read`].
    pub read: Rate,
    /// Of [`Class::Write`].
    pub write: Rate,
    /// Of [`Class::SignIn`].
    pub sign_in: Rate,
    /// Of [`Class::Register`].
    pub register: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            read: Rate::new(20, 1, 40),
            write: Rate::new(5, 1, 10),
            // To sign in takes three requests; a second try must not lock anybody out.
            sign_in: Rate::new(10, 60, 10),
            register: Rate::new(3, 3600, 3),
        }
    }
}

/// Whose bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// That of an address, as [`super::block`] counts it.
    Address(IpNet),
    /// That of an account.
    Account(Box<str>),
}

impl Key {
    /// Larger blocks for when there are too many: an IPv4 /16, an IPv6 /32. Accounts are as many as they are.
    fn coarse(&self) -> Self {
        match self {
            Self::Address(block) => Self::Address(truncated(block.addr(), 16, 32)),
            Self::Account(_) => self.clone(),
        }
    }
}

/// What a client has left of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    class: Class,
    rate: Rate,
    /// Requests that it may still send at once.
    pub remaining: u32,
    /// Seconds until it has all of them again, or, when refused, until the next one; at least 1.
    pub seconds: u32,
}

impl Standing {
    /// 429 with `Retry-After` and the rate limit headers, of one that was refused.
    pub fn refusal(&self) -> Problem {
        let problem = Problem::too_many_requests(self.seconds);
        self.headers().into_iter().fold(problem, |problem, (name, value)| problem.header(name, value))
    }

    /// `RateLimit-Policy` and `RateLimit` as in draft-ietf-httpapi-ratelimit-headers-11: the whole bucket and
    /// the time in which it fills, and what is left of it.
    pub fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let value = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        let name = self.class.name();
        let fills = seconds(self.rate.quota().burst_size_replenished_in());
        let policy = format!("\"{name}\";q={};w={fills}", self.rate.burst);
        let limit = format!("\"{name}\";r={};t={}", self.remaining, self.seconds);
        [
            (HeaderName::from_static("ratelimit-policy"), value(policy)),
            (HeaderName::from_static("ratelimit"), value(limit)),
        ]
    }
}

/// Whole seconds, rounded up; never 0, which would be an invitation to come back at once.
fn seconds(time: Duration) -> u32 {
    let whole = time.as_nanos().div_ceil(1_000_000_000).max(1);
    u32::try_from(whole).unwrap_or(u32::MAX)
}

type Buckets<C> = RateLimiter<Key, HashMapStateStore<Key>, C, StateInformationMiddleware>;

/// The buckets of all clients.
pub struct Limits<C: Clock = DefaultClock> {
    rates: Rates,
    clock: C,
    buckets: [Buckets<C>; 4],
    most_keys: usize,
}

impl Limits {
    /// Full buckets.
    pub fn new(rates: Rates) -> Self {
        Self::with_clock(rates, DefaultClock::default(), MOST_KEYS)
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn with_clock(rates: Rates, clock: C, most_keys: usize) -> Self {
        let buckets = |rate: Rate| {
            RateLimiter::hashmap_with_clock(rate.quota(), clock.clone())
                .with_middleware::<StateInformationMiddleware>()
        };
        let buckets = [rates.read, rates.write, rates.sign_in, rates.register].map(buckets);
        Self { rates, clock, buckets, most_keys }
    }
}

impl<C: Clock> Limits<C> {
    fn of(&self, class: Class) -> (&Buckets<C>, Rate) {
        let [read, write, sign_in, register] = &self.buckets;
        match class {
            Class::Read => (read, self.rates.read),
            Class::Write => (write, self.rates.write),
            Class::SignIn => (sign_in, self.rates.sign_in),
            Class::Register => (register, self.rates.register),
        }
    }

    /// Takes one request out of a bucket.
    ///
    /// # Errors
    /// How long to wait when the bucket is empty.
    pub fn check(&self, class: Class, key: &Key) -> Result<Standing, Standing> {
        let (buckets, rate) = self.of(class);
        let checked = if buckets.len() < self.most_keys {
            buckets.check_key(key)
        } else {
            buckets.check_key(&key.coarse())
        };
        match checked {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = rate.burst.get().saturating_sub(remaining);
                let full = rate.quota().replenish_interval().saturating_mul(missing);
                Ok(Standing { class, rate, remaining, seconds: seconds(full) })
            }
            Err(until) => {
                metrics::limited(class);
                let seconds = seconds(until.wait_time_from(self.clock.now()));
                Err(Standing { class, rate, remaining: 0, seconds })
            }
        }
    }

    /// Forgets the buckets that are full again; once a minute is enough.
    pub fn forget_idle(&self) {
        for buckets in &self.buckets {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::header::RETRY_AFTER;
    use axum::response::IntoResponse;
    use governor::clock::FakeRelativeClock;

    use super::super::client::block;
    use super::*;

    fn limits(most_keys: usize) -> (Limits<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Limits::with_clock(Rates::default(), clock.clone(), most_keys), clock)
    }

    fn address(ip: impl Into<IpAddr>) -> Key {
        Key::Address(block(ip.into()))
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let (limits, clock) = limits(MOST_KEYS);
        let key = address([192, 0, 2, 1]);
        let taken = |n: u32| (0..n).filter(|_| limits.check(Class::Read, &key).is_ok()).count();
        assert_eq!(taken(60), 40);
        clock.advance(Duration::from_secs(1));
        assert_eq!(taken(60), 20);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(taken(60), 40);
        assert!(limits.check(Class::Write, &key).is_ok(), "another class is another bucket");
        assert!(limits.check(Class::Read, &address([192, 0, 2, 2])).is_ok());
        assert!(limits.check(Class::Read, &Key::Account("alice".into())).is_ok());
    }

    #[test]
    fn who_is_refused_is_told_when_to_come_back() {
        let (limits, clock) = limits(MOST_KEYS);
        let key = Key::Account("alice".into());
        let mut last = None;
        for _ in 0..3 {
            last = limits.check(Class::Register, &key).ok();
        }
        let policy = "\"register\";q=3;w=3600";
        let [(_, said), (_, left)] = last.expect("three in an hour").headers();
        assert_eq!(
            (said, left),
            (policy.parse().expect("a value"), "\"register\";r=0;t=3600".parse().expect("a value"))
        );
        clock.advance(Duration::from_millis(500));
        let response = limits.check(Class::Register, &key).expect_err("the fourth").refusal().into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[RETRY_AFTER], "1200", "1,199.5 s rounded up");
        assert_eq!(response.headers()["ratelimit"], "\"register\";r=0;t=1200");
        assert_eq!(response.headers()["ratelimit-policy"], policy);
        clock.advance(Duration::from_secs(1_200));
        assert!(limits.check(Class::Register, &key).is_ok());
    }

    #[test]
    fn the_wait_is_never_nothing() {
        let (limits, _) = limits(MOST_KEYS);
        let key = address([192, 0, 2, 1]);
        let refused = (0..41).find_map(|_| limits.check(Class::Read, &key).err()).expect("the 41st");
        assert_eq!(refused.refusal().into_response().headers()[RETRY_AFTER], "1", "50 ms rounded up");
    }

    #[test]
    fn a_million_addresses_of_one_subscriber_are_one_bucket() {
        let (limits, _) = limits(MOST_KEYS);
        let passed = (0..1_000_000_u128)
            .filter(|n| {
                let ip = IpAddr::from((0x2001_0db8_u128 << 96 | n).to_be_bytes());
                limits.check(Class::Read, &address(ip)).is_ok()
            })
            .count();
        assert_eq!((passed, limits.of(Class::Read).0.len()), (40, 1));
    }

    #[test]
    fn memory_is_bounded_by_larger_blocks() {
        let (limits, clock) = limits(100);
        for n in 0..10_000_u32 {
            let _ = limits.check(Class::Read, &address(n.to_be_bytes()));
        }
        assert_eq!(limits.of(Class::Read).0.len(), 101, "a hundred addresses and one /16");
        clock.advance(Duration::from_secs(600));
        limits.forget_idle();
        assert_eq!(limits.of(Class::Read).0.len(), 0);
        assert!(limits.check(Class::Read, &address([192, 0, 2, 1])).is_ok());
    }

    #[test]
    fn rates_come_from_a_file() {
        let text = "write = { count = 1, seconds = 10, burst = 2 }";
        let rates: Rates = toml::from_str(text).expect("rates");
        assert_eq!(rates, Rates { write: Rate::new(1, 10, 2), ..Rates::default() });
        for bad in
            ["write = { count = 0, seconds = 1, burst = 1 }", "wrote = { count = 1, seconds = 1, burst = 1 }"]
        {
            assert!(toml::from_str::<Rates>(bad).is_err(), "{bad}");
        }
    }
}

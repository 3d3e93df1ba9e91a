//! What every folder needs from outside: a clock, random bytes, a log, and somewhere to put work that
//! may end after the response. [`session`](crate::session::port) and
//! [`account`](crate::account::port) declare what else they need: a key-value store, a database, and
//! the objects that check passwords. `cloudflare/` implements all of it, and so do the tests, in
//! memory.

use std::{future::Future, pin::pin};

use futures_util::future::{Either, select};

use crate::token::{
    key_pair::{PrivateKey, PublicKey},
    time::UnixMillis,
};

/// Why a call to a store failed: KV, D1, a guard and its storage are all "the store" here. It carries
/// no text of theirs: that could hold a key, and a key holds a user's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The store answered with an error.
    #[error("the store failed")]
    Failed,
    /// The store refused because of too many requests: one write a second for a key.
    #[error("the store refused a write: too many requests")]
    Throttled,
    /// No answer in time.
    #[error("the store did not answer in time")]
    TimedOut,
    /// What was stored is not what we store.
    #[error("the store holds something that cannot be read")]
    Unreadable,
    /// The database lacks a table or a column, and the worker could not create it.
    #[error("a table or a column is missing and could not be created")]
    NoTables,
    /// The runtime does not sign or verify with a configured key.
    #[error("a key pair cannot be used")]
    Key,
    /// There is no binding of this name.
    #[error("{0} is not bound")]
    NotBound(&'static str),
}

/// The time, and waiting.
pub trait Clock {
    /// The time of this place. It stands still between two waits (a Workers rule against timing
    /// attacks), and differs from that of other places by a little.
    fn now(&self) -> UnixMillis;

    /// Waits.
    async fn sleep_ms(&self, milliseconds: u64);
}

/// Randomness that is good enough for secrets.
pub trait Rng {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// New random bytes.
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// Unicode's normal forms: the tables are the runtime's, and not in our bundle.
pub trait Normalizer {
    /// NFC, in which a letter and its accent are one character.
    fn nfc(&self, text: &str) -> String;

    /// NFKC, in which a full-width letter is the usual one.
    fn nfkc(&self, text: &str) -> String;

    /// The ASCII form of a domain (UTS 46, as the URL Standard has it); none where it is no domain.
    fn domain(&self, name: &str) -> Option<String>;
}

/// Signatures of key pairs: the runtime's. In WebAssembly, one of ES256 takes 7 times the CPU, one of
/// RS256 20 times (7 ms of the free plan's 10), and the bundle grows by 67 KiB (`docs/performance.md`).
pub trait Signatures {
    /// The signature of a key (RFC 7518, sections 3.3 and 3.4).
    ///
    /// # Errors
    /// [`Fault::Key`]
    async fn sign(&self, key: &PrivateKey, content: &str) -> Result<Vec<u8>, Fault>;

    /// Whether the other half of this key signed that.
    ///
    /// # Errors
    /// [`Fault::Key`]
    async fn has_signed(
        &self,
        key: &PublicKey,
        content: &str,
        signature: &[u8],
    ) -> Result<bool, Fault>;
}

/// The surroundings of one request.
pub trait Runtime: Clock + Rng + Normalizer + Signatures + Clone + 'static {
    /// Runs work that need not be done when the response goes out.
    fn after_response(&self, work: impl Future<Output = ()> + 'static);

    /// Writes a line for the operator.
    fn log(&self, line: &str);

    /// Whether this rate limit is bound. A platform that cannot count has none.
    fn has_limit(&self, _limit: RateLimit) -> bool {
        false
    }

    /// Counts one for this key; true while there are more in this place than the limit allows.
    ///
    /// # Errors
    /// The counter failed.
    async fn is_over(&self, _limit: RateLimit, _key: &str) -> Result<bool, Fault> {
        Ok(false)
    }
}

/// What is counted for a minute, in each place for itself, in memory. The numbers stand in
/// `wrangler.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RateLimit {
    /// Wrong passwords and sign-ups of all addresses together: beyond it each is slowed down.
    Attempts,
    /// Requests with an access token, of each user: beyond it they are refused.
    Requests,
    /// Lists of sessions, of each user: beyond it they are refused.
    Lists,
}

impl RateLimit {
    /// The name of its binding.
    #[must_use]
    pub fn binding(self) -> &'static str {
        match self {
            Self::Attempts => "ATTEMPTS",
            Self::Requests => "REQUESTS",
            Self::Lists => "LISTS",
        }
    }
}

/// Waits for `work`, but not for longer than this.
///
/// # Errors
/// [`Fault::TimedOut`], or what the work ended with.
pub async fn within<T>(
    milliseconds: u64,
    clock: &impl Clock,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    match select(pin!(work), pin!(clock.sleep_ms(milliseconds))).await {
        Either::Left((done, _)) => done,
        Either::Right(((), _)) => Err(Fault::TimedOut),
    }
}

/// When a caller gives up: no work goes on beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    at: UnixMillis,
}

impl Deadline {
    /// So many milliseconds from now.
    #[must_use]
    pub fn after_ms(milliseconds: u64, clock: &impl Clock) -> Self {
        Self {
            at: clock.now().plus_ms(milliseconds),
        }
    }

    /// Waits for `work`, but not for longer than this, and not beyond the deadline.
    ///
    /// # Errors
    /// [`Fault::TimedOut`], or what the work ended with.
    pub async fn within<T>(
        self,
        milliseconds: u64,
        clock: &impl Clock,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let left = self.at.since_ms(clock.now());
        within(milliseconds.min(left), clock, work).await
    }
}

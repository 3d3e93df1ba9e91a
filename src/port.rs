//! What Tokenkeep needs from outside: a key-value store, a clock, chance, and somewhere to put
//! work that may end after the answer. `cloudflare/` implements it for Cloudflare Workers, tests
//! implement it in memory.

use std::{future::Future, pin::pin};

use crate::{
    account::{
        Account, Name,
        email::Email,
        message::{GuardReply, GuardRequest},
        password::PasswordHash,
    },
    token::{id::UserId, time::UnixMillis},
};
use futures_util::future::{Either, select};

/// Least `expirationTtl` that Workers KV takes; less is refused with an exception.
pub const LEAST_TTL_SECONDS: u64 = 60;

/// Why a call to a store failed. It carries no text of the store: that could hold a key, and a
/// key holds a user's id.
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
    /// There is no binding of this name.
    #[error("{0} is not bound")]
    NotBound(&'static str),
}

/// One write to a [`KeyValue`] store. Personal data may be in it: it cannot be printed.
#[derive(Clone)]
pub struct Write {
    /// At most 512 bytes.
    pub key: String,
    /// JSON text.
    pub value: String,
    /// Seconds until the store forgets the key, at least [`LEAST_TTL_SECONDS`].
    pub ttl_seconds: u64,
    /// At most 1024 bytes of JSON text, given back by listings.
    pub metadata: Option<String>,
}

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The names of keys.
    pub names: Vec<String>,
    /// From where the next page goes on, if there is one.
    pub next: Option<String>,
}

/// An eventually consistent store like Workers KV: reads may be a minute old, absence included;
/// there is no compare-and-swap; a key takes one write a second.
#[expect(
    async_fn_in_trait,
    reason = "a Worker has one thread: futures need not be `Send`"
)]
pub trait KeyValue: Clone + 'static {
    /// The values of these keys, at most 100, in their order, in one call.
    ///
    /// # Errors
    /// The store failed.
    async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault>;

    /// The same for a number of keys that is known.
    ///
    /// # Errors
    /// The store failed.
    async fn read<const N: usize>(&self, keys: [&str; N]) -> Result<[Option<String>; N], Fault> {
        let found = self.read_all(&keys).await?;
        found.try_into().map_err(|_| Fault::Unreadable)
    }

    /// Puts a value over whatever stands under the key.
    ///
    /// # Errors
    /// The store failed or refused.
    async fn write(&self, write: &Write) -> Result<(), Fault>;

    /// The names of at most `limit` keys that begin like this, in their order, from where another
    /// page ended. A listing may be a minute old like any other read.
    ///
    /// # Errors
    /// The store failed.
    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, Fault>;

    /// Forgets a key.
    ///
    /// # Errors
    /// The store failed or refused.
    async fn delete(&self, key: &str) -> Result<(), Fault>;
}

/// The table of accounts: consistent, unique by address.
#[expect(
    async_fn_in_trait,
    reason = "a Worker has one thread: futures need not be `Send`"
)]
pub trait Accounts {
    /// Whether the table is there and answers.
    ///
    /// # Errors
    /// It does not.
    async fn check(&self) -> Result<(), Fault>;

    /// The account of an address, with its password hash.
    ///
    /// # Errors
    /// The table failed.
    async fn by_email(&self, email: &Email) -> Result<Option<(Account, PasswordHash)>, Fault>;

    /// The account of a user.
    ///
    /// # Errors
    /// The table failed.
    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault>;

    /// Adds an account; false when its address is taken.
    ///
    /// # Errors
    /// The table failed.
    async fn insert(&self, account: &Account, hash: &PasswordHash) -> Result<bool, Fault>;

    /// Puts another password hash in place of this one; false when it is not there any more. So a
    /// write that comes late, after whoever asked for it has given up, undoes no later one.
    ///
    /// # Errors
    /// The table failed.
    async fn set_password(
        &self,
        id: &UserId,
        verified: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Fault>;

    /// Changes the name, or takes it away.
    ///
    /// # Errors
    /// The table failed.
    async fn set_name(&self, id: &UserId, name: Option<&Name>) -> Result<(), Fault>;

    /// Deletes an account.
    ///
    /// # Errors
    /// The table failed.
    async fn delete(&self, id: &UserId) -> Result<(), Fault>;
}

/// The one that checks passwords: see [`crate::account::guard`].
#[expect(
    async_fn_in_trait,
    reason = "a Worker has one thread: futures need not be `Send`"
)]
pub trait Guard {
    /// Asks the guard of this address.
    ///
    /// # Errors
    /// It could not be reached, or could not reach the table of accounts.
    async fn ask(&self, email: &Email, ask: &GuardRequest) -> Result<GuardReply, Fault>;
}

/// The time, and waiting.
#[expect(
    async_fn_in_trait,
    reason = "a Worker has one thread: futures need not be `Send`"
)]
pub trait Clock {
    /// The time of this place. It stands still between two waits (a Workers rule against timing
    /// attacks), and differs from that of other places by a little.
    fn now(&self) -> UnixMillis;

    /// Waits.
    async fn sleep_ms(&self, milliseconds: u64);
}

/// Chance, good enough for secrets.
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

/// The setup page as it was built: one document with its style and its script in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupPage {
    /// The document.
    pub html: String,
    /// `Content-Security-Policy`: it names the style and the script by their hashes.
    pub policy: String,
}

/// Everything together, as one request sees it.
#[expect(
    async_fn_in_trait,
    reason = "a Worker has one thread: futures need not be `Send`"
)]
pub trait Platform: Clock + Rng + Clone + 'static {
    /// The store of sessions.
    type Sessions: KeyValue;
    /// The table of accounts.
    type Accounts: Accounts;
    /// The guards of all addresses.
    type Guard: Guard;

    /// The store of sessions.
    ///
    /// # Errors
    /// It is not bound.
    fn sessions(&self) -> Result<Self::Sessions, Fault>;

    /// The table of accounts.
    ///
    /// # Errors
    /// It is not bound.
    fn accounts(&self) -> Result<Self::Accounts, Fault>;

    /// The guards of all addresses.
    ///
    /// # Errors
    /// They are not bound.
    fn guard(&self) -> Result<Self::Guard, Fault>;

    /// Runs work that need not be done when the answer goes out.
    fn after_response(&self, work: impl Future<Output = ()> + 'static);

    /// The page that helps the owner to set up. It shows nothing that `/health` does not tell, so
    /// it needs no settings: it is there to say which are missing.
    fn setup_page(&self) -> SetupPage;

    /// Whether there is a rate limit for password checks and sign-ups.
    fn has_rate_limit(&self) -> bool {
        false
    }

    /// Counts a wrong password or a sign-up, whatever its address, against the rate limit; true
    /// while this data centre is over it. A platform without a rate limit sees no flood.
    ///
    /// # Errors
    /// The rate limit failed.
    async fn is_flooded(&self) -> Result<bool, Fault> {
        Ok(false)
    }

    /// Writes a line for the operator.
    fn log(&self, line: &str);
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

/// For how long a request waits in all: longer, and the phone has given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    until: UnixMillis,
}

impl Patience {
    /// So many milliseconds from now on.
    #[must_use]
    pub fn of_ms(milliseconds: u64, clock: &impl Clock) -> Self {
        Self {
            until: clock.now().plus_ms(milliseconds),
        }
    }

    /// Waits for `work`, but not for longer than this, and not beyond the end of the patience.
    ///
    /// # Errors
    /// [`Fault::TimedOut`], or what the work ended with.
    pub async fn within<T>(
        self,
        milliseconds: u64,
        clock: &impl Clock,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let left = self.until.since_ms(clock.now());
        within(milliseconds.min(left), clock, work).await
    }
}

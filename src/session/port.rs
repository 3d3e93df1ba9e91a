//! The stores that sessions are kept in, as this project needs them.

use crate::{
    port::{Fault, Runtime},
    session::rule::{Rule, judge},
};

/// The minimum `expirationTtl` that Workers KV takes; less is refused with an exception.
pub const MIN_TTL_SECONDS: u64 = 60;

/// One write to a [`KeyValue`] store. Personal data may be in it: it cannot be printed.
#[derive(Clone)]
pub struct Write {
    /// At most 512 bytes.
    pub key: String,
    /// JSON text.
    pub value: String,
    /// Seconds until the store forgets the key, at least [`MIN_TTL_SECONDS`]; none for never.
    pub ttl_seconds: Option<u64>,
    /// At most 1024 bytes of JSON text, given back by listings.
    pub metadata: Option<String>,
}

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys.
    pub keys: Vec<ListedKey>,
    /// From where the next page goes on, if there is one.
    pub next: Option<String>,
}

/// A key, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// Its name.
    pub name: String,
    /// The JSON text that was written with it, if there was one.
    pub metadata: Option<String>,
}

/// An eventually consistent store like Workers KV: reads may be a minute old, absence included;
/// there is no compare-and-swap; a key takes one write a second.
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

/// The objects of users: [`crate::session::object`].
pub trait UserObjects {
    /// Asks the object of this name; the request and the reply are JSON.
    ///
    /// # Errors
    /// It could not be reached, or failed.
    async fn ask(&self, name: &str, request: &str) -> Result<String, Fault>;
}

/// A world with the stores of sessions.
pub trait HasSessions: Runtime {
    /// The key-value store.
    type Store: KeyValue;
    /// The objects of users.
    type Objects: UserObjects;

    /// The key-value store.
    ///
    /// # Errors
    /// It is not bound.
    fn sessions(&self) -> Result<Self::Store, Fault>;

    /// The objects of users.
    ///
    /// # Errors
    /// They are not bound.
    fn user_sessions(&self) -> Result<Self::Objects, Fault>;

    /// Whether the key-value store is known to have its birth mark: it is asked once for each isolate.
    fn has_birth_mark(&self) -> bool;

    /// Notes that it has.
    fn note_birth_mark(&self);

    /// How a refresh is decided. The worker knows one rule; the simulator compares others with it, in
    /// this very code.
    fn rule(&self) -> Rule {
        judge
    }
}

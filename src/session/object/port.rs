//! The storage of an object, as rows.

use crate::{object::Storage, port::Fault, token::time::UnixMillis};

/// Maximum number of keys that one call reads or deletes: a limit of the platform.
pub const KEYS_PER_CALL: usize = 128;

/// The storage of one object, with a value under each key. A value may have 2 MB, a session far less:
/// a key for each session keeps ten thousand of them within the limits of every call.
pub trait Rows: Storage {
    /// The values of these keys, at most [`KEYS_PER_CALL`], in their order.
    ///
    /// # Errors
    /// The storage failed.
    async fn get_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault>;

    /// Keys and values, in the order of the keys: at most `limit`, of those that start like this, after
    /// this one.
    ///
    /// # Errors
    /// The storage failed.
    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, Fault>;

    /// Deletes these keys, at most [`KEYS_PER_CALL`].
    ///
    /// # Errors
    /// The storage failed.
    async fn delete(&self, keys: &[String]) -> Result<(), Fault>;

    /// When the alarm rings, if one is set.
    ///
    /// # Errors
    /// The storage failed.
    async fn alarm(&self) -> Result<Option<UnixMillis>, Fault>;
}

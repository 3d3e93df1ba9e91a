//! The sessions of all users, as a store of operations: open, refresh, look up, end, list, erase. One
//! request of a client is one of them, or two.
//!
//! [`kv`] keeps sessions under keys of Workers KV. The handlers, the rule and the tokens are the same
//! for every store.

pub(super) mod keys;
pub mod kv;
mod list;
mod trim;

use crate::{
    config::Config,
    http::request::Request,
    port::Fault,
    session::{
        port::HasSessions,
        rule::{CutOff, IdleWindow},
    },
};

pub use kv::KvSessions;
/// The sessions of all users.
pub use kv::KvSessions as Sessions;
pub use list::{ListItem, ListQuery, Listing};
pub use trim::{SESSIONS_PER_SHARD, TRIM_ONE_LOGIN_IN, TRIM_PAGES};

/// How long a read of the store may take.
pub const READ_TIMEOUT_MS: u64 = 2_500;

/// How long a write that the response waits for may take, second try included; and each try of one
/// that no response waits for.
pub const WRITE_TIMEOUT_MS: u64 = 5_000;

/// The pause before a refused write is tried once more: KV takes one write a second for a key.
pub const RETRY_PAUSE_MS: u64 = 1_100;

/// How many sessions are erased in one go: a request on the free plan may make 50 calls.
pub const ERASED_PER_PAGE: u32 = 25;

/// How long each of those may take.
pub const ERASE_TIMEOUT_MS: u64 = 3_000;

/// Maximum number of sessions on a page of a list: each takes two of the 100 keys that one read may
/// have.
pub const SESSIONS_PER_PAGE: u32 = 50;

/// How long work after the response may take. Nobody waits for it, but the runtime silently ends it
/// after 30 s.
pub const AFTER_RESPONSE_TIMEOUT_MS: u64 = 20_000;

/// The sessions, for a request.
///
/// # Errors
/// The store is not bound.
pub fn for_request<'a, P: HasSessions>(request: &Request<'a, P>) -> Result<Sessions<'a, P>, Fault> {
    Sessions::new(request.platform, request.deadline)
}

/// What the operator has configured of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a session lives without being used.
    pub window: IdleWindow,
}

impl Limits {
    /// The configured limits.
    #[must_use]
    pub fn configured(config: &Config) -> Self {
        Self {
            window: IdleWindow::configured(config),
        }
    }
}

/// What came of the end of a session that may be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It lived, and is over now.
    Ended,
    /// It was ended before.
    WasEnded,
    /// The store has no such session, or one of another kind of user.
    Unknown,
}

/// Of two cut-offs that both hold, the one that ends more.
#[must_use]
pub fn later(one: Option<CutOff>, other: Option<CutOff>) -> Option<CutOff> {
    [one, other]
        .into_iter()
        .flatten()
        .max_by_key(|it| it.before)
}

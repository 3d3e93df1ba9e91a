//! What a guard remembers of a password change.

use serde::{Deserialize, Serialize};

use crate::{
    account::message::Succession,
    session::rule::LATE_DUPLICATE_MS,
    token::{id::SessionId, time::UnixMillis},
};

/// For how long a guard remembers a password change: longer than the session that asked for it has
/// a grace, because a data centre may hear of the change a minute late.
const CHANGE_MEMORY_MS: u64 = 2 * LATE_DUPLICATE_MS;

/// The latest password change. A repeat of its request gets the same session again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChange {
    #[serde(flatten)]
    sessions: Succession,
    at: UnixMillis,
}

impl PasswordChange {
    /// A change that has just been made.
    #[must_use]
    pub fn new(sessions: Succession, at: UnixMillis) -> Self {
        Self { sessions, at }
    }

    /// What this change started, and when, if that session asks once more.
    #[must_use]
    pub fn started_for(
        &self,
        from: &SessionId,
        now: UnixMillis,
    ) -> Option<(SessionId, UnixMillis)> {
        let is_repeat = self.sessions.from == *from && !self.is_old(now);
        is_repeat.then(|| (self.sessions.to.clone(), self.at))
    }

    /// When the guard may forget it.
    #[must_use]
    pub fn forgotten_at(&self) -> UnixMillis {
        self.at.plus_ms(CHANGE_MEMORY_MS)
    }

    /// Whether the guard may have forgotten it.
    #[must_use]
    pub fn is_old(&self, now: UnixMillis) -> bool {
        now >= self.forgotten_at()
    }
}

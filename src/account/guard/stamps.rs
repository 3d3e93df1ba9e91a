//! The stamps of a guard: the start of a session, or the end of all sessions until then.

use crate::{port::Clock, token::time::UnixMillis};

/// Makes stamps, strictly one after the other.
#[derive(Debug, Default)]
pub struct Stamps {
    /// The latest one. It need not be stored: a guard that was asleep wakes up later than that.
    last: UnixMillis,
}

impl Stamps {
    /// The time, but later than every stamp before: a Worker's clock stands still between waits.
    pub fn next(&mut self, clock: &impl Clock) -> UnixMillis {
        self.last = clock.now().max(self.last.plus_ms(1));
        self.last
    }

    /// All further ones come after this one, which another guard has made.
    pub fn come_after(&mut self, other: UnixMillis) {
        self.last = self.last.max(other);
    }
}

//! What is remembered of one caller.

use serde::{Deserialize, Serialize};

use crate::{account::attempts::source::Source, token::time::UnixMillis};

/// The time in which failures are counted.
const WINDOW_MS: u64 = 15 * 60_000;

/// Failures of one caller within the window, from which on each attempt is followed by a wait.
const SOURCE_FAILURES: usize = 10;

/// The first wait; each further one is twice as long.
const FIRST_WAIT_MS: u64 = 60_000;

/// The longest wait: the window itself, after which a caller would be free anyway.
const LONGEST_WAIT_MS: u64 = WINDOW_MS;

/// The attempts of one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub source: Source,
    /// When the last attempt was admitted, or had success.
    pub last: UnixMillis,
    /// When the attempts within the window that failed were admitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failed: Vec<UnixMillis>,
    /// The same of those that are not settled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pending: Vec<UnixMillis>,
    /// How many waits this caller was given: the next one's length.
    #[serde(default, skip_serializing_if = "is_zero")]
    waits: u8,
    /// It has had the right password.
    #[serde(default, skip_serializing_if = "is_false")]
    pub trusted: bool,
}

impl Tally {
    pub fn new(source: Source, now: UnixMillis) -> Self {
        Self {
            source,
            last: now,
            failed: Vec::new(),
            pending: Vec::new(),
            waits: 0,
            trusted: false,
        }
    }

    pub fn forget(&mut self, now: UnixMillis) {
        self.last = self.last.min(now);
        for times in [&mut self.failed, &mut self.pending] {
            times.retain_mut(|at| {
                *at = (*at).min(now);
                now.since_ms(*at) < WINDOW_MS
            });
        }
    }

    pub fn reserve(&mut self, now: UnixMillis) {
        self.pending.push(now);
        self.last = now;
        self.waits = match self.waits {
            0 => waits_after(self.failures()),
            earlier => earlier.saturating_add(1),
        };
    }

    pub fn fail(&mut self, admitted_at: UnixMillis, now: UnixMillis) {
        if let Some(at) = self.take_pending(admitted_at, now) {
            self.failed.push(at);
        }
    }

    /// What is still under way goes on counting, and keeps the waits that it alone makes.
    pub fn succeed(&mut self, admitted_at: UnixMillis, now: UnixMillis) {
        self.take_pending(admitted_at, now);
        self.failed.clear();
        self.waits = waits_after(self.failures()).min(self.waits);
        self.last = now;
        self.trusted = true;
    }

    /// As if the attempt had never been admitted.
    pub fn withdraw(&mut self, admitted_at: UnixMillis, now: UnixMillis) {
        if self.take_pending(admitted_at, now).is_some() {
            self.waits = self.waits.saturating_sub(1);
        }
    }

    /// Removes one attempt that is under way: the one admitted at that time, or the latest if the
    /// clock has gone back behind that time and taken it along.
    fn take_pending(&mut self, admitted_at: UnixMillis, now: UnixMillis) -> Option<UnixMillis> {
        match self.pending.iter().position(|at| *at == admitted_at) {
            Some(index) => Some(self.pending.swap_remove(index)),
            None if admitted_at > now => self.pending.pop(),
            None => None,
        }
    }

    /// No wait is longer than the window, so the attempt that began it is within.
    pub fn wait_ends(&self) -> UnixMillis {
        match (self.waits.checked_sub(1), self.latest()) {
            (Some(earlier), Some(latest)) => latest.plus_ms(wait_ms(earlier.into())),
            _ => UnixMillis(0),
        }
    }

    pub fn failures(&self) -> usize {
        self.failed.len() + self.pending.len()
    }

    pub fn latest(&self) -> Option<UnixMillis> {
        self.failed.iter().chain(&self.pending).max().copied()
    }

    pub fn is_calm(&self) -> bool {
        self.trusted && self.failures() == 0 && self.waits == 0
    }
}

/// How many waits so many failures within the window make.
fn waits_after(failures: usize) -> u8 {
    let waits = (failures + 1).saturating_sub(SOURCE_FAILURES);
    u8::try_from(waits).unwrap_or(u8::MAX)
}

/// How long a wait is when there were so many before it.
pub fn wait_ms(earlier: usize) -> u64 {
    let doubled = u32::try_from(earlier)
        .ok()
        .and_then(|earlier| 2_u64.checked_pow(earlier))
        .unwrap_or(u64::MAX);
    FIRST_WAIT_MS.saturating_mul(doubled).min(LONGEST_WAIT_MS)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &u8) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

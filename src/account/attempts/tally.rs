//! What is remembered of one caller.

use serde::{Deserialize, Serialize};

use crate::{
    account::attempts::{MEMORY_MS, allowance::Allowance, source::Source},
    token::time::UnixMillis,
};

/// The time in which failures are counted.
pub const WINDOW_MS: u64 = 15 * 60_000;

/// Failures of one caller within the window, from which on each attempt is followed by a wait.
const SOURCE_FAILURES: usize = 10;

/// The first wait; each further one is twice as long.
const FIRST_WAIT_MS: u64 = 60_000;

/// The longest wait: the window itself, after which a caller would be free anyway.
const LONGEST_WAIT_MS: u64 = WINDOW_MS;

/// How long a network is trusted after a right password.
pub const TRUST_MS: u64 = 30 * MEMORY_MS;

/// The attempts of one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub source: Source,
    /// When the last attempt that failed was admitted; 0 if none has.
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
    /// What a caller with trust may fail; all others share the address's allowance.
    #[serde(default, skip_serializing_if = "Allowance::is_untouched")]
    allowance: Allowance,
    /// A device with a token of the account.
    #[serde(default, skip_serializing_if = "is_false")]
    pub device: bool,
    /// When this network last had the right password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_at: Option<UnixMillis>,
    /// What earlier releases stored in its place; `last` was the time.
    #[serde(default, skip_serializing)]
    trusted: bool,
}

impl Tally {
    pub fn new(source: Source, device: bool) -> Self {
        Self {
            source,
            last: UnixMillis(0),
            failed: Vec::new(),
            pending: Vec::new(),
            waits: 0,
            allowance: Allowance::default(),
            device,
            trusted_at: None,
            trusted: false,
        }
    }

    /// Whether strangers cannot make it wait: a device, or a network with trust.
    pub fn is_known(&self) -> bool {
        self.device || self.trusted_at.is_some()
    }

    pub fn forget(&mut self, now: UnixMillis) {
        self.last = self.last.min(now);
        if std::mem::take(&mut self.trusted) {
            self.trusted_at = Some(self.last);
        }
        self.trusted_at = self.trusted_at.map(|at| at.min(now));
        self.trusted_at.take_if(|at| now.since_ms(*at) >= TRUST_MS);
        for times in [&mut self.failed, &mut self.pending] {
            times.retain_mut(|at| {
                *at = (*at).min(now);
                now.since_ms(*at) < WINDOW_MS
            });
        }
        if now.since_ms(self.last_failure()) >= MEMORY_MS {
            self.waits = 0;
        }
        self.allowance.forget(now);
    }

    /// Until when something of it counts. Strangers share an allowance, so their own is no reason to
    /// keep their network's hash.
    pub fn counts_until(&self) -> UnixMillis {
        let failures = self.last_failure().plus_ms(MEMORY_MS);
        let trust = self.trusted_at.map(|at| at.plus_ms(TRUST_MS));
        let allowance = self.device.then(|| self.allowance.whole_at());
        failures.max(trust.max(allowance).unwrap_or(failures))
    }

    pub fn reserve(&mut self, now: UnixMillis) {
        self.pending.push(now);
        self.waits = match self.waits {
            0 => waits_after(self.failures()),
            earlier => earlier.saturating_add(1),
        };
        self.allowance.take(now);
    }

    pub fn fail(&mut self, admitted_at: UnixMillis, now: UnixMillis) {
        if let Some(at) = self.take_pending(admitted_at, now) {
            self.last = self.last.max(at);
            self.failed.push(at);
        }
    }

    /// As if the attempt had never been admitted; whether it was under way.
    pub fn withdraw(&mut self, admitted_at: UnixMillis, now: UnixMillis) -> bool {
        let is_under_way = self.take_pending(admitted_at, now).is_some();
        if is_under_way {
            self.waits = self.waits.saturating_sub(1);
            self.allowance.give_back();
        }
        is_under_way
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
        let window = match (self.waits.checked_sub(1), self.latest()) {
            (Some(earlier), Some(latest)) => latest.plus_ms(wait_ms(earlier.into())),
            _ => UnixMillis(0),
        };
        window.max(self.allowance.wait_ends())
    }

    pub fn failures(&self) -> usize {
        self.failed.len() + self.pending.len()
    }

    pub fn latest(&self) -> Option<UnixMillis> {
        self.failed.iter().chain(&self.pending).max().copied()
    }

    /// When it last failed, as far as that is known.
    fn last_failure(&self) -> UnixMillis {
        self.latest().map_or(self.last, |at| at.max(self.last))
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

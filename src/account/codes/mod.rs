//! The codes that were sent to one address: how many are sent, how often one may be tried.
//!
//! For each kind of code, an address gets at most one e-mail a minute, five an hour and ten a day. A
//! request beyond that sends nothing, and the code that was sent last stays valid. A new code
//! replaces the one before it.
//!
//! A code may be wrong four times; the fifth wrong one ends it. It is valid once. Whoever repeats the
//! request within two minutes, because the answer was lost, gets the same success again. A password
//! that comes with the right code and does not do counts as a wrong code: nobody who has seen a code
//! may try passwords with it.
//!
//! After a hundred wrong codes for an address, of all kinds together, one an hour is left, as with
//! passwords ([`Allowance`]). While none is left, no code is valid and none is sent: to refuse with
//! another answer would reveal who has an account, as nobody else has codes to be wrong about. Codes for
//! a change to the address have a hundred of their own: everybody has those to be wrong about, and
//! whoever asks for one sees whether it is sent, by the notice.
//!
//! **Exact under parallel attempts.** A wrong code is counted as it is presented, by a guard that
//! handles one request at a time. A right one is spent when what it is for is done: if that fails,
//! the same code can be sent again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    account::attempts::Allowance,
    token::{
        code::{CodeKind, CodeMac},
        id::SessionId,
        time::UnixMillis,
    },
};

/// How many wrong codes end the code that was sent.
pub const TRIES: u8 = 5;

/// For how long a repeated request gets the same success.
const REPEAT_MS: u64 = 2 * 60_000;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// How many e-mails are sent at most, within how long.
pub const EMAILS: [(usize, u64); 3] = [(1, MINUTE_MS), (5, HOUR_MS), (10, DAY_MS)];

/// The codes of an address. Its JSON is part of what the address's guard stores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// How many wrong codes are left, of all kinds but one together.
    #[serde(default, skip_serializing_if = "Allowance::is_untouched")]
    allowance: Allowance,
    /// How many wrong codes for a change to this address are left.
    #[serde(default, skip_serializing_if = "Allowance::is_untouched")]
    changes: Allowance,
    #[serde(flatten)]
    ledgers: BTreeMap<CodeKind, Ledger>,
}

/// The codes of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ledger {
    /// When e-mails were sent, within the last day.
    sent: Vec<UnixMillis>,
    /// The code that is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<SentCode>,
    /// The code that was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spent: Option<SpentCode>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SentCode {
    mac: CodeMac,
    at: UnixMillis,
    /// How many wrong codes were presented since.
    wrong: u8,
    /// Whether somebody has signed up with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    signs_up: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SpentCode {
    mac: CodeMac,
    #[serde(flatten)]
    success: Success,
    /// How often something else that came with it was wrong since.
    #[serde(default, skip_serializing_if = "is_zero")]
    wrong: u8,
}

/// Counts one more wrong code: whether it was the last.
fn is_last(wrong: &mut u8) -> bool {
    *wrong += 1;
    *wrong >= TRIES
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that `serde` wants"
)]
fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// What a code has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// When: a stamp of the guard.
    pub at: UnixMillis,
    /// The session that it has started.
    pub session: SessionId,
    /// Whether it has ended all others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_others: bool,
}

/// What a code that is presented is.
#[derive(Debug, PartialEq, Eq)]
pub enum Presented {
    /// The one that was sent.
    Right,
    /// The one that was used just before.
    Again(Success),
    /// Wrong, too old, used, or never sent.
    Wrong,
}

impl Codes {
    /// Takes a new code, unless too many were sent: whether the e-mail is to be sent.
    pub fn issue(&mut self, kind: CodeKind, mac: CodeMac, now: UnixMillis) -> bool {
        let is_issued = self.may_issue(kind, now);
        if is_issued {
            let ledger = self.ledgers.entry(kind).or_default();
            ledger.sent.push(now);
            ledger.code = Some(SentCode {
                mac,
                at: now,
                wrong: 0,
                signs_up: false,
            });
        }
        is_issued
    }

    /// Whether [`Self::issue`] would take a code.
    pub fn may_issue(&mut self, kind: CodeKind, now: UnixMillis) -> bool {
        self.forget(now);
        let ledger = self.ledgers.get(&kind);
        self.may_be_wrong(kind, now) && ledger.is_none_or(|ledger| ledger.may_send(now))
    }

    /// The code of this kind that was sent last is for a sign-up.
    pub fn note_sign_up(&mut self, kind: CodeKind) {
        let ledger = self.ledgers.get_mut(&kind);
        if let Some(code) = ledger.and_then(|ledger| ledger.code.as_mut()) {
            code.signs_up = true;
        }
    }

    /// Whether a sign-up has just had a code sent, so that another one is its repetition.
    #[must_use]
    pub fn has_just_signed_up(&self, kind: CodeKind, now: UnixMillis) -> bool {
        let ledger = self.ledgers.get(&kind);
        let code = ledger.and_then(|ledger| ledger.code.as_ref());
        code.is_some_and(|code| code.signs_up && now.since_ms(code.at) < MINUTE_MS)
    }

    /// Looks at a code, which may have any of these MACs. A wrong one is counted.
    pub fn present(&mut self, kind: CodeKind, macs: &[CodeMac], now: UnixMillis) -> Presented {
        self.forget(now);
        let Some(ledger) = self.ledgers.get(&kind) else {
            return Presented::Wrong;
        };
        if let Some(spent) = ledger.spent.as_ref().filter(|it| it.mac.is_one_of(macs)) {
            return Presented::Again(spent.success.clone());
        }
        let Some(code) = &ledger.code else {
            return Presented::Wrong;
        };
        if code.mac.is_one_of(macs) {
            return Presented::Right;
        }
        self.reject(kind, false, now);
        Presented::Wrong
    }

    /// Counts a wrong code; or a right one, or one that was used just before, with something else that
    /// was wrong.
    pub fn reject(&mut self, kind: CodeKind, was_spent: bool, now: UnixMillis) {
        let Some(ledger) = self.ledgers.get_mut(&kind) else {
            return;
        };
        if was_spent {
            ledger.spent.take_if(|it| is_last(&mut it.wrong));
        } else {
            ledger.code.take_if(|it| is_last(&mut it.wrong));
        }
        let is_change = kind == CodeKind::Change;
        if is_change {
            self.changes.take(now);
        } else {
            self.allowance.take(now);
        }
        if !self.may_be_wrong(kind, now) {
            let all = self.ledgers.iter_mut();
            for (_, ledger) in all.filter(|(kind, _)| (**kind == CodeKind::Change) == is_change) {
                ledger.code = None;
            }
        }
    }

    fn may_be_wrong(&self, kind: CodeKind, now: UnixMillis) -> bool {
        let allowance = match kind {
            CodeKind::Change => &self.changes,
            CodeKind::Reset | CodeKind::Login | CodeKind::Verify => &self.allowance,
        };
        allowance.wait_ends() <= now
    }

    /// The code of this kind has done what it is for.
    pub fn spend(&mut self, kind: CodeKind, success: Success) {
        if let Some(ledger) = self.ledgers.get_mut(&kind)
            && let Some(SentCode { mac, .. }) = ledger.code.take()
        {
            let wrong = 0;
            ledger.spent = Some(SpentCode {
                mac,
                success,
                wrong,
            });
        }
    }

    /// No repeated request gets an earlier success any more: it would undo what came after.
    pub fn forget_successes(&mut self) {
        for ledger in self.ledgers.values_mut() {
            ledger.spent = None;
        }
    }

    /// Forgets what is too old to count. A clock that was ahead and goes back does no harm: what
    /// seems to lie in the future is taken for just now.
    pub fn forget(&mut self, now: UnixMillis) {
        self.allowance.forget(now);
        self.changes.forget(now);
        self.ledgers.retain(|kind, ledger| {
            ledger.forget(*kind, now);
            !ledger.sent.is_empty()
        });
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let allowances = [&self.allowance, &self.changes];
        self.ledgers.is_empty() && allowances.into_iter().all(Allowance::is_untouched)
    }

    /// When the last e-mail no longer counts, and every wrong code is forgiven; `None` if there is
    /// nothing to store. A code, and its success, are older than that by then.
    #[must_use]
    pub fn next_cleanup(&self) -> Option<UnixMillis> {
        let sent = self.ledgers.values().flat_map(|ledger| &ledger.sent);
        let allowances = [&self.allowance, &self.changes].into_iter();
        let used = allowances.filter(|allowance| !allowance.is_untouched());
        let forgiven = used.copied().map(Allowance::whole_at).max();
        sent.max().map(|at| at.plus_ms(DAY_MS)).max(forgiven)
    }
}

impl Ledger {
    fn may_send(&self, now: UnixMillis) -> bool {
        EMAILS.into_iter().all(|(most, within_ms)| {
            let recent = |at: &&UnixMillis| now.since_ms(**at) < within_ms;
            self.sent.iter().filter(recent).count() < most
        })
    }

    fn forget(&mut self, kind: CodeKind, now: UnixMillis) {
        let is_within = |at: &mut UnixMillis, within_ms| {
            *at = (*at).min(now);
            now.since_ms(*at) < within_ms
        };
        self.sent.retain_mut(|at| is_within(at, DAY_MS));
        self.code
            .take_if(|code| !is_within(&mut code.at, kind.lifetime_ms()));
        // A stamp is not moved: the repeated request gets it.
        self.spent
            .take_if(|spent| now.since_ms(spent.success.at) >= REPEAT_MS);
    }
}

#[cfg(test)]
mod tests;

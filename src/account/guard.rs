//! The guard of an account: everything that takes a password goes through it.
//!
//! There is one guard for each e-mail address, and it handles one request at a time. It runs as a
//! Durable Object ([`crate::object`]), for three reasons:
//!
//! * **Time.** Hashing a password takes 30 to 60 ms of CPU. A Worker on the free plan has 10 ms a
//!   request, an object has 30 s.
//! * **Counting.** Fifty attempts at once must be fifty in one count. Nothing else on the platform
//!   counts exactly: KV is a minute late, and a Worker's memory is its own.
//! * **Order.** Two sign-ups of one address make one account. A password is read, checked and
//!   replaced without another attempt in between. And the stamps of logins and of "everything
//!   until now is over" come from one clock, strictly one after the other.
//!
//! What it guarantees: its reply and the time it takes are about the same whether an address is
//! unknown or a password wrong; no more passwords are checked than [`crate::account::attempts`]
//! admits; it stores nothing for an address until something failed there, and cleans up.
//!
//! For an address without an account it stores nothing at all: a flood of invented addresses would
//! fill the storage, and there is no password to guess. Its attempts are counted in memory, with the
//! same limits, for as long as the object stays awake.

use serde::{Deserialize, Serialize};

use crate::{
    account::{
        Account, Name,
        attempts::{Attempts, Outcome, Source},
        email::Email,
        message::{Attempt, GuardReply, GuardRequest, Purpose, Succession},
        password::{Password, PasswordHash, Verification},
        port::{Accounts, HasAccounts},
    },
    log::Line,
    object::{Actor, Snapshot},
    port::{Clock, Fault, within},
    problem::Problem,
    session::rule::LATE_DUPLICATE_MS,
    token::{
        id::{SessionId, UserId},
        time::UnixMillis,
    },
};

/// How long a guard may take. A password costs it well under a second, but several may wait for
/// their turn; the phone gives up at 10 s.
pub const GUARD_TIMEOUT_MS: u64 = 6_000;

/// How long a guard may take for one attempt: a question to the table or two, and a password. Less
/// than `GUARD_TIMEOUT_MS`, so that the next in the queue still has a chance.
pub const ATTEMPT_TIMEOUT_MS: u64 = 4_000;

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

    fn forgotten_at(&self) -> UnixMillis {
        self.at.plus_ms(CHANGE_MEMORY_MS)
    }

    fn is_old(&self, now: UnixMillis) -> bool {
        now >= self.forgotten_at()
    }
}

/// What a guard stores.
#[derive(Default, Serialize, Deserialize)]
struct Stored<A> {
    #[serde(flatten)]
    attempts: A,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<PasswordChange>,
}

/// What a guard remembers from one request to the next.
#[derive(Debug)]
pub struct AccountGuard {
    attempts: Attempts,
    change: Option<PasswordChange>,
    /// The latest stamp. It need not be stored: a guard that was asleep wakes up later than that.
    last_stamp: Option<UnixMillis>,
    /// Whether the address had an account when it was last looked up, or when this was stored.
    has_account: bool,
}

impl<P: HasAccounts> Actor<P> for AccountGuard {
    type Request = GuardRequest;
    type Reply = GuardReply;

    const KEY: &'static str = "attempts";

    fn restore(stored: Option<&str>, platform: &P) -> Self {
        let read = |json| {
            serde_json::from_str(json).unwrap_or_else(|_| {
                // A newer release's, perhaps. Nobody must be locked out forever.
                platform.log(&Line::new("attempts_unreadable").json());
                Stored::default()
            })
        };
        let Stored::<Attempts> { attempts, change } = stored.map(read).unwrap_or_default();
        Self {
            has_account: !attempts.is_empty() || change.is_some(),
            attempts,
            change,
            last_stamp: None,
        }
    }

    async fn handle(
        &mut self,
        platform: &P,
        request: GuardRequest,
        arrived_at: UnixMillis,
    ) -> GuardReply {
        let reply = self.answer(platform, request, arrived_at).await;
        reply.unwrap_or(GuardReply::Fault)
    }

    fn forget_old(&mut self, now: UnixMillis) {
        self.attempts.forget(now);
        self.change.take_if(|change| change.is_old(now));
    }

    /// Nothing for an address without an account: its attempts are in memory only.
    fn snapshot(&self, now: UnixMillis) -> Option<Snapshot> {
        let forgotten_at = self.change.as_ref().map(PasswordChange::forgotten_at);
        let clean_up_at = self.attempts.next_cleanup(now).max(forgotten_at)?;
        let stored = Stored {
            attempts: &self.attempts,
            change: self.change.clone(),
        };
        self.has_account.then(|| Snapshot {
            json: serde_json::to_string(&stored).expect("text and numbers"),
            clean_up_at,
        })
    }
}

impl AccountGuard {
    /// A caller that has waited too long has given up, so its request is dropped; otherwise the
    /// backlog of a hung database would delay callers after it recovers.
    ///
    /// # Errors
    /// The table of accounts failed: the attempt does not count, nothing was changed. Or the
    /// request could not be read, or arrived too long ago.
    async fn answer<P: HasAccounts>(
        &mut self,
        platform: &P,
        request: GuardRequest,
        arrived_at: UnixMillis,
    ) -> Result<GuardReply, Fault> {
        let waited = platform.now().since_ms(arrived_at);
        let left_ms = GUARD_TIMEOUT_MS
            .saturating_sub(waited)
            .min(ATTEMPT_TIMEOUT_MS);
        match request {
            _ if left_ms == 0 => Err(Fault::TimedOut),
            GuardRequest::Stamp => {
                // Else a late repeat would write a cut-off from before this stamp over its.
                self.change = None;
                Ok(GuardReply::Stamped {
                    at: self.stamp(platform),
                })
            }
            GuardRequest::Check(attempt) => self.check(platform, attempt, left_ms).await,
        }
    }

    /// The time, but later than every stamp before: a Worker's clock stands still between waits.
    fn stamp(&mut self, clock: &impl Clock) -> UnixMillis {
        let now = clock.now();
        let stamp = self.last_stamp.map_or(now, |last| now.max(last.plus_ms(1)));
        self.last_stamp = Some(stamp);
        stamp
    }

    async fn check<P: HasAccounts>(
        &mut self,
        platform: &P,
        attempt: Attempt,
        left_ms: u64,
    ) -> Result<GuardReply, Fault> {
        let check = PasswordCheck {
            platform,
            accounts: platform.accounts()?,
            email: attempt.email,
            password: Password::parse(attempt.password).map_err(unreadable)?,
        };
        let source = Source::new(&check.email, &attempt.ip);
        let ticket = match self.attempts.admit(&source, platform.now()) {
            Ok(ticket) => ticket,
            Err(wait) => {
                return Ok(GuardReply::Wait {
                    seconds: wait.seconds,
                });
            }
        };
        // Others wait for their turn: a query must not hang.
        let result = within(left_ms, platform, check.run(attempt.purpose)).await;
        let now = platform.now();
        self.attempts.settle(ticket, attempt_outcome(&result), now);
        let outcome = result?;
        match outcome {
            CheckOutcome::Done(_) | CheckOutcome::Changed { .. } | CheckOutcome::Wrong => {
                self.has_account = true;
            }
            CheckOutcome::Unknown => self.has_account = false,
            // Another account may have the address by now.
            CheckOutcome::Gone => {}
        }
        Ok(match outcome {
            CheckOutcome::Done(account) => GuardReply::Done {
                account,
                at: self.stamp(platform),
                repeated: None,
            },
            CheckOutcome::Changed {
                account,
                sessions,
                was_in_place,
            } => self.changed(platform, account, sessions, was_in_place),
            CheckOutcome::Wrong | CheckOutcome::Unknown => GuardReply::Wrong,
            CheckOutcome::Gone => GuardReply::Gone,
        })
    }

    /// A password was changed, or is found changed by a repeat of the request: that gets the stamp
    /// and the session of the first one.
    fn changed(
        &mut self,
        clock: &impl Clock,
        account: Account,
        sessions: Succession,
        was_in_place: bool,
    ) -> GuardReply {
        let earlier = self.change.as_ref().filter(|_| was_in_place);
        if let Some((session, at)) =
            earlier.and_then(|change| change.started_for(&sessions.from, clock.now()))
        {
            let repeated = Some(session);
            return GuardReply::Done {
                account,
                at,
                repeated,
            };
        }
        let at = self.stamp(clock);
        self.change = Some(PasswordChange { sessions, at });
        GuardReply::Done {
            account,
            at,
            repeated: None,
        }
    }
}

/// Only a wrong password is a failure.
fn attempt_outcome(result: &Result<CheckOutcome, Fault>) -> Outcome {
    match result {
        Ok(CheckOutcome::Wrong | CheckOutcome::Unknown) => Outcome::Failure,
        Ok(CheckOutcome::Done(_) | CheckOutcome::Changed { .. }) => Outcome::Success,
        Ok(CheckOutcome::Gone) | Err(_) => Outcome::Withdrawn,
    }
}

fn unreadable(_: Problem) -> Fault {
    Fault::Unreadable
}

/// What came of a check.
enum CheckOutcome {
    /// The password was right, and what it was presented for is done.
    Done(Account),
    /// The same of a change.
    Changed {
        account: Account,
        sessions: Succession,
        /// The new password was there before.
        was_in_place: bool,
    },
    Wrong,
    /// Nobody has the address. The caller is told that the password was wrong.
    Unknown,
    /// The account does not exist any more.
    Gone,
}

/// A check of a password, by an attempt that was admitted.
struct PasswordCheck<'a, P: HasAccounts> {
    platform: &'a P,
    accounts: P::Accounts,
    email: Email,
    password: Password,
}

impl<P: HasAccounts> PasswordCheck<'_, P> {
    async fn run(&self, purpose: Purpose) -> Result<CheckOutcome, Fault> {
        let found = self.accounts.by_email(&self.email).await?;
        match (purpose, found) {
            (Purpose::SignUp { id, name }, None) => self.add(id, name).await,
            (Purpose::LogIn | Purpose::SignUp { .. }, found) => self.log_in(found).await,
            (Purpose::ChangePassword { id, new, sessions }, Some((account, hash)))
                if account.id == id =>
            {
                let new = Password::parse_new(new).map_err(unreadable)?;
                let Some(was_in_place) = self.change(&account, &hash, &new).await? else {
                    return Ok(CheckOutcome::Wrong);
                };
                Ok(match sessions {
                    Some(sessions) => CheckOutcome::Changed {
                        account,
                        sessions,
                        was_in_place,
                    },
                    None => CheckOutcome::Done(account),
                })
            }
            (Purpose::Delete { id }, Some((account, hash))) if account.id == id => {
                self.delete(account, &hash).await
            }
            (Purpose::ChangePassword { id, .. } | Purpose::Delete { id }, _) => {
                // A row that is merely missing may be a fault.
                let was_deleted = self.accounts.was_deleted(&id).await?;
                was_deleted
                    .then_some(CheckOutcome::Gone)
                    .ok_or(Fault::Failed)
            }
        }
    }

    async fn add(&self, id: UserId, name: Option<Name>) -> Result<CheckOutcome, Fault> {
        let account = Account {
            id,
            email: self.email.clone(),
            name,
            created_at: self.platform.now(),
        };
        if self
            .accounts
            .insert(&account, &self.hash(&self.password))
            .await?
        {
            return Ok(CheckOutcome::Done(account));
        }
        // An import, which asks no guard, has taken the address in the meantime.
        let found = self.accounts.by_email(&self.email).await?;
        self.log_in(found).await
    }

    /// Checks a password against a decoy where nobody has the address: in the same time.
    async fn log_in(&self, found: Option<(Account, PasswordHash)>) -> Result<CheckOutcome, Fault> {
        let Some((account, hash)) = found else {
            let _ = PasswordHash::decoy().verify(&self.password);
            return Ok(CheckOutcome::Unknown);
        };
        match hash.verify(&self.password) {
            Verification::Mismatch => return Ok(CheckOutcome::Wrong),
            Verification::Match => {}
            Verification::MatchOutdated => {
                let renewed = self.hash(&self.password);
                // If it fails, the next login tries again: no reason to refuse this one.
                let _ = self
                    .accounts
                    .set_password(&account.id, &hash, &renewed)
                    .await;
            }
        }
        Ok(CheckOutcome::Done(account))
    }

    /// Whether the new password was in place already; `None` for a wrong password. A repeated
    /// request finds it in place, which is no failure. An earlier try may also land between the read
    /// and the change: the next repetition finds it in place.
    async fn change(
        &self,
        account: &Account,
        hash: &PasswordHash,
        new: &Password,
    ) -> Result<Option<bool>, Fault> {
        if hash.verify(&self.password) == Verification::Mismatch {
            let is_in_place = hash.verify(new) != Verification::Mismatch;
            return Ok(is_in_place.then_some(true));
        }
        if self.password.expose() == new.expose() {
            return Ok(Some(true));
        }
        let new = self.hash(new);
        if self.accounts.set_password(&account.id, hash, &new).await? {
            Ok(Some(false))
        } else {
            Err(Fault::Failed)
        }
    }

    async fn delete(&self, account: Account, hash: &PasswordHash) -> Result<CheckOutcome, Fault> {
        if hash.verify(&self.password) == Verification::Mismatch {
            return Ok(CheckOutcome::Wrong);
        }
        let now = self.platform.now();
        self.accounts.delete(&account.id, now).await?;
        Ok(CheckOutcome::Done(account))
    }

    fn hash(&self, password: &Password) -> PasswordHash {
        password.hash(self.platform.bytes())
    }
}

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

use crate::{
    account::{
        Account, Name,
        attempts::{Attempts, Outcome, Source},
        email::Email,
        message::{Attempt, GuardReply, GuardRequest, Purpose},
        password::{Password, PasswordHash, Verification},
        port::{Accounts, HasAccounts},
    },
    log::Line,
    object::{Actor, Snapshot},
    port::{Clock, Fault, within},
    problem::Problem,
    token::{id::UserId, time::UnixMillis},
};

/// How long a guard may take. A password costs it well under a second, but several may wait for
/// their turn; the phone gives up at 10 s.
pub const GUARD_TIMEOUT_MS: u64 = 6_000;

/// How long a guard may take for one attempt: a question to the table or two, and a password. Less
/// than `GUARD_TIMEOUT_MS`, so that the next in the queue still has a chance.
pub const ATTEMPT_TIMEOUT_MS: u64 = 4_000;

/// What a guard remembers from one request to the next.
#[derive(Debug)]
pub struct AccountGuard {
    attempts: Attempts,
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
                Attempts::default()
            })
        };
        let attempts = stored.map(read).unwrap_or_default();
        Self {
            has_account: !attempts.is_empty(),
            attempts,
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
    }

    /// Nothing for an address without an account: its attempts are in memory only.
    fn snapshot(&self, now: UnixMillis) -> Option<Snapshot> {
        let clean_up_at = self.attempts.next_cleanup(now)?;
        self.has_account.then(|| Snapshot {
            json: serde_json::to_string(&self.attempts).expect("text and numbers"),
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
            GuardRequest::Stamp => Ok(GuardReply::Stamped {
                at: self.stamp(platform),
            }),
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
            password: Password::parse(attempt.password)
                .map_err(unreadable)?
                .normalized(platform),
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
            CheckOutcome::Done(_) | CheckOutcome::Wrong => self.has_account = true,
            CheckOutcome::Unknown => self.has_account = false,
            // Another account may have the address by now.
            CheckOutcome::Gone => {}
        }
        Ok(match outcome {
            CheckOutcome::Done(account) => GuardReply::Done {
                account,
                at: self.stamp(platform),
            },
            CheckOutcome::Wrong | CheckOutcome::Unknown => GuardReply::Wrong,
            CheckOutcome::Gone => GuardReply::Gone,
        })
    }
}

/// Only a wrong password is a failure.
fn attempt_outcome(result: &Result<CheckOutcome, Fault>) -> Outcome {
    match result {
        Ok(CheckOutcome::Wrong | CheckOutcome::Unknown) => Outcome::Failure,
        Ok(CheckOutcome::Done(_)) => Outcome::Success,
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
            (Purpose::ChangePassword { id, new }, Some((account, hash))) if account.id == id => {
                let new = Password::parse_new(new).map_err(unreadable)?;
                self.change(account, &hash, &new).await
            }
            (Purpose::Delete { id }, Some((account, hash))) if account.id == id => {
                self.delete(account, &hash).await
            }
            (Purpose::ChangePassword { .. } | Purpose::Delete { .. }, _) => Ok(CheckOutcome::Gone),
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

    /// A repeated request finds the new password in place already, which is no failure. An earlier
    /// try may also land between the read and the change: the next repetition finds it in place.
    async fn change(
        &self,
        account: Account,
        hash: &PasswordHash,
        new: &Password,
    ) -> Result<CheckOutcome, Fault> {
        if hash.verify(&self.password) == Verification::Mismatch {
            return Ok(match hash.verify(new) {
                Verification::Mismatch => CheckOutcome::Wrong,
                Verification::Match | Verification::MatchOutdated => CheckOutcome::Done(account),
            });
        }
        let new = self.hash(new);
        if self.accounts.set_password(&account.id, hash, &new).await? {
            Ok(CheckOutcome::Done(account))
        } else {
            Err(Fault::Failed)
        }
    }

    async fn delete(&self, account: Account, hash: &PasswordHash) -> Result<CheckOutcome, Fault> {
        if hash.verify(&self.password) == Verification::Mismatch {
            return Ok(CheckOutcome::Wrong);
        }
        self.accounts.delete(&account.id).await?;
        Ok(CheckOutcome::Done(account))
    }

    fn hash(&self, password: &Password) -> PasswordHash {
        password.hash(self.platform.bytes())
    }
}

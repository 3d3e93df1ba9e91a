//! The guard of an account: everything that takes a password or a code goes through it.
//!
//! There is one guard for each e-mail address, and it handles one request at a time. It runs as a
//! Durable Object ([`crate::object`]), for four reasons:
//!
//! * **Time.** Hashing a password takes 30 to 60 ms of CPU. A Worker on the free plan has 10 ms a
//!   request, an object has 30 s.
//! * **Counting.** Fifty attempts at once must be fifty in one count. Nothing else on the platform
//!   counts exactly: KV is a minute late, and a Worker's memory is its own.
//! * **Codes.** What was sent to the address by e-mail, and how often, is counted as exactly
//!   ([`crate::account::codes`]).
//! * **Order.** Two sign-ups of one address make one account. A password is read, checked and
//!   replaced without another attempt in between. And the stamps of logins and of "everything
//!   until now is over" come from one clock, strictly one after the other. When an account changes its
//!   address, another guard goes on where this one stops ([`change_email`]).
//!
//! What it guarantees: its reply is the same whether an address is unknown or a password wrong (the
//! Worker sees to it that it comes at the same moment: [`crate::account::ask_guard`]); no more
//! passwords are checked than [`crate::account::attempts`] admits; sessions that a new password ends are
//! ended, whatever fails ([`owed`]); and it cleans up.
//!
//! For an address without an account it stores nothing but codes, for a day: those that a user wants to
//! change to it with and, where anybody may sign up with a code, those for that. Else a flood of invented
//! addresses would fill the storage, and there is no password to guess. Its attempts are counted in
//! memory, with the same limits, for as long as the object stays awake.

mod change;
mod change_email;
mod check;
mod code;
mod owed;
mod stamps;

use serde::{Deserialize, Serialize};

pub use self::{change::PasswordChange, stamps::Stamps};
use self::{
    change_email::{Departure, PendingMove},
    check::{CheckOutcome, PasswordCheck, full, unreadable},
    owed::OwedEnd,
};
use crate::{
    account::{
        Account,
        attempts::{Attempts, Caller, Source, Wait},
        codes::Codes,
        message::{Attempt, GuardReply, GuardRequest, Purpose, Resident, Succession},
        password::Password,
        port::{Accounts, HasAccounts},
    },
    config::SessionStore,
    log::Line,
    object::{Actor, Snapshot},
    port::{Clock, Fault, within},
    session::rule::CutOff,
    token::{
        id::{Realm, SessionRef, UserId},
        time::UnixMillis,
    },
};

/// How long a guard may take. A password costs it well under a second, but several may wait for
/// their turn; the phone gives up at 10 s.
pub const GUARD_TIMEOUT_MS: u64 = 6_000;

/// How long a guard may take for one attempt: a question to the table or two, and a password. Less
/// than `GUARD_TIMEOUT_MS`, so that the next in the queue still has a chance.
pub const ATTEMPT_TIMEOUT_MS: u64 = 4_000;

/// What a guard stores.
#[derive(Default, Serialize, Deserialize)]
struct Stored<A> {
    #[serde(flatten)]
    attempts: A,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<PasswordChange>,
    #[serde(default, skip_serializing_if = "Codes::is_empty")]
    codes: Codes,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "move")]
    pending: Option<PendingMove>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owed: Vec<OwedEnd>,
}

/// What a guard remembers from one request to the next.
#[derive(Debug)]
pub struct AccountGuard {
    attempts: Attempts,
    change: Option<PasswordChange>,
    codes: Codes,
    /// Where the account is going.
    pending: Option<PendingMove>,
    /// What the Worker may not have got done.
    owed: Vec<OwedEnd>,
    /// The account that has left last. It need not be stored: a Worker that has looked before that
    /// asks within seconds.
    departure: Option<Departure>,
    stamps: Stamps,
    /// Whether the address had an account when it was last looked up, or when this was stored.
    has_account: bool,
    /// Whose account it was when it was last looked up.
    user: Option<UserId>,
}

impl<P: HasAccounts> Actor<P> for AccountGuard {
    type Request = GuardRequest;
    type Reply = GuardReply;

    /// The password change and codes are stored under it, too: the name is older than they are.
    const KEY: &'static str = "attempts";

    fn restore(stored: Option<&str>, platform: &P) -> Self {
        let read = |json| {
            serde_json::from_str(json).unwrap_or_else(|_| {
                // A newer release's, perhaps. Nobody must be locked out forever.
                platform.log(&Line::new("attempts_unreadable").json());
                Stored::default()
            })
        };
        let Stored::<Attempts> {
            attempts,
            change,
            codes,
            pending,
            owed,
        } = stored.map(read).unwrap_or_default();
        Self {
            has_account: !attempts.is_empty() || change.is_some() || pending.is_some(),
            attempts,
            change,
            codes,
            pending,
            owed,
            departure: None,
            stamps: Stamps::default(),
            user: None,
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

    async fn on_alarm(&mut self, platform: &P) {
        self.finish_due(platform).await;
    }

    fn forget_old(&mut self, now: UnixMillis) {
        self.attempts.forget(now);
        self.forget_old_change(now);
        self.codes.forget(now);
    }

    /// Of an address without an account, only codes that were sent to it: its attempts are in memory
    /// only.
    fn snapshot(&self, now: UnixMillis) -> Option<Snapshot> {
        let of_nobody = Attempts::default();
        let attempts = if self.has_account {
            &self.attempts
        } else {
            &of_nobody
        };
        let changed = self.change.as_ref().map(PasswordChange::forgotten_at);
        let moving = self.pending.as_ref().map(PendingMove::forgotten_at);
        let of_passwords = attempts.next_cleanup(now).max(changed).max(moving);
        let owed = self.owed.iter().map(OwedEnd::due_at).min();
        let cleanups = [of_passwords, self.codes.next_cleanup(), owed];
        let alarm_at = cleanups.into_iter().flatten().min()?;
        let stored = Stored {
            attempts,
            change: self.change.clone(),
            codes: self.codes.clone(),
            pending: self.pending.clone(),
            owed: self.owed.clone(),
        };
        Some(Snapshot {
            json: serde_json::to_string(&stored).expect("text and numbers"),
            alarm_at,
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
                self.forget_repeats();
                let at = self.stamps.next(platform);
                self.owe_no_earlier_end(None, at);
                Ok(GuardReply::Stamped { at })
            }
            GuardRequest::StampFor(resident) => self.stamp_for(platform, &resident),
            GuardRequest::Check(attempt) => self.check(platform, attempt, left_ms).await,
            GuardRequest::Issue(new) => self.issue(platform, new, left_ms).await,
            GuardRequest::Redeem(redemption) => self.redeem(platform, redemption, left_ms).await,
            GuardRequest::Destination(user) => Ok(self.destination(&user, platform.now())),
            GuardRequest::Move { from, to } => self.confirm_move(platform, from, to, left_ms).await,
        }
    }

    /// All sessions until now are about to end. A late repeat of what has ended them before would
    /// write an earlier cut-off over that. And whoever does it may do it because somebody else is
    /// changing the address.
    fn forget_repeats(&mut self) {
        (self.change, self.pending) = (None, None);
        self.codes.forget_successes();
    }

    /// The account is deleted, and the Worker is about to end its sessions for good.
    fn forget_account(
        &mut self,
        user: &UserId,
        deleted_at: UnixMillis,
        store: SessionStore,
        now: UnixMillis,
    ) {
        (self.change, self.pending, self.codes) = (None, None, Codes::default());
        self.owe_end(user, CutOff::of_deletion(deleted_at), store, now);
    }

    /// Something is done for an account of this address.
    fn done(&mut self, clock: &impl Clock, account: Account) -> GuardReply {
        self.meet(&Resident::of(&account));
        GuardReply::Done {
            account,
            at: self.stamps.next(clock),
            repeated: None,
            ends_others: false,
        }
    }

    async fn check<P: HasAccounts>(
        &mut self,
        platform: &P,
        attempt: Attempt,
        left_ms: u64,
    ) -> Result<GuardReply, Fault> {
        let mut check = PasswordCheck {
            platform,
            accounts: platform.accounts()?,
            email: attempt.email,
            password: Password::parse(attempt.password)
                .map_err(unreadable)?
                .normalized(platform),
            login_wait: None,
        };
        // Others wait for their turn: a query must not hang.
        let caller = within(left_ms, platform, async {
            let device = match attempt.session {
                Some(session) => self.device(&check, session).await?,
                None => None,
            };
            let network = Source::new(&check.email, &attempt.ip);
            Ok(Caller { network, device })
        })
        .await?;
        let ticket = match self.attempts.admit(&caller, platform.now()) {
            Ok(ticket) => ticket,
            Err(wait) => return Ok(wait.into()),
        };
        let is_deletion = matches!(attempt.purpose, Purpose::Delete { .. });
        let store = attempt.store;
        let email_change = match &attempt.purpose {
            Purpose::ChangeEmail(change) => Some(change.clone()),
            _ => None,
        };
        let now = platform.now();
        check.login_wait = if self.is_repeat(&attempt.purpose, now) {
            None
        } else {
            self.attempts.login_wait(now)
        };
        let result = within(left_ms, platform, check.run(attempt.purpose)).await;
        let now = platform.now();
        self.attempts
            .settle(ticket, CheckOutcome::of_attempt(&result), now);
        let outcome = result?;
        self.learn_from(&outcome);
        if let (true, CheckOutcome::Done(account)) = (is_deletion, &outcome) {
            // Earlier than the stamp of the reply: the Worker ends no fewer.
            let at = self.stamps.next(platform);
            self.forget_account(&account.id, at, store, now);
        }
        Ok(match outcome {
            CheckOutcome::Done(account) => match email_change {
                Some(change) if change.is_immediate => {
                    let to = change.to.email;
                    return self.relocate(platform, account, &to, false, left_ms).await;
                }
                Some(change) => {
                    self.expect_move(change.to, now);
                    self.done(platform, account)
                }
                None => self.done(platform, account),
            },
            CheckOutcome::Changed {
                account,
                sessions,
                was_in_place,
            } => self.changed(platform, account, sessions, was_in_place, store),
            CheckOutcome::Wrong | CheckOutcome::Unknown => GuardReply::Wrong,
            CheckOutcome::Wait(wait) => wait.into(),
            CheckOutcome::NoPassword => GuardReply::NoPassword,
            CheckOutcome::Full => full(now),
            CheckOutcome::Gone => GuardReply::Gone,
        })
    }

    /// Whether the address has an account, and whose.
    fn learn_from(&mut self, outcome: &CheckOutcome) {
        match outcome {
            CheckOutcome::Done(account) | CheckOutcome::Changed { account, .. } => {
                self.meet(&Resident::of(account));
            }
            CheckOutcome::Wrong | CheckOutcome::Wait(_) | CheckOutcome::NoPassword => {
                self.has_account = true;
            }
            CheckOutcome::Unknown => (self.has_account, self.user) = (false, None),
            // Another account may have the address by now.
            CheckOutcome::Gone | CheckOutcome::Full => {}
        }
    }

    /// The device that had this session, if the session is one of this account. The table is asked
    /// once: a flood of refused attempts must not keep others waiting for it.
    async fn device<P: HasAccounts>(
        &mut self,
        check: &PasswordCheck<'_, P>,
        session: SessionRef,
    ) -> Result<Option<Source>, Fault> {
        if self.user.is_none() {
            let found = check.accounts.by_email(&check.email).await?;
            self.user = found.map(|(account, _)| account.id);
        }
        let is_ours = session.realm == Realm::Account && self.user.as_ref() == Some(&session.user);
        Ok(is_ours.then(|| Source::device(&check.email, &session.session)))
    }

    /// Whether this repeats the latest change of the password: then it starts nothing.
    fn is_repeat(&self, purpose: &Purpose, now: UnixMillis) -> bool {
        let Purpose::ChangePassword { sessions, .. } = purpose else {
            return false;
        };
        let latest = self.change.as_ref().zip(sessions.as_ref());
        latest.is_some_and(|(change, sessions)| change.started_for(&sessions.from, now).is_some())
    }

    /// A password was changed, or is found changed by a repeat of the request: that gets the stamp
    /// and the session of the first one.
    fn changed(
        &mut self,
        clock: &impl Clock,
        account: Account,
        sessions: Succession,
        was_in_place: bool,
        store: SessionStore,
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
                ends_others: false,
            };
        }
        let at = self.stamps.next(clock);
        self.forget_repeats();
        let cut_off = CutOff::of_password_change(at, sessions.from.clone());
        self.owe_end(&account.id, cut_off, store, clock.now());
        self.change = Some(PasswordChange::new(sessions, at));
        GuardReply::Done {
            account,
            at,
            repeated: None,
            ends_others: false,
        }
    }
}

impl From<Wait> for GuardReply {
    fn from(wait: Wait) -> Self {
        Self::Wait {
            seconds: wait.seconds,
        }
    }
}

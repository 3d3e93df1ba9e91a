//! The end of all other sessions, after the guard has changed what they were opened with.
//!
//! The guard sets a new password and the Worker ends the sessions then, in another store. If that fails,
//! and nobody repeats the request, whoever had got in would stay. So the guard remembers what it owes,
//! and its alarm looks whether it is done: mostly it is, and that is one read. Else the guard ends them,
//! and tries until the store takes it. Nobody has to log in for that, and no refresh reads anything more.

use serde::{Deserialize, Serialize};

use super::AccountGuard;
use crate::{
    account::{message::Resident, port::HasAccounts},
    config::SessionStore,
    log::Line,
    port::{Deadline, Fault},
    session::{
        rule::CutOff,
        store::{Ending, Sessions},
    },
    token::{
        id::{Realm, UserId},
        time::{LONGEST_SESSION_SECONDS, UnixMillis},
    },
};

/// How long the Worker has first: longer than KV may answer with what it had before.
const FIRST_LOOK_MS: u64 = 90_000;

/// How long the guard waits at most before it tries again. The wait doubles up to this.
const LONGEST_WAIT_MS: u64 = 60 * 60_000;

/// How long a try may take: less than what a request that waits for its turn can spare.
const TRY_MS: u64 = 2_000;

/// The end of all sessions of a user that started until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwedEnd {
    user: UserId,
    cut_off: CutOff,
    store: SessionStore,
    /// When the guard looks whether it is done.
    due_at: UnixMillis,
    /// Whether it has tried before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_tried: bool,
}

impl OwedEnd {
    pub(super) fn due_at(&self) -> UnixMillis {
        self.due_at
    }

    async fn finish<P: HasAccounts>(&self, platform: &P) -> Result<(), Fault> {
        let deadline = Deadline::after_ms(TRY_MS, platform);
        let end_in = async |store| {
            let sessions = Sessions::new(platform, deadline, store)?;
            let ending = sessions.end_all(Realm::Account, &self.user, &self.cut_off);
            ending.await
        };
        let ending = end_in(self.store).await?;
        // The Worker has failed. Since then, sessions may have moved to objects, which ask KV no more.
        if self.store == SessionStore::Kv && (ending == Ending::Ended || self.was_tried) {
            match end_in(SessionStore::DurableObjects).await {
                Ok(_) | Err(Fault::NotBound(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        if ending == Ending::Ended {
            platform.log(&Line::revocation("finished_later", "others").json());
        }
        Ok(())
    }

    /// Tried once more later, until sessions as old as these have expired by themselves.
    fn later(self, now: UnixMillis) -> Option<Self> {
        let since_ms = now.since_ms(self.cut_off.before);
        let wait_ms = since_ms.clamp(FIRST_LOOK_MS, LONGEST_WAIT_MS);
        (since_ms < LONGEST_SESSION_SECONDS * 1_000).then(|| Self {
            due_at: now.plus_ms(wait_ms),
            was_tried: true,
            ..self
        })
    }
}

impl AccountGuard {
    /// The Worker is about to end these.
    pub(super) fn owe_end(
        &mut self,
        user: &UserId,
        cut_off: CutOff,
        store: SessionStore,
        now: UnixMillis,
    ) {
        self.owed.retain(|owed| owed.user != *user);
        self.owed.push(OwedEnd {
            user: user.clone(),
            cut_off,
            store,
            due_at: now.plus_ms(FIRST_LOOK_MS),
            was_tried: false,
        });
    }

    /// All sessions of this account until this stamp are about to end: what is owed must not end fewer,
    /// in a store that has not heard of that yet. While D1 fails, the account is not known: then it is
    /// whoever has something owed here.
    pub(super) fn owe_no_earlier_end(&mut self, resident: Option<&Resident>, at: UnixMillis) {
        let is_meant = |owed: &&mut OwedEnd| resident.is_none_or(|it| it.user == owed.user);
        for owed in self.owed.iter_mut().filter(is_meant) {
            owed.cut_off = CutOff {
                before: at.max(owed.cut_off.before),
                keep: None,
            };
        }
    }

    /// Does what is owed and due.
    pub(super) async fn finish_due<P: HasAccounts>(&mut self, platform: &P) {
        let now = platform.now();
        self.finish(platform, |owed| owed.due_at <= now).await;
    }

    /// Does what is owed of an account that is about to leave: the next end of its sessions is another
    /// guard's, and must not be overtaken.
    ///
    /// # Errors
    /// The store did not take it.
    pub(super) async fn finish_for<P: HasAccounts>(
        &mut self,
        platform: &P,
        user: &UserId,
    ) -> Result<(), Fault> {
        self.finish(platform, |owed| owed.user == *user).await;
        let is_left = self.owed.iter().any(|owed| owed.user == *user);
        if is_left { Err(Fault::Failed) } else { Ok(()) }
    }

    async fn finish<P: HasAccounts>(&mut self, platform: &P, is_now: impl Fn(&OwedEnd) -> bool) {
        let (now, mut later): (Vec<_>, Vec<_>) = self.owed.drain(..).partition(is_now);
        for owed in now {
            if let Err(fault) = owed.finish(platform).await {
                let line = Line::new("sessions_not_ended_yet");
                platform.log(&line.because_of(&fault.to_string()).json());
                later.extend(owed.later(platform.now()));
            }
        }
        self.owed = later;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::id::SessionId;

    fn owed(cut_off: CutOff) -> OwedEnd {
        OwedEnd {
            user: UserId::parse("u1").expect("a user id"),
            cut_off,
            store: SessionStore::Kv,
            due_at: UnixMillis(91_000),
            was_tried: false,
        }
    }

    #[test]
    fn the_json_is_pinned() {
        let session = SessionId::from_random([7; 16]);
        let change = owed(CutOff::of_password_change(UnixMillis(1_000), session));
        let reset = OwedEnd {
            store: SessionStore::DurableObjects,
            ..owed(CutOff::before(UnixMillis(1_000)))
        };
        let mut tried = reset.clone();
        tried.was_tried = true;
        for (owed, json) in [
            (
                tried,
                r#"{"user":"u1","cut_off":{"before":999,"keep":null},"store":"durable_objects","due_at":91000,"was_tried":true}"#,
            ),
            (
                change,
                r#"{"user":"u1","cut_off":{"before":999,"keep":{"session":"BwcHBwcHBwcHBwcHBwcHBw","until":66000}},"store":"kv","due_at":91000}"#,
            ),
            (
                reset,
                r#"{"user":"u1","cut_off":{"before":999,"keep":null},"store":"durable_objects","due_at":91000}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&owed).expect("JSON"), json);
            let read: OwedEnd = serde_json::from_str(json).expect("what is stored");
            assert_eq!(read, owed);
        }
    }

    #[test]
    fn a_try_comes_as_long_after_the_last_one_as_all_took_but_within_an_hour() {
        let minutes = |minutes: u64| UnixMillis(1_000 + minutes * 60_000);
        let wait = |now: UnixMillis| {
            let later = owed(CutOff::before(UnixMillis(1_001))).later(now);
            later.map(|owed| owed.due_at.since_ms(now))
        };
        assert_eq!(wait(minutes(0)), Some(FIRST_LOOK_MS));
        assert_eq!(wait(minutes(10)), Some(10 * 60_000));
        assert_eq!(wait(minutes(600)), Some(LONGEST_WAIT_MS));
        assert_eq!(wait(minutes(LONGEST_SESSION_SECONDS / 60)), None);
    }
}

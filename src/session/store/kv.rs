//! Sessions in a key-value store: the keys, what they contain, for how long, and how writes are
//! made.
//!
//! Every key has one kind of writer, so that no lost update can matter: the store has no
//! compare-and-swap.
//!
//! | Key | Written by | Value | TTL |
//! |---|---|---|---|
//! | `session:{uid}:{sid}`, `service:{uid}:{sid}` | login, once; revocation puts a tombstone over it | `v, created_at, expires_at, device, claims, account`, or `v, revoked_at` | to the absolute end |
//! | `activity:{sid}` | refresh | `v, gen, iat, gen_at, prev_at, seen_at` | idle window and a third, to the absolute end at most |
//! | `revoked:{uid}`, `service-revoked:{uid}` | ending all sessions of a user | `v, before, keep, keep_until` | the longest lifetime of a session |
//! | `tokenkeep:born` | the first login, once | `v, at` | none |
//!
//! The keys with `service` are those of the owner's own back end ([`Realm`]). An earlier version kept
//! its sessions under the others; there they still end with either of the two cut-offs.
//!
//! `prev_at` is there only if the client advanced twice within about a minute.
//! `iat` is in seconds, as in the token; every other time is in milliseconds. The JSON is pinned
//! by tests: data written by an older version stays readable.

use futures_util::future::join_all;

use crate::{
    log::Line,
    port::{Deadline, Fault, within},
    session::{
        port::{HasSessions, KeyValue, Write},
        record,
        rule::{Activity, CutOff, IdleWindow, SessionRecord, Snapshot, StoredSession, Verdict},
        store::{
            AFTER_RESPONSE_TIMEOUT_MS, ERASE_TIMEOUT_MS, ERASED_PER_PAGE, Ending, Limits,
            READ_TIMEOUT_MS, RETRY_PAUSE_MS, WRITE_TIMEOUT_MS,
            keys::{
                BIRTH_KEY, GIVEN_UP_KEY, activity_key, cut_off_key, session_key, session_prefix,
                ttl_seconds,
            },
            later,
        },
    },
    token::{
        id::{Realm, SessionId, SessionRef, UserId},
        refresh::RefreshToken,
        time::{LONGEST_SESSION_SECONDS, UnixMillis, UnixSeconds},
    },
};

/// The sessions of all users, as this data centre sees them.
pub struct KvSessions<'a, P: HasSessions> {
    pub(super) platform: &'a P,
    deadline: Deadline,
    pub(super) store: P::Store,
}

impl<'a, P: HasSessions> KvSessions<'a, P> {
    /// The sessions, until a deadline.
    ///
    /// # Errors
    /// The store is not bound.
    pub fn new(platform: &'a P, deadline: Deadline) -> Result<Self, Fault> {
        Ok(Self {
            platform,
            deadline,
            store: platform.sessions()?,
        })
    }

    /// Everything about one session: three keys in one call.
    ///
    /// # Errors
    /// The store failed, did not answer in time, or holds something unreadable.
    pub(in crate::session) async fn load(
        &self,
        session_ref: &SessionRef,
    ) -> Result<Snapshot, Fault> {
        let keys = [
            session_key(session_ref),
            activity_key(&session_ref.session),
            cut_off_key(session_ref.realm, &session_ref.user),
        ];
        let [session, activity, cut_off] = self.read(keys.each_ref().map(String::as_str)).await?;
        let stored = Snapshot {
            session: record::read_session(session)?,
            activity: record::read_activity(activity)?,
            cut_off: record::read_cut_off(cut_off)?,
        };
        self.with_both_cut_offs(session_ref, stored).await
    }

    /// A session of the owner's back end that an earlier version has opened ends with the later ones
    /// of its user, too: one more key, for these only.
    async fn with_both_cut_offs(
        &self,
        session_ref: &SessionRef,
        mut stored: Snapshot,
    ) -> Result<Snapshot, Fault> {
        let is_service =
            matches!(&stored.session, Some(StoredSession::Open(it)) if !it.has_account);
        if is_service && session_ref.realm == Realm::Account {
            let other = self.cut_off(Realm::Service, &session_ref.user).await?;
            stored.cut_off = later(stored.cut_off, other);
        }
        Ok(stored)
    }

    /// What an access token is checked against: two keys in one call.
    ///
    /// # Errors
    /// The store failed, did not answer in time, or holds something unreadable.
    pub async fn look_up(&self, session_ref: &SessionRef) -> Result<Snapshot, Fault> {
        let keys = [
            session_key(session_ref),
            cut_off_key(session_ref.realm, &session_ref.user),
        ];
        let [session, cut_off] = self.read(keys.each_ref().map(String::as_str)).await?;
        let stored = Snapshot {
            session: record::read_session(session)?,
            activity: None,
            cut_off: record::read_cut_off(cut_off)?,
        };
        self.with_both_cut_offs(session_ref, stored).await
    }

    /// Opens a session: one write. After the response, the store gets its birth mark if it has none,
    /// and an account that has too many sessions loses some.
    ///
    /// # Errors
    /// The store failed twice, or did not answer in time.
    pub async fn create(
        &self,
        session_ref: &SessionRef,
        record: &SessionRecord,
        limits: Limits,
    ) -> Result<(), Fault> {
        self.write_new(session_ref, record).await?;
        self.mark_birth_after_response();
        // Another back end may have good reasons for thousands of sessions of one user.
        if record.has_account {
            self.trim_after_response(session_ref, limits, record.expires_at);
        }
        Ok(())
    }

    /// Opens a session that another copy of the request may have opened before, and that may have been
    /// ended since: false then. At once with that copy, the store refuses one of the two writes.
    ///
    /// # Errors
    /// The store failed, or did not answer in time.
    pub async fn create_again(
        &self,
        session_ref: &SessionRef,
        record: &SessionRecord,
    ) -> Result<bool, Fault> {
        let load = async || self.look_up(session_ref).await;
        let found = match load().await?.session {
            Some(found) => found,
            None => match self.write_new(session_ref, record).await {
                Ok(()) => return Ok(true),
                Err(refused) => load().await?.session.ok_or(refused)?,
            },
        };
        Ok(matches!(found, StoredSession::Open(_)))
    }

    async fn write_new(
        &self,
        session_ref: &SessionRef,
        record: &SessionRecord,
    ) -> Result<(), Fault> {
        let write = Write {
            key: session_key(session_ref),
            value: record::session(record),
            ttl_seconds: Some(ttl_seconds(self.platform.now(), record.expires_at)),
            metadata: Some(record::metadata(record)),
        };
        self.write_before_response(write).await
    }

    /// Decides a refresh, and acts on the verdict: three keys in one read. What is worth
    /// noting is written after the response, and a session whose token was reused is ended before it.
    ///
    /// # Errors
    /// The store failed, did not answer in time, or holds something unreadable.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        window: IdleWindow,
        now: UnixMillis,
    ) -> Result<Verdict, Fault> {
        let stored = self.load(&token.session_ref).await?;
        let session = &token.session_ref.session;
        let verdict = (self.platform.rule())(session, token.position, stored, window, now);
        match &verdict {
            Verdict::Live {
                record,
                note: Some(activity),
                ..
            } => self.note_after_response(session, *activity, window, record.expires_at),
            Verdict::Reused => self.end(&token.session_ref, token.session_end).await?,
            Verdict::Lost => return self.judge_lost(token).await,
            _ => {}
        }
        Ok(verdict)
    }

    /// The second decision. A store that is known to be older than the token has lost this one key, and
    /// the session is over with it. One that is younger, or has no mark of its age, may be the wrong
    /// one, which must not log anyone out. Nor must one that has its data back since the first look:
    /// so the session is read once more, together with the mark.
    async fn judge_lost(&self, token: &RefreshToken) -> Result<Verdict, Fault> {
        let key = session_key(&token.session_ref);
        let [session, birth] = self.read([key.as_str(), BIRTH_KEY]).await?;
        let issued_at = token.position.issued_at.millis();
        let is_older = record::read_birth(birth)?.is_some_and(|born_at| born_at <= issued_at);
        Ok(match session {
            Some(_) => Verdict::NotHereYet,
            None if is_older => Verdict::Expired,
            None => Verdict::Lost,
        })
    }

    /// Ends a session that the store knows, if it is of such a user. One that was ended before stays
    /// so, without a write.
    ///
    /// # Errors
    /// The store failed, or did not answer in time.
    pub async fn end_if_known(
        &self,
        session_ref: &SessionRef,
        of_account: Option<bool>,
    ) -> Result<Ending, Fault> {
        match self.look_up(session_ref).await?.session {
            Some(StoredSession::Revoked(_)) => Ok(Ending::WasEnded),
            Some(StoredSession::Open(record))
                if of_account.is_none_or(|it| it == record.has_account) =>
            {
                self.end(session_ref, record.expires_at.seconds()).await?;
                Ok(Ending::Ended)
            }
            _ => Ok(Ending::Unknown),
        }
    }

    /// Ends a session for good: a tombstone stays until the absolute end, when the last token of the
    /// session expires by itself. A delete would not do: what is deleted can be written again.
    ///
    /// # Errors
    /// The store failed twice, or did not answer in time.
    pub async fn end(
        &self,
        session_ref: &SessionRef,
        session_end: UnixSeconds,
    ) -> Result<(), Fault> {
        let now = self.platform.now();
        let write = Write {
            key: session_key(session_ref),
            value: record::tombstone(now),
            ttl_seconds: Some(ttl_seconds(now, session_end.millis())),
            metadata: Some(record::metadata_of_tombstone(now)),
        };
        self.write_before_response(write).await
    }

    /// What ended sessions of this user, if anything did.
    ///
    /// # Errors
    /// The store failed, did not answer in time, or holds something unreadable.
    pub async fn cut_off(&self, realm: Realm, user: &UserId) -> Result<Option<CutOff>, Fault> {
        let [cut_off] = self.read([cut_off_key(realm, user).as_str()]).await?;
        record::read_cut_off(cut_off)
    }

    /// Ends every session of a user that started at this time or earlier, except one. Cut-offs only
    /// ever move forward: one that ends more stays, as far as this data centre sees it, also one that
    /// came while the store refused ours. Of copies of the request that arrive at once, the store
    /// refuses all writes but one, and the others find that.
    ///
    /// # Errors
    /// The store failed twice, or did not answer in time.
    pub async fn end_all(
        &self,
        realm: Realm,
        user: &UserId,
        cut_off: &CutOff,
    ) -> Result<Ending, Fault> {
        self.twice(async || {
            let known = self.cut_off(realm, user).await?;
            let merged = later(known.clone(), Some(cut_off.clone()));
            if known == merged {
                return Ok(Ending::WasEnded);
            }
            let write = Write {
                key: cut_off_key(realm, user),
                value: record::cut_off(merged.as_ref().unwrap_or(cut_off)),
                ttl_seconds: Some(LONGEST_SESSION_SECONDS),
                metadata: None,
            };
            self.store.write(&write).await.map(|()| Ending::Ended)
        })
        .await
    }

    /// Ends the sessions of an account for good, and erases what is stored of them: devices and claims
    /// are personal. The first page before the response, the rest after it. The cut-off comes last: see
    /// [`delete_account`](crate::account::delete::delete_account).
    ///
    /// # Errors
    /// The store failed.
    pub async fn erase_all(&self, user: &UserId, cut_off: &CutOff) -> Result<(), Fault> {
        self.erase(user).await?;
        let ending = self.end_all(Realm::Account, user, cut_off).await;
        ending.map(drop)
    }

    pub(super) async fn erase(&self, user: &UserId) -> Result<(), Fault> {
        let prefix = session_prefix(Realm::Account, user);
        let first = erase_page(&self.store, &prefix, None);
        let mut next = self.within(ERASE_TIMEOUT_MS, first).await?;
        if next.is_some() {
            let (store, platform) = (self.store.clone(), self.platform.clone());
            self.platform.after_response(async move {
                let deadline = Deadline::after_ms(AFTER_RESPONSE_TIMEOUT_MS, &platform);
                while next.is_some() {
                    let page = erase_page(&store, &prefix, next.as_deref());
                    match deadline.within(ERASE_TIMEOUT_MS, &platform, page).await {
                        Ok(page) => next = page,
                        Err(_) => return platform.log(&Line::new("sessions_not_erased").json()),
                    }
                }
            });
        }
        Ok(())
    }

    /// Records, after the response, how far a client has advanced. A write that is lost does no harm:
    /// the token itself proves its position the next time.
    fn note_after_response(
        &self,
        session: &SessionId,
        activity: Activity,
        window: IdleWindow,
        session_end: UnixMillis,
    ) {
        let seen_at = activity.seen_at;
        let forgotten_at = seen_at.plus_ms(window.activity_ms()).min(session_end);
        let write = Write {
            key: activity_key(session),
            value: record::activity(activity),
            ttl_seconds: Some(ttl_seconds(seen_at, forgotten_at)),
            metadata: None,
        };
        let (store, platform) = (self.store.clone(), self.platform.clone());
        self.platform.after_response(async move {
            let write = || within(WRITE_TIMEOUT_MS, &platform, store.write(&write));
            if write().await.is_err() {
                platform.sleep_ms(RETRY_PAUSE_MS).await;
                if let Err(fault) = write().await {
                    let line = Line::new("activity_write_lost");
                    platform.log(&line.because_of(&fault.to_string()).json());
                }
            }
        });
    }

    /// Marks, after the response to a login, when this store was born, unless it is marked already.
    /// A store that is lost and made anew is younger than the tokens of the lost sessions, and that is
    /// how it is found out. What fails is done by a later login.
    fn mark_birth_after_response(&self) {
        if self.platform.has_birth_mark() {
            return;
        }
        let platform = self.platform.clone();
        self.platform.after_response(async move {
            let deadline = Deadline::after_ms(AFTER_RESPONSE_TIMEOUT_MS, &platform);
            if let Ok(sessions) = KvSessions::new(&platform, deadline)
                && sessions.mark_birth().await.is_ok()
            {
                platform.note_birth_mark();
            }
        });
    }

    async fn mark_birth(&self) -> Result<(), Fault> {
        if self.born_at().await?.is_some() {
            return Ok(());
        }
        let write = Write {
            key: BIRTH_KEY.to_owned(),
            value: record::birth(self.platform.now()),
            ttl_seconds: None,
            metadata: None,
        };
        self.write_before_response(write).await
    }

    /// Until when the operator has given up what objects have lost.
    ///
    /// # Errors
    /// The store failed, did not answer in time, or holds something unreadable.
    pub async fn given_up_at(&self) -> Result<Option<UnixMillis>, Fault> {
        let [mark] = self.read([GIVEN_UP_KEY]).await?;
        record::read_birth(mark)
    }

    async fn born_at(&self) -> Result<Option<UnixMillis>, Fault> {
        let [birth] = self.read([BIRTH_KEY]).await?;
        record::read_birth(birth)
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn check(&self) -> Result<(), Fault> {
        self.read(["health"]).await.map(|_| ())
    }

    pub(super) async fn within<T>(
        &self,
        milliseconds: u64,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        self.deadline
            .within(milliseconds, self.platform, work)
            .await
    }

    async fn read<const N: usize>(&self, keys: [&str; N]) -> Result<[Option<String>; N], Fault> {
        self.within(READ_TIMEOUT_MS, self.store.read(keys)).await
    }

    async fn write_before_response(&self, write: Write) -> Result<(), Fault> {
        self.twice(async || self.store.write(&write).await).await
    }

    /// Tries, and once more after a second if that was refused: a key takes one write a second. What
    /// timed out is not tried again: the phone would give up before.
    async fn twice<T>(&self, attempt: impl AsyncFn() -> Result<T, Fault>) -> Result<T, Fault> {
        let trying = async {
            match attempt().await {
                Err(Fault::Failed | Fault::Throttled) => {
                    self.platform.sleep_ms(RETRY_PAUSE_MS).await;
                    attempt().await
                }
                other => other,
            }
        };
        self.within(WRITE_TIMEOUT_MS, trying).await
    }
}

/// Erases a page of the keys that start like this, and returns the cursor of the next page.
async fn erase_page(
    store: &impl KeyValue,
    prefix: &str,
    from: Option<&str>,
) -> Result<Option<String>, Fault> {
    let page = store.list(prefix, from, ERASED_PER_PAGE).await?;
    for erased in join_all(page.keys.iter().map(|key| store.delete(&key.name))).await {
        erased?;
    }
    Ok(page.next)
}

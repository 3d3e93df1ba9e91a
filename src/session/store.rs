//! Sessions in the key-value store: the keys, what they contain, for how long, and how writes are
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
    http::request::Request,
    log::Line,
    port::{Deadline, Fault, within},
    session::{
        port::{HasSessions, KeyValue, MIN_TTL_SECONDS, Write},
        record,
        rule::{Activity, CutOff, IdleWindow, Metadata, SessionRecord, Snapshot, StoredSession},
    },
    token::{
        id::{Realm, SessionId, SessionRef, UserId},
        time::{LONGEST_SESSION_SECONDS, UnixMillis, UnixSeconds},
    },
};

/// How long a read of the store may take.
pub const READ_TIMEOUT_MS: u64 = 2_500;

/// How long a write that the response waits for may take, second try included; and each try of one
/// that no response waits for.
pub const WRITE_TIMEOUT_MS: u64 = 5_000;

/// The pause before a refused write is tried once more: KV takes one write a second for a key.
pub const RETRY_PAUSE_MS: u64 = 1_100;

/// How many sessions are erased in one go: a request on the free plan may make 50 calls.
pub const ERASED_PER_PAGE: u32 = 25;

/// How long each of those may take.
pub const ERASE_TIMEOUT_MS: u64 = 3_000;

/// Maximum number of sessions on a page of a list: each takes two of the 100 keys that one read may
/// have.
pub const SESSIONS_PER_PAGE: u32 = 50;

/// How long work after the response may take. Nobody waits for it, but the runtime silently ends it
/// after 30 s.
pub const AFTER_RESPONSE_TIMEOUT_MS: u64 = 20_000;

/// The mark of the store's birth. No user's key starts like this.
const BIRTH_KEY: &str = "tokenkeep:born";

/// The sessions of all users, as this data centre sees them.
pub struct Sessions<'a, P: HasSessions> {
    pub(super) platform: &'a P,
    deadline: Deadline,
    store: P::Store,
}

impl<'a, P: HasSessions> Sessions<'a, P> {
    /// The sessions, for a request.
    ///
    /// # Errors
    /// The store is not bound.
    pub fn for_request(request: &Request<'a, P>) -> Result<Self, Fault> {
        Self::new(request.platform, request.deadline)
    }

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
    pub async fn load(&self, session_ref: &SessionRef) -> Result<Snapshot, Fault> {
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
    pub async fn load_without_activity(&self, session_ref: &SessionRef) -> Result<Snapshot, Fault> {
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

    /// Writes a new session.
    ///
    /// # Errors
    /// The store failed twice, or did not answer in time.
    pub async fn create(
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

    /// One page of a user's sessions whose ids start like this, with the metadata of each: one
    /// listing.
    ///
    /// # Errors
    /// The store failed, or did not answer in time.
    pub async fn listing(
        &self,
        realm: Realm,
        user: &UserId,
        beginning: &str,
        from: Option<&str>,
    ) -> Result<(Vec<(SessionId, Option<Metadata>)>, Option<String>), Fault> {
        let prefix = session_prefix(realm, user);
        let beginning = prefix.clone() + beginning;
        let listing = self.store.list(&beginning, from, SESSIONS_PER_PAGE);
        let page = self.within(READ_TIMEOUT_MS, listing).await?;
        let sessions = page.keys.iter().filter_map(|key| {
            let session = SessionId::parse(key.name.strip_prefix(&prefix)?).ok()?;
            Some((session, record::read_metadata(key.metadata.as_deref())))
        });
        Ok((sessions.collect(), page.next))
    }

    /// Everything about these sessions of a user, in their order: two keys of each, in one read. At
    /// most [`SESSIONS_PER_PAGE`]. Under the keys of accounts, those of the owner's back end are taken
    /// for absent, or all others. The cut-off is the user's, which was read before.
    ///
    /// # Errors
    /// The store failed, did not answer in time, or holds something unreadable.
    pub async fn snapshots(
        &self,
        (realm, has_account): (Realm, bool),
        user: &UserId,
        sessions: &[SessionId],
        cut_off: Option<&CutOff>,
    ) -> Result<Vec<Snapshot>, Fault> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let prefix = session_prefix(realm, user);
        let keys: Vec<String> = sessions
            .iter()
            .flat_map(|session| [prefix.clone() + session.as_str(), activity_key(session)])
            .collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let reading = self.store.read_all(&keys);
        let mut values = self.within(READ_TIMEOUT_MS, reading).await?.into_iter();
        let is_asked_for = |stored: &StoredSession| !matches!(stored, StoredSession::Open(it) if it.has_account != has_account);
        let snapshots = sessions.iter().map(|_| {
            Ok(Snapshot {
                session: record::read_session(values.next().flatten())?.filter(is_asked_for),
                activity: record::read_activity(values.next().flatten())?,
                cut_off: cut_off.cloned(),
            })
        });
        snapshots.collect()
    }

    /// What ended sessions of this user, if anything did.
    ///
    /// # Errors
    /// The store failed, did not answer in time, or holds something unreadable.
    pub async fn cut_off(&self, realm: Realm, user: &UserId) -> Result<Option<CutOff>, Fault> {
        let [cut_off] = self.read([cut_off_key(realm, user).as_str()]).await?;
        record::read_cut_off(cut_off)
    }

    /// Ends every session of a user that started at this time or earlier, except one.
    ///
    /// # Errors
    /// The store failed twice, or did not answer in time.
    pub async fn end_all(
        &self,
        realm: Realm,
        user: &UserId,
        cut_off: &CutOff,
    ) -> Result<(), Fault> {
        let write = Write {
            key: cut_off_key(realm, user),
            value: record::cut_off(cut_off),
            ttl_seconds: Some(LONGEST_SESSION_SECONDS),
            metadata: None,
        };
        self.write_before_response(write).await
    }

    /// Erases what is stored of an account's sessions: devices and claims are personal. The first page
    /// now, the rest after the response.
    ///
    /// # Errors
    /// The store failed.
    pub async fn erase_all(&self, user: &UserId) -> Result<(), Fault> {
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
    pub fn note_after_response(
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
    pub fn mark_birth_after_response(&self) {
        if self.platform.has_birth_mark() {
            return;
        }
        let platform = self.platform.clone();
        self.platform.after_response(async move {
            let deadline = Deadline::after_ms(AFTER_RESPONSE_TIMEOUT_MS, &platform);
            if let Ok(sessions) = Sessions::new(&platform, deadline)
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

    async fn born_at(&self) -> Result<Option<UnixMillis>, Fault> {
        let [birth] = self.read([BIRTH_KEY]).await?;
        record::read_birth(birth)
    }

    /// Whether a session that was missing is here by now, and when the first login marked this store:
    /// in one call. A store whose data comes back meanwhile would otherwise show its age to a request
    /// that has just missed the session.
    ///
    /// # Errors
    /// The store failed, did not answer in time, or holds something unreadable.
    pub async fn look_again(
        &self,
        session_ref: &SessionRef,
    ) -> Result<(bool, Option<UnixMillis>), Fault> {
        let key = session_key(session_ref);
        let [session, birth] = self.read([key.as_str(), BIRTH_KEY]).await?;
        Ok((session.is_some(), record::read_birth(birth)?))
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn check(&self) -> Result<(), Fault> {
        self.read(["health"]).await.map(|_| ())
    }

    async fn within<T>(
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

    /// Writes, and once more after a second if that was refused: a key takes one write a second. A
    /// write that timed out is not tried again: the phone would give up before.
    async fn write_before_response(&self, write: Write) -> Result<(), Fault> {
        let writing = async {
            match self.store.write(&write).await {
                Err(Fault::Failed | Fault::Throttled) => {
                    self.platform.sleep_ms(RETRY_PAUSE_MS).await;
                    self.store.write(&write).await
                }
                other => other,
            }
        };
        self.within(WRITE_TIMEOUT_MS, writing).await
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

/// Of two cut-offs that both hold, the one that ends more.
#[must_use]
pub fn later(one: Option<CutOff>, other: Option<CutOff>) -> Option<CutOff> {
    [one, other]
        .into_iter()
        .flatten()
        .max_by_key(|it| it.before)
}

fn session_prefix(realm: Realm, user: &UserId) -> String {
    let kind = match realm {
        Realm::Account => "session",
        Realm::Service => "service",
    };
    format!("{kind}:{}:", user.as_str())
}

fn session_key(session_ref: &SessionRef) -> String {
    session_prefix(session_ref.realm, &session_ref.user) + session_ref.session.as_str()
}

fn activity_key(session: &SessionId) -> String {
    format!("activity:{}", session.as_str())
}

fn cut_off_key(realm: Realm, user: &UserId) -> String {
    let kind = match realm {
        Realm::Account => "revoked",
        Realm::Service => "service-revoked",
    };
    format!("{kind}:{}", user.as_str())
}

fn ttl_seconds(now: UnixMillis, until: UnixMillis) -> u64 {
    let seconds = until.since_ms(now).div_ceil(1000);
    // What is stored may say anything; KV refuses what is too long, too.
    seconds.clamp(MIN_TTL_SECONDS, LONGEST_SESSION_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_pinned() {
        let session_ref = SessionRef {
            realm: Realm::Account,
            user: UserId::parse("ada@example.com").expect("a user id"),
            session: SessionId::from_random([7; 16]),
        };
        assert_eq!(
            session_key(&session_ref),
            "session:ada@example.com:BwcHBwcHBwcHBwcHBwcHBw"
        );
        assert_eq!(
            activity_key(&session_ref.session),
            "activity:BwcHBwcHBwcHBwcHBwcHBw"
        );
        let user = &session_ref.user;
        assert_eq!(cut_off_key(Realm::Account, user), "revoked:ada@example.com");
        assert_eq!(
            cut_off_key(Realm::Service, user),
            "service-revoked:ada@example.com"
        );
        let session_ref = SessionRef {
            realm: Realm::Service,
            ..session_ref.clone()
        };
        assert_eq!(
            session_key(&session_ref),
            "service:ada@example.com:BwcHBwcHBwcHBwcHBwcHBw"
        );
    }

    #[test]
    fn a_ttl_is_what_the_store_takes() {
        assert_eq!(ttl_seconds(UnixMillis(0), UnixMillis(59_000)), 60);
        assert_eq!(ttl_seconds(UnixMillis(9_000), UnixMillis(0)), 60);
        assert_eq!(ttl_seconds(UnixMillis(0), UnixMillis(60_001)), 61);
        let longest = ttl_seconds(UnixMillis(0), UnixMillis(u64::MAX));
        assert_eq!(longest, LONGEST_SESSION_SECONDS);
    }
}

//! A page of a user's sessions: one listing, from the metadata of the keys. Values are read only of
//! sessions without metadata, of those that may be idle, and on request of all.

use serde::{Deserialize, Serialize};

use crate::{
    port::Fault,
    session::{
        port::{HasSessions, KeyValue},
        record,
        rule::{CutOff, IdleWindow, Metadata, Snapshot, StoredSession, listed, may_be_idle},
        store::{
            KvSessions, READ_TIMEOUT_MS, SESSIONS_PER_PAGE,
            keys::{activity_key, session_prefix},
            later,
        },
    },
    token::{
        id::{Realm, SessionId, UserId},
        time::UnixMillis,
    },
};

/// What is asked for.
#[derive(Debug)]
pub struct ListQuery<'a> {
    /// Whose sessions.
    pub user: &'a UserId,
    /// Which keys the bearer's own session has.
    pub realm: Realm,
    /// Whether they are those of an account.
    pub has_account: bool,
    /// What ended sessions of that realm, if anything did.
    pub cut_off: Option<&'a CutOff>,
    /// Where the page starts; none for the first.
    pub cursor: Option<&'a str>,
    /// Whether it has to be known when each was last seen.
    pub with_last_seen: bool,
    /// How long a session lives without being used.
    pub window: IdleWindow,
    /// The time.
    pub now: UnixMillis,
}

/// A page of live sessions.
#[derive(Debug)]
pub struct Listing {
    /// The sessions. Dead ones are left out, so that a page may be short and have a next one.
    pub items: Vec<ListItem>,
    /// From where the next page goes on, if there is one.
    pub next: Option<String>,
}

/// A session of a page.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListItem {
    /// Which one.
    pub id: SessionId,
    /// What the client called itself.
    pub device: Option<String>,
    /// When the user logged in.
    pub created_at: UnixMillis,
    /// When the client was last seen: only if that was asked for. It may have been seen up to a third
    /// of the idle window later.
    pub seen_at: Option<UnixMillis>,
}

impl<P: HasSessions> KvSessions<'_, P> {
    /// One page of a user's live sessions.
    ///
    /// # Errors
    /// The store failed, or did not answer in time.
    pub async fn list(&self, query: &ListQuery<'_>) -> Result<Listing, Fault> {
        let place = Place::parse(query.has_account, query.cursor);
        let lister = Lister {
            with_last_seen: query.with_last_seen,
            window: query.window,
            now: query.now,
            realm: place.realm,
            cut_off: self.cut_off_of(query, place.realm).await?,
        };
        let (mut found, next) = self
            .listing(place.realm, query.user, "", place.cursor)
            .await?;
        found.retain(|(_, data)| !is_of_another(query.has_account, data.as_ref()));
        let unknown = found
            .iter()
            .filter(|(_, data)| lister.has_to_read(data.as_ref()));
        let unknown: Vec<SessionId> = unknown.map(|(session, _)| session.clone()).collect();
        let whose = (place.realm, query.has_account);
        let mut read = self
            .snapshots(whose, query.user, &unknown, lister.cut_off.as_ref())
            .await?
            .into_iter();
        let items = found.into_iter().filter_map(|(session, data)| match data {
            data if lister.has_to_read(data.as_ref()) => lister.read(session, read.next()?),
            Some(Metadata::Open {
                created_at, device, ..
            }) => lister.known(session, created_at, device),
            _ => None,
        });
        Ok(Listing {
            items: items.collect(),
            next: place.next(next),
        })
    }

    /// What ended sessions of this part of the list.
    async fn cut_off_of(
        &self,
        query: &ListQuery<'_>,
        realm: Realm,
    ) -> Result<Option<CutOff>, Fault> {
        let own = query.cut_off.cloned();
        if realm == query.realm {
            return Ok(own);
        }
        let other = self.cut_off(realm, query.user).await?;
        Ok(later(own, other))
    }

    /// One page of a user's sessions whose ids start like this, with the metadata of each: one
    /// listing.
    ///
    /// # Errors
    /// The store failed, or did not answer in time.
    pub(super) async fn listing(
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
    pub(super) async fn snapshots(
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
}

/// Whether a session is known to be of the account, and the list of a user of the owner's back end.
fn is_of_another(has_account: bool, data: Option<&Metadata>) -> bool {
    let is_of_account = matches!(
        data,
        Some(Metadata::Open {
            has_account: true,
            ..
        })
    );
    is_of_account && !has_account
}

/// What a session looks like in the list.
struct Lister {
    with_last_seen: bool,
    window: IdleWindow,
    now: UnixMillis,
    realm: Realm,
    cut_off: Option<CutOff>,
}

impl Lister {
    /// Under the keys of accounts, earlier versions have put sessions of the owner's back end, too;
    /// their metadata do not say which is which.
    fn has_to_read(&self, data: Option<&Metadata>) -> bool {
        match data {
            Some(Metadata::Revoked) => false,
            Some(Metadata::Open {
                created_at,
                has_account,
                ..
            }) => {
                self.with_last_seen
                    || (self.realm == Realm::Account && !has_account)
                    || may_be_idle(*created_at, self.window, self.now)
            }
            None => true,
        }
    }

    fn known(
        &self,
        id: SessionId,
        created_at: UnixMillis,
        device: Option<String>,
    ) -> Option<ListItem> {
        let ends = |cut_off: &CutOff| cut_off.ends(&id, created_at, self.now);
        let is_over = self.cut_off.as_ref().is_some_and(ends);
        (!is_over).then_some(ListItem {
            id,
            device,
            created_at,
            seen_at: None,
        })
    }

    fn read(&self, id: SessionId, stored: Snapshot) -> Option<ListItem> {
        let session = listed(&id, stored, self.window, self.now)?;
        Some(ListItem {
            seen_at: self.with_last_seen.then_some(session.seen_at),
            ..self.known(id, session.created_at, session.device)?
        })
    }
}

/// How the cursor of the second part of a list starts. KV's own contain no colon.
const EARLIER: &str = "earlier:";

/// Where a page starts. A user of the owner's back end has two lists, one after the other: the second
/// is of sessions that an earlier version has opened, under the keys of accounts.
struct Place<'a> {
    realm: Realm,
    is_earlier: bool,
    cursor: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn parse(has_account: bool, cursor: Option<&'a str>) -> Self {
        let earlier = cursor
            .filter(|_| !has_account)
            .and_then(|cursor| cursor.strip_prefix(EARLIER));
        let is_earlier = earlier.is_some();
        Self {
            realm: if has_account || is_earlier {
                Realm::Account
            } else {
                Realm::Service
            },
            is_earlier,
            cursor: earlier.or(cursor).filter(|cursor| !cursor.is_empty()),
        }
    }

    fn next(&self, next: Option<String>) -> Option<String> {
        match self.realm {
            Realm::Account if self.is_earlier => next.map(|next| EARLIER.to_owned() + &next),
            Realm::Account => next,
            Realm::Service => next.or_else(|| Some(EARLIER.to_owned())),
        }
    }
}

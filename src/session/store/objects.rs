//! Sessions in the objects of their users: one request for each operation. What the objects do is in
//! [`crate::session::object`].
//!
//! Sessions of the owner's back end that an earlier version has kept among those of accounts are in the
//! account's object. They end with the later ones of their user, too; so each of their requests asks the
//! other object what has ended those.

use serde::de::DeserializeOwned;

use crate::{
    port::{Deadline, Fault},
    session::{
        object::message::{Ask, Page, object_name},
        port::{HasSessions, UserObjects as _},
        rule::{CutOff, IdleWindow, SessionRecord, Snapshot, StoredSession, Verdict},
        store::{
            Ending, KvSessions, Limits, ListItem, ListQuery, Listing, OBJECT_TIMEOUT_MS, later,
        },
    },
    token::{
        id::{Realm, SessionId, SessionRef, UserId},
        refresh::RefreshToken,
        time::{UnixMillis, UnixSeconds},
    },
};

/// No user's object has this name.
const HEALTH: &str = "health";

/// The sessions of all users, in their objects. The operations are those of [`Sessions`](super::Sessions).
pub struct ObjectSessions<'a, P: HasSessions> {
    platform: &'a P,
    deadline: Deadline,
    objects: P::Objects,
}

impl<'a, P: HasSessions> ObjectSessions<'a, P> {
    /// The sessions, until a deadline.
    ///
    /// # Errors
    /// The objects are not bound.
    pub fn new(platform: &'a P, deadline: Deadline) -> Result<Self, Fault> {
        Ok(Self {
            platform,
            deadline,
            objects: platform.user_sessions()?,
        })
    }

    pub(super) async fn create(
        &self,
        session: &SessionRef,
        record: &SessionRecord,
        limits: Limits,
    ) -> Result<(), Fault> {
        let create = Ask::Create {
            session: session.clone(),
            record: record.clone(),
            // Another back end may have good reasons for thousands of sessions of one user.
            per_user: record.has_account.then_some(limits.per_user),
            window: limits.window,
        };
        self.ask(session, &create).await
    }

    pub(super) async fn create_again(
        &self,
        session: &SessionRef,
        record: &SessionRecord,
    ) -> Result<bool, Fault> {
        let create = Ask::CreateAgain {
            session: session.clone(),
            record: record.clone(),
        };
        self.ask(session, &create).await
    }

    pub(super) async fn refresh(
        &self,
        token: &RefreshToken,
        window: IdleWindow,
        now: UnixMillis,
    ) -> Result<Verdict, Fault> {
        let session = &token.session_ref;
        let refresh = Ask::Refresh {
            session: session.clone(),
            position: token.position,
            asked_at: now,
            window,
        };
        let verdict = self.ask(session, &refresh).await?;
        if let Verdict::Live { record, .. } = &verdict
            && let Some(cut_off) = self.other_cut_off(session, record).await?
            && cut_off.ends(&session.session, record.created_at, now)
        {
            return Ok(Verdict::Revoked);
        }
        Ok(verdict)
    }

    pub(super) async fn look_up(&self, session: &SessionRef) -> Result<Snapshot, Fault> {
        let look_up = Ask::LookUp {
            session: session.clone(),
        };
        let mut found: Snapshot = self.ask(session, &look_up).await?;
        if let Some(StoredSession::Open(record)) = &found.session {
            let other = self.other_cut_off(session, record).await?;
            found.cut_off = later(found.cut_off, other);
        }
        Ok(found)
    }

    /// What ended sessions of the same user elsewhere, if this is one of an earlier version.
    async fn other_cut_off(
        &self,
        session: &SessionRef,
        record: &SessionRecord,
    ) -> Result<Option<CutOff>, Fault> {
        if record.has_account || session.realm == Realm::Service {
            return Ok(None);
        }
        self.cut_off(Realm::Service, &session.user).await
    }

    async fn cut_off(&self, realm: Realm, user: &UserId) -> Result<Option<CutOff>, Fault> {
        self.ask_named(&object_name(realm, user), &Ask::CutOff)
            .await
    }

    pub(super) async fn end_if_known(
        &self,
        session: &SessionRef,
        of_account: Option<bool>,
    ) -> Result<Ending, Fault> {
        let end = Ask::EndIfKnown {
            session: session.clone(),
            of_account,
        };
        self.ask(session, &end).await
    }

    pub(super) async fn end(&self, session: &SessionRef, end: UnixSeconds) -> Result<(), Fault> {
        let end = Ask::End {
            session: session.clone(),
            end,
        };
        self.ask(session, &end).await
    }

    pub(super) async fn end_all(
        &self,
        realm: Realm,
        user: &UserId,
        cut_off: &CutOff,
    ) -> Result<Ending, Fault> {
        let cut_off = cut_off.clone();
        self.ask_named(&object_name(realm, user), &Ask::EndAll { cut_off })
            .await
    }

    /// What KV still has goes first: nothing can be adopted once the object has forgotten it.
    pub(super) async fn erase_all(&self, user: &UserId, cut_off: &CutOff) -> Result<(), Fault> {
        self.kv()?.erase(user).await?;
        let cut_off = cut_off.clone();
        self.ask_named(
            &object_name(Realm::Account, user),
            &Ask::EraseAll { cut_off },
        )
        .await
    }

    pub(super) async fn list(&self, query: &ListQuery<'_>) -> Result<Listing, Fault> {
        match Part::parse(query) {
            Part::Object { realm, after } => self.object_page(query, realm, after).await,
            Part::Kv(cursor) => self.kv_page(query, cursor).await,
        }
    }

    async fn object_page(
        &self,
        query: &ListQuery<'_>,
        realm: Realm,
        after: Option<SessionId>,
    ) -> Result<Listing, Fault> {
        let list = Ask::List {
            after,
            of_account: query.has_account,
            window: query.window,
        };
        let page: Page = self
            .ask_named(&object_name(realm, query.user), &list)
            .await?;
        let is_over = |item: &ListItem| {
            query
                .cut_off
                .is_some_and(|it| it.ends(&item.id, item.created_at, query.now))
        };
        let items = page.items.into_iter().filter(|item| !is_over(item));
        let seen = |item: ListItem| ListItem {
            seen_at: item.seen_at.filter(|_| query.with_last_seen),
            ..item
        };
        Ok(Listing {
            items: items.map(seen).collect(),
            next: Some(Part::next(query, realm, page.next)),
        })
    }

    /// A page of what KV has and no object has adopted.
    async fn kv_page(&self, query: &ListQuery<'_>, cursor: Option<&str>) -> Result<Listing, Fault> {
        let query = ListQuery { cursor, ..*query };
        let mut page = self.kv()?.list(&query).await?;
        let realms: &[Realm] = if query.has_account {
            &[Realm::Account]
        } else {
            &[Realm::Service, Realm::Account]
        };
        for &realm in realms {
            let sessions = page.items.iter().map(|item| item.id.clone()).collect();
            let name = object_name(realm, query.user);
            let unknown: Vec<SessionId> = self.ask_named(&name, &Ask::Unknown { sessions }).await?;
            page.items.retain(|item| unknown.contains(&item.id));
        }
        Ok(page)
    }

    /// Objects and KV: earlier sessions may be there.
    pub(super) async fn check(&self) -> Result<(), Fault> {
        self.kv()?.check().await?;
        self.ask_named(HEALTH, &Ask::Check).await
    }

    fn kv(&self) -> Result<KvSessions<'a, P>, Fault> {
        KvSessions::new(self.platform, self.deadline)
    }

    async fn ask<T: DeserializeOwned>(&self, session: &SessionRef, ask: &Ask) -> Result<T, Fault> {
        self.ask_named(&object_name(session.realm, &session.user), ask)
            .await
    }

    async fn ask_named<T: DeserializeOwned>(&self, name: &str, ask: &Ask) -> Result<T, Fault> {
        let request = serde_json::to_string(ask).expect("ids, numbers and JSON values");
        let asking = self.objects.ask(name, &request);
        let reply = self
            .deadline
            .within(OBJECT_TIMEOUT_MS, self.platform, asking)
            .await?;
        serde_json::from_str(&reply).map_err(|_| Fault::Unreadable)
    }
}

/// Where a page starts. The list has the sessions of the user's object first, then those of the back
/// end's users in the account's object, and at last what is in KV only.
enum Part<'a> {
    Object {
        realm: Realm,
        after: Option<SessionId>,
    },
    Kv(Option<&'a str>),
}

const OBJECT: &str = "object:";
const EARLIER_OBJECT: &str = "earlier-object:";
const KV: &str = "kv:";

impl<'a> Part<'a> {
    fn parse(query: &ListQuery<'a>) -> Self {
        let own = if query.has_account {
            Realm::Account
        } else {
            Realm::Service
        };
        let after = |text: &str| SessionId::parse(text).ok();
        let Some(cursor) = query.cursor else {
            let after = None;
            return Self::Object { realm: own, after };
        };
        if let Some(text) = cursor.strip_prefix(OBJECT) {
            let after = after(text);
            return Self::Object { realm: own, after };
        }
        if let Some(text) = cursor.strip_prefix(EARLIER_OBJECT) {
            return Self::Object {
                realm: Realm::Account,
                after: after(text),
            };
        }
        // What is none of these is KV's own.
        Self::Kv(Some(cursor).filter(|cursor| *cursor != KV))
    }

    /// Where the page after one of an object starts.
    fn next(query: &ListQuery<'_>, realm: Realm, next: Option<SessionId>) -> String {
        let is_own = query.has_account || realm == Realm::Service;
        match next {
            Some(after) if is_own => OBJECT.to_owned() + after.as_str(),
            Some(after) => EARLIER_OBJECT.to_owned() + after.as_str(),
            None if realm == Realm::Service => EARLIER_OBJECT.to_owned(),
            None => KV.to_owned(),
        }
    }
}

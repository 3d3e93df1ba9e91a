//! The names of the keys, and how long they stay.

use crate::{
    session::port::MIN_TTL_SECONDS,
    token::{
        id::{Realm, SessionId, SessionRef, UserId},
        time::{LONGEST_SESSION_SECONDS, UnixMillis},
    },
};

/// The mark of the store's birth. No user's key starts like this.
pub(in crate::session) const BIRTH_KEY: &str = "tokenkeep:born";

/// Sessions from before this time that no object knows any more are over: only the operator writes it.
pub(in crate::session) const GIVEN_UP_KEY: &str = "tokenkeep:given-up";

pub(in crate::session) fn session_prefix(realm: Realm, user: &UserId) -> String {
    let kind = match realm {
        Realm::Account => "session",
        Realm::Service => "service",
    };
    format!("{kind}:{}:", user.as_str())
}

pub(in crate::session) fn session_key(session_ref: &SessionRef) -> String {
    session_prefix(session_ref.realm, &session_ref.user) + session_ref.session.as_str()
}

pub(in crate::session) fn activity_key(session: &SessionId) -> String {
    format!("activity:{}", session.as_str())
}

pub(in crate::session) fn cut_off_key(realm: Realm, user: &UserId) -> String {
    let kind = match realm {
        Realm::Account => "revoked",
        Realm::Service => "service-revoked",
    };
    format!("{kind}:{}", user.as_str())
}

pub(in crate::session) fn ttl_seconds(now: UnixMillis, until: UnixMillis) -> u64 {
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

//! The rule of sessions, on any values.

use tokenkeep::{
    session::rule::{
        Activity, CutOff, IdleWindow, Kept, SessionRecord, Snapshot, StoredSession, Verdict, judge,
        listed,
    },
    token::{
        claims::CustomClaims,
        id::SessionId,
        refresh::Position,
        time::{UnixMillis, UnixSeconds},
    },
};

/// Numbers taken from the input one after the other; zeros at its end.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> u64 {
        let (taken, rest) = self.0.split_at(self.0.len().min(8));
        self.0 = rest;
        let mut bytes = [0; 8];
        bytes[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(bytes)
    }

    fn millis(&mut self) -> UnixMillis {
        UnixMillis(self.next())
    }

    fn position(&mut self) -> Position {
        let bytes = self.next().to_le_bytes();
        Position {
            generation: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            issued_at: UnixSeconds(self.next()),
        }
    }
}

/// No value makes the rule panic or overflow; what is over stays over.
pub fn check(bytes: &[u8]) {
    let (kinds, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let mut numbers = Numbers(rest);
    let id = SessionId::from_random([7; 16]);
    let is = |bit: u8| kinds & (1 << bit) != 0;
    let (presented, now) = (numbers.position(), numbers.millis());
    let session = match (is(0), is(1)) {
        (true, _) => Some(StoredSession::Open(SessionRecord {
            created_at: numbers.millis(),
            expires_at: numbers.millis(),
            device: None,
            claims: CustomClaims::default(),
            has_account: false,
        })),
        (false, true) => Some(StoredSession::Revoked(numbers.millis())),
        (false, false) => None,
    };
    let activity = is(2).then(|| Activity {
        current: numbers.position(),
        adopted_at: numbers.millis(),
        previous_adopted_at: is(5).then(|| numbers.millis()),
        seen_at: numbers.millis(),
    });
    let cut_off = is(3).then(|| CutOff {
        before: numbers.millis(),
        keep: is(4).then(|| Kept {
            session: id.clone(),
            until: is(6).then(|| numbers.millis()),
        }),
    });
    let stored = Snapshot {
        session,
        activity,
        cut_off,
    };
    // The configuration takes no more.
    let window = IdleWindow {
        idle_ms: numbers.next() % (400 * 86_400_000),
    };
    let verdict = judge(&id, presented, stored.clone(), window, now);
    match &stored.session {
        Some(StoredSession::Revoked(_)) => assert_eq!(verdict, Verdict::Revoked),
        Some(StoredSession::Open(record)) if now >= record.expires_at => {
            assert!(!matches!(verdict, Verdict::Live { .. }));
        }
        None => assert!(!matches!(verdict, Verdict::Live { .. } | Verdict::Reused)),
        Some(StoredSession::Open(_)) => {}
    }
    let _ = stored.refuses_bearer(&id, presented.issued_at, now);
    let _ = listed(&id, stored, window, now);
}

use serde_json::json;

use super::*;

fn sid() -> SessionId {
    SessionId::from_random([7; 16])
}

fn record() -> SessionRecord {
    SessionRecord {
        created_at: UnixMillis(1_800_000_000_123),
        expires_at: UnixMillis(1_831_536_000_123),
        device: Some("Ada's phone".into()),
        claims: CustomClaims::parse(json!({"role": "admin"})).expect("good claims"),
        has_account: false,
    }
}

#[test]
fn the_stored_session_is_pinned() {
    let stored = r#"{"v":1,"created_at":1800000000123,"expires_at":1831536000123,"device":"Ada's phone","claims":{"role":"admin"}}"#;
    assert_eq!(session(&record()), stored);
    assert_eq!(
        read_session(Some(stored.into())),
        Ok(Some(StoredSession::Open(record())))
    );
}

#[test]
fn the_stored_session_of_an_account_is_pinned() {
    let stored = r#"{"v":1,"created_at":1800000000123,"expires_at":1831536000123,"device":"Ada's phone","claims":{"role":"admin"},"account":true}"#;
    let record = SessionRecord {
        has_account: true,
        ..record()
    };
    assert_eq!(session(&record), stored);
    assert_eq!(
        read_session(Some(stored.into())),
        Ok(Some(StoredSession::Open(record)))
    );
}

#[test]
fn the_tombstone_is_pinned() {
    let stored = r#"{"v":1,"revoked_at":1800000000123}"#;
    let revoked_at = UnixMillis(1_800_000_000_123);
    assert_eq!(tombstone(revoked_at), stored);
    assert_eq!(
        read_session(Some(stored.into())),
        Ok(Some(StoredSession::Revoked(revoked_at)))
    );
}

#[test]
fn the_stored_activity_is_pinned() {
    for (stored, previous_adopted_at) in [
        (
            r#"{"v":1,"gen":3,"iat":1800000000,"gen_at":1800000010123,"seen_at":1800000020123}"#,
            None,
        ),
        (
            r#"{"v":1,"gen":3,"iat":1800000000,"gen_at":1800000010123,"prev_at":1800000009000,"seen_at":1800000020123}"#,
            Some(UnixMillis(1_800_000_009_000)),
        ),
    ] {
        let activity = Activity {
            current: Position {
                generation: 3,
                issued_at: UnixSeconds(1_800_000_000),
            },
            adopted_at: UnixMillis(1_800_000_010_123),
            previous_adopted_at,
            seen_at: UnixMillis(1_800_000_020_123),
        };
        assert_eq!(super::activity(activity), stored);
        assert_eq!(read_activity(Some(stored.into())), Ok(Some(activity)));
    }
}

#[test]
fn the_stored_cut_off_is_pinned() {
    let before = UnixMillis(1_800_000_000_123);
    let keep = |until| {
        let session = sid();
        Some(Kept { session, until })
    };
    for (stored, keep) in [
        (r#"{"v":1,"before":1800000000123}"#, None),
        // As an earlier version wrote it.
        (
            r#"{"v":1,"before":1800000000123,"keep":"BwcHBwcHBwcHBwcHBwcHBw"}"#,
            keep(None),
        ),
        (
            r#"{"v":1,"before":1800000000123,"keep":"BwcHBwcHBwcHBwcHBwcHBw","keep_until":1800000065123}"#,
            keep(Some(UnixMillis(1_800_000_065_123))),
        ),
    ] {
        let written = cut_off(&CutOff {
            before,
            keep: keep.clone(),
        });
        assert_eq!(written, stored);
        assert_eq!(
            read_cut_off(Some(stored.into())),
            Ok(Some(CutOff { before, keep }))
        );
    }
}

#[test]
fn the_rows_of_an_object_are_pinned() {
    let activity = Activity {
        current: Position {
            generation: 3,
            issued_at: UnixSeconds(1_800_000_000),
        },
        adopted_at: UnixMillis(1_800_000_010_123),
        previous_adopted_at: None,
        seen_at: UnixMillis(1_800_000_020_123),
    };
    let opened = Row::opened(record());
    let expires_at = opened.expires_at;
    let adopted = Row {
        activity: Some(activity),
        adopted_at: Some(UnixMillis(1_800_000_030_123)),
        ..opened.clone()
    };
    let ended = Row::ended(UnixMillis(1_800_000_000_123), expires_at);
    for (row, stored) in [
        (
            opened,
            r#"{"session":{"v":1,"created_at":1800000000123,"expires_at":1831536000123,"device":"Ada's phone","claims":{"role":"admin"}}}"#,
        ),
        (
            adopted,
            r#"{"session":{"v":1,"created_at":1800000000123,"expires_at":1831536000123,"device":"Ada's phone","claims":{"role":"admin"}},"activity":{"v":1,"gen":3,"iat":1800000000,"gen_at":1800000010123,"seen_at":1800000020123},"adopted_at":1800000030123}"#,
        ),
        (
            ended,
            r#"{"session":{"v":1,"expires_at":1831536000123,"revoked_at":1800000000123}}"#,
        ),
    ] {
        assert_eq!(super::row(&row), stored);
        assert_eq!(read_row(Some(stored.into())), Ok(Some(row)));
        assert_eq!(until(stored), Some(expires_at));
    }
    let user = UserRow {
        cut_off: CutOff {
            before: UnixMillis(1_800_000_000_123),
            keep: None,
        },
        until: UnixMillis(1_834_560_000_123),
    };
    let stored = r#"{"cut_off":{"v":1,"before":1800000000123},"until":1834560000123}"#;
    assert_eq!(user_row(&user), stored);
    assert_eq!(until(stored), Some(user.until));
    assert_eq!(read_user_row(Some(stored.into())), Ok(Some(user)));
}

#[test]
fn a_row_that_we_did_not_write_is_unreadable() {
    for stored in ["", "null", "{}", r#"{"session":{"v":2,"expires_at":1}}"#] {
        assert_eq!(read_row(Some(stored.into())), Err(Fault::Unreadable));
        assert_eq!(read_user_row(Some(stored.into())), Err(Fault::Unreadable));
        assert_eq!(until(stored), None, "it stays");
    }
    // A session that never ends could not be cleaned up.
    let endless = r#"{"session":{"v":1,"revoked_at":1}}"#;
    assert_eq!(read_row(Some(endless.into())), Err(Fault::Unreadable));
}

#[test]
fn the_birth_mark_is_pinned() {
    let (at, stored) = (
        UnixMillis(1_800_000_000_123),
        r#"{"v":1,"at":1800000000123}"#,
    );
    assert_eq!(birth(at), stored);
    assert_eq!(read_birth(Some(stored.into())), Ok(Some(at)));
}

#[test]
fn what_we_did_not_write_is_unreadable_and_not_absent() {
    for stored in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"v":2,"revoked_at":1}"#,
        r#"{"v":1}"#,
        r#"{"v":1,"created_at":-1,"expires_at":1}"#,
    ] {
        assert_eq!(
            read_session(Some(stored.into())),
            Err(Fault::Unreadable),
            "{stored}"
        );
    }
}

#[test]
fn the_metadata_are_pinned() {
    let stored = r#"{"created_at":1800000000123,"device":"Ada's phone"}"#;
    assert_eq!(metadata(&record()), stored);
    let open = Metadata::Open {
        created_at: UnixMillis(1_800_000_000_123),
        device: Some("Ada's phone".into()),
        has_account: false,
    };
    assert_eq!(read_metadata(Some(stored)), Some(open));
    let stored = r#"{"created_at":1800000000123,"device":"Ada's phone","account":true}"#;
    let has_account = true;
    let of_account = SessionRecord {
        has_account,
        ..record()
    };
    assert_eq!(metadata(&of_account), stored);
    let read = read_metadata(Some(stored));
    assert!(matches!(
        read,
        Some(Metadata::Open {
            has_account: true,
            ..
        })
    ));
    let stored = r#"{"revoked_at":1800000000123}"#;
    assert_eq!(metadata_of_tombstone(UnixMillis(1_800_000_000_123)), stored);
    assert_eq!(read_metadata(Some(stored)), Some(Metadata::Revoked));
    for other in [None, Some("null"), Some("{}"), Some("[]"), Some("x")] {
        assert_eq!(read_metadata(other), None);
    }
}

#[test]
fn metadata_fits_its_kilobyte_with_the_longest_device_name() {
    let device = Some("\u{1}".repeat(crate::session::device::DEVICE_CHARACTERS));
    let metadata = metadata(&SessionRecord { device, ..record() });
    assert!(metadata.len() <= 1024);
}

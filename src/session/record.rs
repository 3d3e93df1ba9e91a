//! What stands under the keys: JSON with `"v":1`, pinned by tests. What an older version wrote stays
//! readable; what nobody wrote is unreadable, and never taken for absent.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    port::Fault,
    session::{
        object::row::{Row, UserRow},
        rule::{Activity, CutOff, Kept, Metadata, SessionRecord, StoredSession},
    },
    token::{
        claims::CustomClaims,
        id::SessionId,
        refresh::Position,
        time::{UnixMillis, UnixSeconds},
    },
};

/// A session as its login writes it.
pub(super) fn session(record: &SessionRecord) -> String {
    json(&session_json(record))
}

fn session_json(record: &SessionRecord) -> SessionJson {
    SessionJson {
        v: Version1,
        created_at: Some(record.created_at),
        expires_at: Some(record.expires_at),
        device: record.device.clone(),
        claims: Some(record.claims.clone()),
        account: record.has_account,
        revoked_at: None,
    }
}

/// What stands over a session that was ended.
pub(super) fn tombstone(revoked_at: UnixMillis) -> String {
    json(&SessionJson {
        revoked_at: Some(revoked_at),
        ..SessionJson::default()
    })
}

/// How far a client has come.
pub(super) fn activity(activity: Activity) -> String {
    json(&activity_json(activity))
}

fn activity_json(activity: Activity) -> ActivityJson {
    ActivityJson {
        v: Version1,
        r#gen: activity.current.generation,
        iat: activity.current.issued_at,
        gen_at: activity.adopted_at,
        prev_at: activity.previous_adopted_at,
        seen_at: activity.seen_at,
    }
}

/// "Every session until then is over."
pub(super) fn cut_off(cut_off: &CutOff) -> String {
    json(&cut_off_json(cut_off))
}

fn cut_off_json(cut_off: &CutOff) -> CutOffJson {
    CutOffJson {
        v: Version1,
        before: cut_off.before,
        keep: cut_off.keep.as_ref().map(|kept| kept.session.clone()),
        keep_until: cut_off.keep.as_ref().and_then(|kept| kept.until),
    }
}

/// When the first login marked the store.
pub(super) fn birth(at: UnixMillis) -> String {
    json(&BirthJson { v: Version1, at })
}

/// A session as an object keeps it.
pub(super) fn row(row: &Row) -> String {
    let session = match &row.session {
        StoredSession::Open(record) => session_json(record),
        StoredSession::Revoked(at) => SessionJson {
            expires_at: Some(row.expires_at),
            revoked_at: Some(*at),
            ..SessionJson::default()
        },
    };
    json(&RowJson {
        session,
        activity: row.activity.map(activity_json),
        adopted_at: row.adopted_at,
    })
}

/// What an object keeps of its user.
pub(super) fn user_row(row: &UserRow) -> String {
    json(&UserJson {
        cut_off: cut_off_json(&row.cut_off),
        until: row.until,
    })
}

/// # Errors
/// It is not what we write.
pub(super) fn read_row(stored: Option<String>) -> Result<Option<Row>, Fault> {
    parse::<RowJson, _>(stored)
}

/// # Errors
/// It is not what we write.
pub(super) fn read_user_row(stored: Option<String>) -> Result<Option<UserRow>, Fault> {
    parse::<UserJson, _>(stored)
}

/// Until when a row of either kind is needed; nothing where it cannot be read.
pub(super) fn until(stored: &str) -> Option<UnixMillis> {
    #[derive(Deserialize)]
    struct EitherJson {
        session: Option<UntilJson>,
        until: Option<UnixMillis>,
    }
    #[derive(Deserialize)]
    struct UntilJson {
        #[serde(rename = "v")]
        _v: Version1,
        expires_at: UnixMillis,
    }
    let json: EitherJson = serde_json::from_str(stored).ok()?;
    json.until
        .or(json.session.map(|session| session.expires_at))
}

/// What a listing shows of a session without reading its value.
pub(super) fn metadata(record: &SessionRecord) -> String {
    json(&MetadataJson {
        created_at: Some(record.created_at),
        device: record.device.clone(),
        account: record.has_account,
        revoked_at: None,
    })
}

/// What a listing shows of a tombstone. Those of older versions have none.
pub(super) fn metadata_of_tombstone(revoked_at: UnixMillis) -> String {
    json(&MetadataJson {
        created_at: None,
        device: None,
        account: false,
        revoked_at: Some(revoked_at),
    })
}

/// What the metadata of a session say; nothing where there are none, or not ours: then its value
/// has to be read.
pub(super) fn read_metadata(metadata: Option<&str>) -> Option<Metadata> {
    let json: MetadataJson = serde_json::from_str(metadata?).ok()?;
    match (json.created_at, json.revoked_at) {
        (_, Some(_)) => Some(Metadata::Revoked),
        (Some(created_at), None) => Some(Metadata::Open {
            created_at,
            device: json.device,
            has_account: json.account,
        }),
        (None, None) => None,
    }
}

/// # Errors
/// It is not what we write.
pub(super) fn read_session(stored: Option<String>) -> Result<Option<StoredSession>, Fault> {
    parse::<SessionJson, _>(stored)
}

/// # Errors
/// It is not what we write.
pub(super) fn read_activity(stored: Option<String>) -> Result<Option<Activity>, Fault> {
    parse::<ActivityJson, _>(stored)
}

/// # Errors
/// It is not what we write.
pub(super) fn read_cut_off(stored: Option<String>) -> Result<Option<CutOff>, Fault> {
    parse::<CutOffJson, _>(stored)
}

/// # Errors
/// It is not what we write.
pub(super) fn read_birth(stored: Option<String>) -> Result<Option<UnixMillis>, Fault> {
    parse::<BirthJson, _>(stored)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("text, numbers and JSON values always serialise")
}

fn parse<J: DeserializeOwned, T: TryFrom<J>>(stored: Option<String>) -> Result<Option<T>, Fault> {
    let Some(text) = stored else { return Ok(None) };
    let json: J = serde_json::from_str(&text).map_err(|_| Fault::Unreadable)?;
    json.try_into().map(Some).map_err(|_| Fault::Unreadable)
}

#[derive(Serialize, Deserialize)]
struct MetadataJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    account: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<UnixMillis>,
}

/// `"v":1`, and nothing else.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
struct Version1;

impl TryFrom<u8> for Version1 {
    type Error = &'static str;

    fn try_from(version: u8) -> Result<Self, Self::Error> {
        let is_known = version == 1;
        is_known
            .then_some(Self)
            .ok_or("a version that this release does not know")
    }
}

impl From<Version1> for u8 {
    fn from(Version1: Version1) -> Self {
        1
    }
}

#[derive(Default, Serialize, Deserialize)]
struct SessionJson {
    v: Version1,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<CustomClaims>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    account: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<UnixMillis>,
}

impl TryFrom<SessionJson> for StoredSession {
    type Error = Fault;

    fn try_from(json: SessionJson) -> Result<Self, Fault> {
        if let Some(revoked_at) = json.revoked_at {
            return Ok(Self::Revoked(revoked_at));
        }
        Ok(Self::Open(SessionRecord {
            created_at: json.created_at.ok_or(Fault::Unreadable)?,
            expires_at: json.expires_at.ok_or(Fault::Unreadable)?,
            device: json.device,
            claims: json.claims.unwrap_or_default(),
            has_account: json.account,
        }))
    }
}

#[derive(Serialize, Deserialize)]
struct ActivityJson {
    v: Version1,
    r#gen: u32,
    iat: UnixSeconds,
    gen_at: UnixMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_at: Option<UnixMillis>,
    seen_at: UnixMillis,
}

impl From<ActivityJson> for Activity {
    fn from(json: ActivityJson) -> Self {
        Self {
            current: Position {
                generation: json.r#gen,
                issued_at: json.iat,
            },
            adopted_at: json.gen_at,
            previous_adopted_at: json.prev_at,
            seen_at: json.seen_at,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct CutOffJson {
    v: Version1,
    before: UnixMillis,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_until: Option<UnixMillis>,
}

impl From<CutOffJson> for CutOff {
    fn from(json: CutOffJson) -> Self {
        let until = json.keep_until;
        Self {
            before: json.before,
            keep: json.keep.map(|session| Kept { session, until }),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct RowJson {
    session: SessionJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<ActivityJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adopted_at: Option<UnixMillis>,
}

impl TryFrom<RowJson> for Row {
    type Error = Fault;

    fn try_from(json: RowJson) -> Result<Self, Fault> {
        Ok(Self {
            expires_at: json.session.expires_at.ok_or(Fault::Unreadable)?,
            session: json.session.try_into()?,
            activity: json.activity.map(Activity::from),
            adopted_at: json.adopted_at,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct UserJson {
    cut_off: CutOffJson,
    until: UnixMillis,
}

impl From<UserJson> for UserRow {
    fn from(json: UserJson) -> Self {
        Self {
            cut_off: json.cut_off.into(),
            until: json.until,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct BirthJson {
    v: Version1,
    at: UnixMillis,
}

impl From<BirthJson> for UnixMillis {
    fn from(json: BirthJson) -> Self {
        json.at
    }
}

#[cfg(test)]
mod tests {
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
}

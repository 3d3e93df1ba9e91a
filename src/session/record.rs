//! What stands under the keys: JSON with `"v":1`, pinned by tests. What an older version wrote stays
//! readable; what nobody wrote is unreadable, and never taken for absent.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    port::Fault,
    session::rule::{Activity, CutOff, Kept, Metadata, SessionRecord, StoredSession},
    token::{
        claims::CustomClaims,
        id::SessionId,
        refresh::Position,
        time::{UnixMillis, UnixSeconds},
    },
};

/// A session as its login writes it.
pub(super) fn session(record: &SessionRecord) -> String {
    json(&SessionJson {
        v: Version1,
        created_at: Some(record.created_at),
        expires_at: Some(record.expires_at),
        device: record.device.clone(),
        claims: Some(record.claims.clone()),
        account: record.has_account,
        revoked_at: None,
    })
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
    json(&ActivityJson {
        v: Version1,
        r#gen: activity.current.generation,
        iat: activity.current.issued_at,
        gen_at: activity.adopted_at,
        prev_at: activity.previous_adopted_at,
        seen_at: activity.seen_at,
    })
}

/// "Every session until then is over."
pub(super) fn cut_off(cut_off: &CutOff) -> String {
    json(&CutOffJson {
        v: Version1,
        before: cut_off.before,
        keep: cut_off.keep.as_ref().map(|kept| kept.session.clone()),
        keep_until: cut_off.keep.as_ref().and_then(|kept| kept.until),
    })
}

/// When the first login marked the store.
pub(super) fn birth(at: UnixMillis) -> String {
    json(&BirthJson { v: Version1, at })
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

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
mod tests;

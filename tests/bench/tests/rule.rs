//! hono + jose has to do what Tokenkeep does: its rule, `workers/src/rule.ts`, decides like `judge`.

use proptest::{prelude::*, sample::select, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Value, json};
use tokenkeep::{
    session::rule::{
        Activity, CutOff, IdleWindow, Kept, SessionRecord, Snapshot, StoredSession, Verdict, judge,
    },
    token::{claims::CustomClaims, id::SessionId, refresh::Position, time::UnixMillis},
};
use tokenkeep_bench::{
    bundle::Bundles,
    driver::{Call, ask},
};
use tokenkeep_workerd_tests::{
    kv::Kv,
    workerd::{Settings, Workerd},
};

const CASES: usize = 20_000;
const LOGIN: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;
const DAY: u64 = 1440 * MINUTE;
const WINDOW: IdleWindow = IdleWindow { idle_ms: 90 * DAY };

/// The session that every case is about, and another one.
fn session_id(byte: u8) -> SessionId {
    SessionId::from_random([byte; 16])
}

/// Times from one event to another: those at which the rule changes its mind, give or take a
/// millisecond. All of its limits are whole minutes, five seconds more or less, or days.
fn distance() -> impl Strategy<Value = u64> {
    let limit = prop_oneof![
        4 => (0..8_u64, select(vec![5_000, 10_000, 15_000])).prop_map(|(n, s)| n * MINUTE + s),
        1 => select(vec![30, 90, 120, 365_u64]).prop_map(|days| days * DAY + 10_000),
    ];
    (limit, 0..3_u64).prop_map(|(limit, off)| (limit + off).saturating_sub(10_001))
}

fn before(now: UnixMillis) -> impl Strategy<Value = UnixMillis> {
    distance().prop_map(move |ms| UnixMillis(now.0 - ms))
}

fn position(now: UnixMillis) -> impl Strategy<Value = Position> {
    (0..5_u32, before(now)).prop_map(|(generation, made_at)| Position {
        generation,
        issued_at: made_at.minute(),
    })
}

fn session(now: UnixMillis) -> impl Strategy<Value = Option<StoredSession>> {
    let open = (before(now), 0..3_u64).prop_map(move |(created_at, off)| {
        Some(StoredSession::Open(SessionRecord {
            created_at,
            expires_at: UnixMillis((created_at.0 + 365 * DAY + 1).max(now.0 + off) - 1),
            device: None,
            claims: CustomClaims::default(),
            has_account: false,
        }))
    });
    let revoked = before(now).prop_map(|at| Some(StoredSession::Revoked(at)));
    prop_oneof![8 => open, 2 => Just(None), 1 => revoked]
}

fn activity(now: UnixMillis) -> impl Strategy<Value = Activity> {
    let previous_adopted_at = proptest::option::of(before(now));
    (position(now), before(now), previous_adopted_at, before(now)).prop_map(
        |(current, adopted_at, previous_adopted_at, seen_at)| Activity {
            current,
            adopted_at,
            previous_adopted_at,
            seen_at,
        },
    )
}

fn cut_off(now: UnixMillis) -> impl Strategy<Value = CutOff> {
    let keep = proptest::option::of(select(vec![session_id(1), session_id(2)]));
    // A cut-off may be of a clock ahead of ours.
    let kept = (keep, proptest::option::of(before(now.plus_ms(10_000))))
        .prop_map(|(keep, until)| keep.map(|session| Kept { session, until }));
    (before(now.plus_ms(10_000)), kept).prop_map(|(before, keep)| CutOff { before, keep })
}

fn case() -> impl Strategy<Value = (Position, Snapshot, UnixMillis)> {
    let now = (365 * 1440 + 8_u64..500 * 1440, 0..3_u64)
        .prop_map(|(minutes, off)| UnixMillis(LOGIN + minutes * MINUTE + off - 1));
    now.prop_flat_map(|now| {
        let activity = proptest::option::weighted(0.9, activity(now));
        let cut_off = proptest::option::weighted(0.2, cut_off(now));
        let stored =
            (session(now), activity, cut_off).prop_map(|(session, activity, cut_off)| Snapshot {
                session,
                activity,
                cut_off,
            });
        (position(now), stored, Just(now))
    })
}

fn position_json(position: Position) -> Value {
    json!({"gen": position.generation, "iat": position.issued_at})
}

fn activity_json(activity: Activity) -> Value {
    let mut json = json!({
        "v": 1,
        "gen": activity.current.generation,
        "iat": activity.current.issued_at,
        "gen_at": activity.adopted_at,
        "seen_at": activity.seen_at,
    });
    if let Some(previous_adopted_at) = activity.previous_adopted_at {
        json["prev_at"] = json!(previous_adopted_at);
    }
    json
}

/// The arguments of rule.ts, with what is stored as KV has it.
fn arguments(presented: Position, stored: &Snapshot, now: UnixMillis) -> Value {
    let session = stored.session.as_ref().map(|session| match session {
        StoredSession::Open(record) => {
            json!({"v": 1, "created_at": record.created_at, "expires_at": record.expires_at})
        }
        StoredSession::Revoked(at) => json!({"v": 1, "revoked_at": at}),
    });
    let cut_off = stored.cut_off.as_ref().map(|cut_off| match &cut_off.keep {
        Some(Kept {
            session,
            until: None,
        }) => {
            json!({"v": 1, "before": cut_off.before, "keep": session})
        }
        Some(Kept { session, until }) => {
            json!({"v": 1, "before": cut_off.before, "keep": session, "keep_until": until})
        }
        None => json!({"v": 1, "before": cut_off.before}),
    });
    json!([
        session_id(1),
        position_json(presented),
        session,
        stored.activity.map(activity_json),
        cut_off,
        WINDOW.idle_ms,
        now,
    ])
}

fn verdict_json(verdict: &Verdict) -> Value {
    let kind = match verdict {
        Verdict::Live { answer, note, .. } => {
            let mut json = json!({"kind": "live", "answer": position_json(*answer)});
            if let Some(note) = note {
                json["note"] = activity_json(*note);
            }
            return json;
        }
        Verdict::NotHereYet => "not_yet_here",
        Verdict::Expired | Verdict::Lost => "refresh_token_expired",
        Verdict::Revoked => "session_revoked",
        Verdict::Reused => "refresh_token_reused",
    };
    json!({"kind": kind})
}

#[test]
fn the_rule_of_hono_and_jose_decides_like_tokenkeeps() {
    let mut runner = TestRunner::deterministic();
    let mut draw = || {
        let tree = case().new_tree(&mut runner);
        tree.expect("nothing is filtered out").current()
    };
    let cases: Vec<_> = (0..CASES).map(|_| draw()).collect();
    let sent: Vec<Value> = cases
        .iter()
        .map(|(presented, stored, now)| arguments(*presented, stored, *now))
        .collect();

    let bundles = Bundles::make(&["rule-check"]).expect("the packages of the others");
    let settings = Settings::fresh().with_script(&bundles.script("rule-check"), "SESSIONS");
    let workerd = Workerd::start_on(Kv::counting(), &[settings], &[]);
    let call = Call {
        path: "/".into(),
        content_type: "application/json",
        body: json!(sent).to_string().into(),
    };
    let answer = ask(workerd.clients[0].port, &call).expect("an answer");
    let theirs: Vec<Value> = serde_json::from_slice(&answer.body).expect("a list of verdicts");

    assert_eq!(theirs.len(), CASES);
    for (((presented, stored, now), sent), theirs) in cases.into_iter().zip(sent).zip(theirs) {
        let ours = judge(&session_id(1), presented, stored, WINDOW, now);
        assert_eq!(theirs, verdict_json(&ours), "{sent}");
    }
}

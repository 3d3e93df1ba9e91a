//! Properties of the rule itself, whatever is stored and shown.

use proptest::prelude::*;
use tokenkeep::{
    session::rule::{
        Activity, CutOff, IdleWindow, Kept, SessionRecord, Snapshot, StoredSession, Verdict, judge,
    },
    token::{claims::CustomClaims, id::SessionId, refresh::Position, time::UnixMillis},
};
use tokenkeep_simulator::rule::{WHOLE, decide};

const LOGIN: u64 = 1_800_000_000_000;
const DAY: u64 = 86_400_000;
const MINUTE: u64 = 60_000;
const WINDOW: IdleWindow = IdleWindow { idle_ms: 90 * DAY };

fn sid() -> SessionId {
    SessionId::from_random([7; 16])
}

/// An instant of a session's life: often close to the login, sometimes a year later.
fn instant() -> impl Strategy<Value = UnixMillis> {
    prop_oneof![0..10 * MINUTE, 0..2 * DAY, 0..400 * DAY]
        .prop_map(|after| UnixMillis(LOGIN + after))
}

fn position() -> impl Strategy<Value = Position> {
    (0..4_u32, instant()).prop_map(|(generation, born)| Position {
        generation,
        issued_at: born.minute(),
    })
}

fn open() -> StoredSession {
    StoredSession::Open(SessionRecord {
        created_at: UnixMillis(LOGIN),
        expires_at: UnixMillis(LOGIN + 365 * DAY),
        device: None,
        claims: CustomClaims::default(),
        has_account: false,
    })
}

fn activity() -> impl Strategy<Value = Activity> {
    let before = proptest::option::of(0..3 * MINUTE);
    (position(), instant(), before, instant()).prop_map(|(current, adopted_at, before, seen_at)| {
        Activity {
            current,
            adopted_at,
            previous_adopted_at: before.map(|before| UnixMillis(adopted_at.0 - before)),
            seen_at,
        }
    })
}

fn cut_off() -> impl Strategy<Value = CutOff> {
    (instant(), any::<bool>()).prop_map(|(at, keeps)| CutOff {
        before: UnixMillis(at.0 - 5 * MINUTE),
        keep: keeps.then(|| Kept {
            session: sid(),
            until: None,
        }),
    })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let session = prop_oneof![
        8 => Just(Some(open())),
        1 => Just(None),
        1 => instant().prop_map(|at| Some(StoredSession::Revoked(at))),
    ];
    let cut_off = prop_oneof![3 => Just(None), 1 => cut_off().prop_map(Some)];
    (session, proptest::option::of(activity()), cut_off).prop_map(|(session, activity, cut_off)| {
        Snapshot {
            session,
            activity,
            cut_off,
        }
    })
}

fn verdict(presented: Position, stored: &Snapshot, now: UnixMillis) -> Verdict {
    judge(&sid(), presented, stored.clone(), WINDOW, now)
}

/// The store after a refresh.
fn after(stored: &Snapshot, verdict: &Verdict) -> Snapshot {
    let mut stored = stored.clone();
    match verdict {
        Verdict::Live {
            note: Some(note), ..
        } => stored.activity = Some(*note),
        Verdict::Reused => stored.session = Some(StoredSession::Revoked(UnixMillis(LOGIN))),
        _ => {}
    }
    stored
}

fn is_live(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Live { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_global_rejects: 50_000, ..ProptestConfig::default() })]

    #[test]
    fn the_rule_in_parts_is_the_rule(shown in position(), stored in snapshot(), now in instant()) {
        let in_parts = decide(WHOLE, &sid(), shown, stored.clone(), WINDOW, now);
        prop_assert_eq!(in_parts, verdict(shown, &stored, now));
    }

    #[test]
    fn a_repeated_request_gets_the_same_answer(shown in position(), stored in snapshot(), now in instant()) {
        let first = verdict(shown, &stored, now);
        let second = verdict(shown, &after(&stored, &first), now);
        match (first, second) {
            (Verdict::Live { answer, .. }, Verdict::Live { answer: again, note, .. }) => {
                prop_assert_eq!(answer, again);
                prop_assert_eq!(note, None, "nothing is left to be written");
            }
            (Verdict::Reused, second) => prop_assert_eq!(second, Verdict::Revoked),
            (first, second) => prop_assert_eq!(first, second),
        }
    }

    #[test]
    fn the_token_in_force_stays_live_while_nothing_is_written(
        shown in position(), stored in snapshot(), now in instant(), later in 0..90 * DAY,
    ) {
        let first = verdict(shown, &stored, now);
        prop_assume!(is_live(&first) && now.0 + later < LOGIN + 365 * DAY);
        let mut stored = after(&stored, &first);
        let Verdict::Live { answer, .. } = first else { unreachable!() };
        // Who showed a late duplicate was answered with the token in force, and goes on with it.
        let current = stored.activity.map_or(Position::first(UnixMillis(LOGIN)), |known| known.current);
        let held = if answer == current { current } else { shown };
        // The client was seen just now; the store is told once in a third of the window.
        if let Some(activity) = &mut stored.activity {
            activity.seen_at = activity.seen_at.max(UnixMillis(now.0.saturating_sub(30 * DAY)));
        } else {
            prop_assume!(now.0 - LOGIN <= 30 * DAY);
        }
        prop_assert!(is_live(&verdict(held, &stored, UnixMillis(now.0 + later))));
    }

    #[test]
    fn a_tombstone_ends_whatever_is_shown(shown in position(), mut stored in snapshot(), now in instant()) {
        stored.session = Some(StoredSession::Revoked(now));
        prop_assert_eq!(verdict(shown, &stored, now), Verdict::Revoked);
    }

    #[test]
    fn an_effective_cut_off_ends_whatever_is_shown(
        shown in position(), mut stored in snapshot(), now in instant(), before in instant(),
    ) {
        stored.session = Some(open());
        stored.cut_off = Some(CutOff { before, keep: None });
        prop_assert_eq!(verdict(shown, &stored, now), Verdict::Revoked);
    }
}

//! Cases of the rule, one a line. All instants are counted from the login.

use proptest::prelude::*;

use super::*;

const LOGIN: UnixMillis = UnixMillis(1_800_000_000_000);
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WINDOW: IdleWindow = IdleWindow { idle_ms: 90 * DAY };

/// For how long a copy of a request may be late.
const LATE: u64 = 65 * SECOND;

/// The token of the login.
const FIRST: Position = token(0, 0);

const fn at(after_login: u64) -> UnixMillis {
    UnixMillis(LOGIN.0 + after_login)
}

/// The token of this generation that was made in this minute.
const fn token(generation: u32, minute: u64) -> Position {
    Position {
        generation,
        issued_at: UnixSeconds(LOGIN.0 / 1000 + 60 * minute),
    }
}

fn session() -> SessionId {
    SessionId::from_random([7; 16])
}

fn record() -> SessionRecord {
    SessionRecord {
        created_at: LOGIN,
        expires_at: at(365 * DAY),
        device: Some("phone".to_owned()),
        claims: CustomClaims::default(),
        has_account: false,
    }
}

/// A session as the login left it.
fn fresh() -> Snapshot {
    Snapshot {
        session: Some(StoredSession::Open(record())),
        activity: None,
        cut_off: None,
    }
}

fn missing() -> Snapshot {
    Snapshot {
        session: None,
        ..fresh()
    }
}

fn revoked() -> Snapshot {
    Snapshot {
        session: Some(StoredSession::Revoked(LOGIN)),
        ..fresh()
    }
}

fn cut_off(stored: Snapshot, before: UnixMillis, keep: Option<SessionId>) -> Snapshot {
    Snapshot {
        cut_off: Some(CutOff {
            before,
            keep: keep.map(|session| Kept {
                session,
                until: None,
            }),
        }),
        ..stored
    }
}

fn with(activity: Activity) -> Snapshot {
    Snapshot {
        activity: Some(activity),
        ..fresh()
    }
}

/// The client took this token up at this time, and was not seen since.
const fn adopted(current: Position, adopted_at: u64) -> Activity {
    Activity {
        current,
        adopted_at: at(adopted_at),
        previous_adopted_at: None,
        seen_at: at(adopted_at),
    }
}

/// As [`adopted`]; the generation before it was taken up at this other time, shortly before.
const fn adopted_soon_after(current: Position, adopted_at: u64, before: u64) -> Activity {
    Activity {
        previous_adopted_at: Some(at(before)),
        ..adopted(current, adopted_at)
    }
}

fn verdict(presented: Position, stored: &Snapshot, now: u64) -> Verdict {
    judge(&session(), presented, stored.clone(), WINDOW, at(now))
}

/// The session lives, and nothing needs to be written.
fn live(answer: Position) -> Verdict {
    Verdict::Live {
        record: record(),
        answer,
        note: None,
    }
}

fn noted(answer: Position, note: Activity) -> Verdict {
    Verdict::Live {
        record: record(),
        answer,
        note: Some(note),
    }
}

fn is_live(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Live { .. })
}

/// A name, the token that is shown, when, and what becomes of it.
type Case<'a> = (&'a str, Position, u64, Verdict);

#[track_caller]
fn assert_cases<const N: usize>(stored: &Snapshot, cases: [Case; N]) {
    for (name, presented, now, expected) in cases {
        assert_eq!(verdict(presented, stored, now), expected, "{name}");
    }
}

#[test]
fn a_token_is_answered_with_itself_while_young_and_then_with_a_successor() {
    #[rustfmt::skip]
    let cases = [
        ("at once",     FIRST, 0,              live(FIRST)),
        ("just young",  FIRST, 2 * MINUTE - 1, live(FIRST)),
        ("old enough",  FIRST, 2 * MINUTE,     live(token(1, 2))),
        ("same minute", FIRST, 3 * MINUTE - 1, live(token(1, 2))),
        ("next minute", FIRST, 3 * MINUTE,     live(token(1, 3))),
    ];
    assert_cases(&fresh(), cases);
    assert_eq!(offered(token(u32::MAX, 0), at(HOUR)), token(u32::MAX, 60));
}

#[test]
fn a_later_generation_is_adopted_and_recorded() {
    let [next, quick] = [token(1, 60), token(1, 1)];
    #[rustfmt::skip]
    let cases = [
        ("slept on",        next,  2 * HOUR, noted(token(2, 120), adopted(next, 2 * HOUR))),
        ("at once",         quick, LATE,     noted(quick, adopted_soon_after(quick, LATE, 0))),
        ("no longer quick", quick, LATE + 1, noted(quick, adopted(quick, LATE + 1))),
    ];
    assert_cases(&fresh(), cases);

    let second = token(2, 120);
    let soon = 2 * HOUR + 2 * SECOND;
    let expected = noted(second, adopted_soon_after(second, soon, 2 * HOUR));
    let advanced = with(adopted(next, 2 * HOUR));
    assert_eq!(verdict(second, &advanced, soon), expected);
}

#[test]
fn a_generation_that_this_place_never_saw_was_in_use_when_its_successor_was_made() {
    let skipping = token(2, 120);
    let [soon, last] = [2 * HOUR + SECOND, 2 * HOUR + MINUTE + LATE];
    let [soon_after, last_after] = [(soon, soon), (last, 2 * HOUR + MINUTE)]
        .map(|(now, before)| adopted_soon_after(skipping, now, before));
    let much_later = adopted(skipping, last + 1);
    #[rustfmt::skip]
    let cases = [
        ("soon",                  skipping, soon,     noted(skipping, soon_after)),
        ("copies may still come", skipping, last,     noted(token(3, 122), last_after)),
        ("no copies can come",    skipping, last + 1, noted(token(3, 122), much_later)),
    ];
    assert_cases(&fresh(), cases);
}

#[test]
fn an_earlier_generation_is_a_late_duplicate_for_a_minute_and_then_reuse() {
    let current = token(1, 60);
    let end = 2 * HOUR + LATE;
    #[rustfmt::skip]
    let cases = [
        ("current",  current, 3 * HOUR, live(token(2, 180))),
        ("in time",  FIRST,   end,      live(current)),
        ("too late", FIRST,   end + 1,  Verdict::Reused),
    ];
    assert_cases(&with(adopted(current, 2 * HOUR)), cases);
}

#[test]
fn two_generations_back_is_a_late_duplicate_only_after_two_quick_steps() {
    let [current, one_back] = [token(2, 120), token(1, 60)];
    let [step, next_step] = [2 * HOUR, 2 * HOUR + 2 * SECOND];
    #[rustfmt::skip]
    let cases = [
        ("one",       one_back, next_step + LATE,     live(current)),
        ("one, late", one_back, next_step + LATE + 1, Verdict::Reused),
        ("two",       FIRST,    step + LATE,          live(current)),
        ("two, late", FIRST,    step + LATE + 1,      Verdict::Reused),
    ];
    assert_cases(&with(adopted_soon_after(current, next_step, step)), cases);

    let slow = with(adopted(current, next_step));
    assert_eq!(verdict(FIRST, &slow, next_step), Verdict::Reused);
    let three = with(adopted_soon_after(token(3, 120), next_step, step));
    assert_eq!(verdict(FIRST, &three, next_step), Verdict::Reused);
    // Each generation is two minutes older than the next.
    for (minute, expected) in [(4, live(token(2, 4))), (3, Verdict::Reused)] {
        let quick = with(adopted_soon_after(token(2, minute), step, step));
        assert_eq!(verdict(FIRST, &quick, step), expected);
    }
}

#[test]
fn siblings_more_than_a_minute_apart_are_not_of_one_branch() {
    let current = token(1, 60);
    let [now, in_time] = [3 * HOUR, 2 * HOUR + LATE];
    #[rustfmt::skip]
    let cases = [
        ("a minute before",     token(1, 59), now,     live(token(2, 180))),
        ("a minute after",      token(1, 61), now,     live(token(2, 180))),
        ("two minutes before",  token(1, 58), now,     Verdict::Reused),
        ("two minutes after",   token(1, 62), now,     Verdict::Reused),
        ("as a late duplicate", token(1, 62), in_time, live(current)),
    ];
    assert_cases(&with(adopted(current, 2 * HOUR)), cases);
}

#[test]
fn a_branch_that_may_have_grown_when_the_other_was_taken_up_lives() {
    // The minute in which it was made; when, after two hours, the other one was taken up.
    #[rustfmt::skip]
    let cases = [
        (122, 55 * SECOND,     live(token(2, 180))),
        (122, 55 * SECOND - 1, Verdict::Reused),
        (120, 0,               live(token(2, 180))),
        (118, 5 * SECOND,      live(token(2, 180))),
        (118, 5 * SECOND + 1,  Verdict::Reused),
    ];
    for (minute, after, expected) in cases {
        let stored = with(adopted(token(1, 60), 2 * HOUR + after));
        let seen = verdict(token(1, minute), &stored, 3 * HOUR);
        assert_eq!(seen, expected, "{minute} {after}");
    }
}

#[test]
fn a_client_is_noted_as_seen_after_a_third_of_the_idle_window() {
    let due = 30 * DAY + 1;
    let seen = Activity {
        seen_at: at(due),
        ..adopted(FIRST, 0)
    };
    let successor = token(1, 30 * 24 * 60);
    #[rustfmt::skip]
    let cases = [
        ("not yet due", FIRST, due - 1, live(successor)),
        ("due",         FIRST, due,     noted(successor, seen)),
    ];
    assert_cases(&fresh(), cases);
}

#[test]
fn an_unused_session_expires_after_its_idle_window_and_a_third() {
    // The day on which the token was made, which proves that the session was used then; the end.
    for (day, end) in [(0, 120 * DAY + 1), (50, 170 * DAY + 1), (364, 365 * DAY)] {
        let shown = token(u32::from(day > 0), day * 24 * 60);
        assert!(is_live(&verdict(shown, &fresh(), end - 1)), "{day}");
        assert_eq!(verdict(shown, &fresh(), end), Verdict::Expired, "{day}");
    }
}

#[test]
fn a_missing_session_may_still_arrive_for_six_minutes() {
    let later = token(1, 60);
    let [end, later_end] = [6 * MINUTE, HOUR + 6 * MINUTE];
    #[rustfmt::skip]
    let cases = [
        ("at once",           FIRST, 0,             Verdict::NotHereYet),
        ("at the end",        FIRST, end - 1,       Verdict::NotHereYet),
        ("too late",          FIRST, end,           Verdict::Lost),
        ("a successor",       later, later_end - 1, Verdict::NotHereYet),
        ("a successor, late", later, later_end,     Verdict::Lost),
    ];
    assert_cases(&missing(), cases);
}

#[test]
fn a_cut_off_ends_a_missing_session_unless_the_clocks_may_be_apart() {
    for (ahead, expected) in [
        (5 * SECOND, Verdict::Revoked),
        (5 * SECOND - 1, Verdict::NotHereYet),
    ] {
        let missing = cut_off(missing(), at(MINUTE + ahead), None);
        assert_eq!(verdict(FIRST, &missing, MINUTE), expected);
    }
}

#[test]
fn a_missing_session_whose_token_is_older_than_the_cut_off_was_ended() {
    let missing = cut_off(missing(), at(DAY), None);
    // A token of the cut-off's own minute may be the first one after it.
    for (minute, expected) in [(1439, Verdict::Revoked), (1440, Verdict::Lost)] {
        assert_eq!(verdict(token(3, minute), &missing, 2 * DAY), expected);
    }
}

#[test]
fn a_tombstone_or_a_cut_off_ends_a_session_for_refreshes_bearers_and_lists() {
    let before = UnixMillis(LOGIN.0 - 1);
    let other = SessionId::from_random([8; 16]);
    #[rustfmt::skip]
    let cases = [
        ("neither",                     fresh(),                                       false),
        ("a tombstone",                 revoked(),                                     true),
        ("a cut-off",                   cut_off(fresh(), LOGIN, None),                 true),
        ("an earlier cut-off",          cut_off(fresh(), before, None),                false),
        ("a cut-off that keeps it",     cut_off(fresh(), at(DAY), Some(session())),    false),
        ("a cut-off that keeps others", cut_off(fresh(), at(DAY), Some(other)),        true),
    ];
    for (name, stored, has_ended) in cases {
        let expected = if has_ended {
            Verdict::Revoked
        } else {
            live(FIRST)
        };
        assert_eq!(verdict(FIRST, &stored, 0), expected, "{name}");
        let seen = stored.refuses_bearer(&session(), LOGIN.seconds(), LOGIN);
        assert_eq!(seen, has_ended, "{name}");
        let listed = listed(&session(), stored, WINDOW, LOGIN);
        assert_eq!(listed.is_none(), has_ended, "{name}");
    }
}

#[test]
fn the_iat_of_a_bearer_whose_session_is_missing_is_compared_with_the_cut_off() {
    for (after, has_ended) in [(5_999, true), (5_998, false)] {
        let missing = cut_off(missing(), at(after), None);
        let seen = missing.refuses_bearer(&session(), LOGIN.seconds(), LOGIN);
        assert_eq!(seen, has_ended);
    }
}

#[test]
fn a_session_that_is_kept_for_a_while_ends_then_for_refreshes_bearers_and_lists() {
    let stored = Snapshot {
        cut_off: Some(CutOff::of_password_change(at(DAY), session())),
        ..fresh()
    };
    let grace_ends = DAY + LATE;
    for (now, has_ended) in [(grace_ends - 1, false), (grace_ends, true)] {
        let verdict = verdict(FIRST, &stored, now);
        assert_eq!(verdict == Verdict::Revoked, has_ended);
        let seen = stored.refuses_bearer(&session(), LOGIN.seconds(), at(now));
        assert_eq!(seen, has_ended);
        let listed = listed(&session(), stored.clone(), WINDOW, at(now));
        assert_eq!(listed.is_none(), has_ended);
    }
}

#[test]
fn a_list_shows_a_session_until_it_expires() {
    let listed = |stored, now| listed(&session(), stored, WINDOW, at(now));
    let shown = |seen_at| Listed {
        device: Some("phone".to_owned()),
        created_at: LOGIN,
        seen_at: at(seen_at),
    };
    let used_late = || with(adopted(token(1, 60), 300 * DAY));
    assert_eq!(listed(fresh(), 120 * DAY), Some(shown(0)));
    assert_eq!(listed(fresh(), 120 * DAY + 1), None);
    assert_eq!(listed(used_late(), 365 * DAY - 1), Some(shown(300 * DAY)));
    assert_eq!(listed(used_late(), 365 * DAY), None);
    assert_eq!(listed(missing(), 0), None);
}

/// The store after a refresh.
fn after(stored: &Snapshot, verdict: &Verdict) -> Snapshot {
    let note = match verdict {
        Verdict::Live { note, .. } => *note,
        _ => None,
    };
    Snapshot {
        activity: note.or(stored.activity),
        ..stored.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_session_that_never_moved_on_lives_to_its_idle_end(later in 0..120 * DAY) {
        prop_assert!(is_live(&verdict(FIRST, &fresh(), later)));
    }

    /// What one honest client has in flight around the taking up of a successor: copies of the
    /// old request, the successor, a branch of it grown meanwhile. Any order, within a minute.
    #[test]
    fn honest_tokens_may_come_in_any_order(
        born in 3 * MINUTE..30 * DAY,
        adopted in 0..2 * DAY,
        mut requests in proptest::collection::vec((0..MINUTE, 0..3_usize, -2_000..=2_000_i64), 1..12),
        afterwards in 0..80 * DAY,
    ) {
        let successor = offered(FIRST, at(born));
        let start = born + adopted;
        requests.sort_by_key(|request| request.0);
        let mut held = vec![FIRST, successor];
        let mut stored = fresh();
        for (after_ms, which, clock) in requests {
            let now = (start + after_ms).saturating_add_signed(clock);
            let shown = held[which.min(held.len() - 1)];
            let seen = verdict(shown, &stored, now);
            prop_assert!(is_live(&seen), "{shown:?} at {now:?} with {stored:?}: {seen:?}");
            let Verdict::Live { answer, .. } = &seen else { unreachable!() };
            if answer.generation == 1 && held.len() < 3 {
                held.push(*answer);
            }
            stored = after(&stored, &seen);
        }
        let newest = held.last().copied().expect("at least two");
        let late = start + MINUTE + afterwards;
        prop_assert!(is_live(&verdict(newest, &stored, late)), "{newest:?} with {stored:?}");
    }

    #[test]
    fn siblings_that_grew_apart_do_not_live_together(
        first in 3 * MINUTE..30 * DAY, apart in 4 * MINUTE..DAY, rest in 4 * MINUTE..DAY,
    ) {
        let one = offered(FIRST, at(first));
        let other = offered(FIRST, at(first + apart));
        let adopted_at = first + apart + rest;
        let stored = after(&fresh(), &verdict(one, &fresh(), adopted_at));
        let later = adopted_at + 2 * MINUTE;
        prop_assert_eq!(verdict(other, &stored, later), Verdict::Reused);
        prop_assert_eq!(verdict(FIRST, &stored, later), Verdict::Reused);
        prop_assert!(is_live(&verdict(one, &stored, later)));
        prop_assert_eq!(one, token(1, first / MINUTE));
    }
}

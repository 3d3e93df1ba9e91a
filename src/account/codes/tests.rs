use std::sync::LazyLock;

use proptest::prelude::*;

use crate::{
    account::codes::*,
    token::{
        code::{Code, CodeKeys},
        secret::Secret,
    },
};

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const KIND: CodeKind = CodeKind::Reset;

static KEYS: LazyLock<CodeKeys> = LazyLock::new(|| {
    let secret = Secret::parse("0123456789abcdef0123456789abcdef").expect("long enough");
    CodeKeys {
        current: secret.derived_code_key(),
        previous: vec![],
    }
});

/// The MAC of one of many codes.
fn mac(number: u64) -> CodeMac {
    let code = Code::from_random(number.to_be_bytes());
    KEYS.mac(KIND, "ada@example.com", &code)
}

fn success(at: UnixMillis) -> Success {
    Success {
        at,
        session: SessionId::from_random([7; 16]),
        ends_others: false,
    }
}

fn present(codes: &mut Codes, number: u64, now: UnixMillis) -> Presented {
    codes.present(KIND, &[mac(number)], now)
}

#[test]
fn a_code_is_valid_once_and_its_success_can_be_repeated_for_two_minutes() {
    let mut codes = Codes::default();
    assert!(codes.issue(KIND, mac(1), START));
    let now = START.plus_ms(1000);
    assert_eq!(present(&mut codes, 1, now), Presented::Right);
    codes.spend(KIND, success(now));
    let again = now.plus_ms(REPEAT_MS - 1);
    assert_eq!(
        present(&mut codes, 1, again),
        Presented::Again(success(now))
    );
    assert_eq!(present(&mut codes, 1, again.plus_ms(1)), Presented::Wrong);
}

#[test]
fn what_came_after_a_success_is_not_undone_by_its_repetition() {
    let mut codes = Codes::default();
    codes.issue(KIND, mac(1), START);
    codes.spend(KIND, success(START));
    codes.forget_successes();
    assert_eq!(present(&mut codes, 1, START), Presented::Wrong);
}

#[test]
fn a_code_that_did_not_do_what_it_is_for_can_be_sent_again() {
    let mut codes = Codes::default();
    codes.issue(KIND, mac(1), START);
    for _ in 0..20 {
        assert_eq!(present(&mut codes, 1, START), Presented::Right);
    }
}

#[test]
fn a_code_ends_after_a_quarter_of_an_hour() {
    let mut codes = Codes::default();
    codes.issue(KIND, mac(1), START);
    let end = START.plus_ms(15 * MINUTE_MS);
    assert_eq!(
        present(&mut codes.clone(), 1, UnixMillis(end.0 - 1)),
        Presented::Right
    );
    assert_eq!(present(&mut codes, 1, end), Presented::Wrong);
}

#[test]
fn five_wrong_codes_end_the_right_one_and_the_next_one_is_as_good_as_new() {
    let mut codes = Codes::default();
    codes.issue(KIND, mac(1), START);
    for _ in 0..4 {
        assert_eq!(present(&mut codes, 2, START), Presented::Wrong);
    }
    assert_eq!(present(&mut codes, 1, START), Presented::Right);
    assert_eq!(present(&mut codes, 2, START), Presented::Wrong);
    assert_eq!(present(&mut codes, 1, START), Presented::Wrong);
    let later = START.plus_ms(MINUTE_MS);
    assert!(codes.issue(KIND, mac(3), later));
    assert_eq!(present(&mut codes, 1, later), Presented::Wrong);
    assert_eq!(present(&mut codes, 3, later), Presented::Right);
}

#[test]
fn what_comes_with_a_used_code_may_be_wrong_four_times() {
    let mut codes = Codes::default();
    codes.issue(KIND, mac(1), START);
    codes.spend(KIND, success(START));
    let mut left = codes.allowance;
    for _ in 0..4 {
        codes.reject(KIND, true, START);
        left.take(START);
    }
    assert_eq!(
        present(&mut codes, 1, START),
        Presented::Again(success(START))
    );
    let json = serde_json::to_string(&codes).expect("JSON");
    assert!(json.contains(r#""session":"BwcHBwcHBwcHBwcHBwcHBw","wrong":4}"#));
    let mut codes: Codes = serde_json::from_str(&json).expect("what is stored");
    codes.reject(KIND, true, START);
    left.take(START);
    assert_eq!(present(&mut codes, 1, START), Presented::Wrong);
    assert_eq!(codes.allowance, left, "as wrong codes do");
}

#[test]
fn a_request_within_the_minute_sends_nothing_and_the_code_stays_valid() {
    let mut codes = Codes::default();
    codes.issue(KIND, mac(1), START);
    let within = START.plus_ms(MINUTE_MS - 1);
    assert!(!codes.issue(KIND, mac(2), within));
    assert_eq!(present(&mut codes, 1, within), Presented::Right);
    let after = START.plus_ms(MINUTE_MS);
    assert!(codes.issue(KIND, mac(2), after));
    assert_eq!(present(&mut codes, 1, after), Presented::Wrong);
    assert_eq!(present(&mut codes, 2, after), Presented::Right);
}

#[test]
fn there_are_five_e_mails_an_hour_and_ten_a_day() {
    let mut codes = Codes::default();
    let minutes = |minutes: u64| START.plus_ms(minutes * MINUTE_MS);
    let mut sent = Vec::new();
    for minute in 0..3 * 24 * 60 {
        if codes.issue(KIND, mac(minute), minutes(minute)) {
            sent.push(minute);
        }
    }
    let day = |day: u64| (0..5).chain(60..65).map(move |minute| day * 1440 + minute);
    let expected: Vec<u64> = (0..3).flat_map(day).collect();
    assert_eq!(sent, expected);
}

#[test]
fn nothing_is_left_a_day_after_the_last_e_mail() {
    let mut codes = Codes::default();
    assert_eq!(codes.next_cleanup(), None);
    codes.issue(KIND, mac(1), START);
    codes.spend(KIND, success(START));
    let cleanup = codes.next_cleanup().expect("something is stored");
    assert_eq!(cleanup, START.plus_ms(DAY_MS));
    codes.forget(UnixMillis(cleanup.0 - 1));
    assert!(!codes.is_empty());
    codes.forget(cleanup);
    assert!(codes.is_empty());
}

#[test]
fn the_json_is_pinned() {
    let mut codes = Codes::default();
    assert_eq!(serde_json::to_string(&codes).expect("JSON"), "{}");
    codes.issue(KIND, mac(1), START);
    codes.spend(KIND, success(START));
    codes.issue(KIND, mac(2), START.plus_ms(MINUTE_MS));
    present(&mut codes, 3, START.plus_ms(MINUTE_MS));
    let [one, two] = [1, 2].map(|number| serde_json::to_string(&mac(number)).expect("JSON"));
    let json = format!(
        r#"{{"allowance":1700003660000,"reset":{{"sent":[1700000000000,1700000060000],"code":{{"mac":{two},"at":1700000060000,"wrong":1}},"spent":{{"mac":{one},"at":1700000000000,"session":"BwcHBwcHBwcHBwcHBwcHBw"}}}}}}"#
    );
    assert_eq!(serde_json::to_string(&codes).expect("JSON"), json);
    let read: Codes = serde_json::from_str(&json).expect("what is stored");
    assert_eq!(read, codes);
    // Before wrong codes were counted together.
    let earlier = json.replace(r#""allowance":1700003660000,"#, "");
    let read: Codes = serde_json::from_str(&earlier).expect("what is stored");
    assert_eq!(serde_json::to_string(&read).expect("JSON"), earlier);
}

#[test]
fn the_json_of_each_kind_and_of_a_take_over_is_pinned() {
    let mut codes = Codes::default();
    for kind in [CodeKind::Login, CodeKind::Verify] {
        codes.issue(kind, mac(1), START);
    }
    let ends_others = true;
    let taken_over = Success {
        ends_others,
        ..success(START)
    };
    codes.spend(CodeKind::Login, taken_over);
    let mac = serde_json::to_string(&mac(1)).expect("JSON");
    let json = format!(
        r#"{{"login":{{"sent":[1700000000000],"spent":{{"mac":{mac},"at":1700000000000,"session":"BwcHBwcHBwcHBwcHBwcHBw","ends_others":true}}}},"verify":{{"sent":[1700000000000],"code":{{"mac":{mac},"at":1700000000000,"wrong":0}}}}}}"#
    );
    assert_eq!(serde_json::to_string(&codes).expect("JSON"), json);
    let read: Codes = serde_json::from_str(&json).expect("what is stored");
    assert_eq!(read, codes);
}

#[test]
fn a_sign_up_is_repeated_within_the_minute_of_its_code() {
    let kind = CodeKind::Verify;
    let mut codes = Codes::default();
    codes.issue(kind, mac(1), START);
    assert!(!codes.has_just_signed_up(kind, START), "it was asked for");
    codes.note_sign_up(kind);
    let json = serde_json::to_string(&codes).expect("JSON");
    let end = r#""at":1700000000000,"wrong":0,"signs_up":true}}}"#;
    assert!(json.ends_with(end), "{json}");
    let mut codes: Codes = serde_json::from_str(&json).expect("what is stored");
    let minute = START.plus_ms(MINUTE_MS);
    assert!(codes.has_just_signed_up(kind, UnixMillis(minute.0 - 1)));
    assert!(!codes.has_just_signed_up(kind, minute));
    codes.issue(kind, mac(2), minute);
    assert!(!codes.has_just_signed_up(kind, minute));
}

#[test]
fn the_hundredth_wrong_code_ends_all_codes_and_then_there_is_one_try_an_hour() {
    let kinds = [CodeKind::Reset, CodeKind::Login, CodeKind::Verify];
    let (mut codes, mut now) = (Codes::default(), START);
    let send = |codes: &mut Codes, now| kinds.map(|kind| codes.issue(kind, mac(1), now));
    for _ in 0..98 {
        codes.allowance.take(now);
    }
    assert_eq!(send(&mut codes, now), [true; 3]);
    assert_eq!(
        codes.present(CodeKind::Reset, &[mac(2)], now),
        Presented::Wrong
    );
    assert_eq!(
        codes.present(CodeKind::Login, &[mac(1)], now),
        Presented::Right
    );
    assert_eq!(
        codes.present(CodeKind::Reset, &[mac(2)], now),
        Presented::Wrong
    );
    for kind in kinds {
        assert_eq!(codes.present(kind, &[mac(1)], now), Presented::Wrong);
    }
    now = now.plus_ms(MINUTE_MS);
    assert_eq!(send(&mut codes, now), [false; 3]);
    now = now.plus_ms(HOUR_MS);
    assert_eq!(send(&mut codes, now), [true; 3]);
    assert_eq!(
        codes.present(CodeKind::Verify, &[mac(2)], now),
        Presented::Wrong
    );
    assert_eq!(
        codes.present(CodeKind::Login, &[mac(1)], now),
        Presented::Wrong
    );
}

/// Whoever asks for a change to an address sees whether the code is sent, and must not see by that
/// whether somebody has had other codes sent there.
#[test]
fn wrong_codes_for_a_change_are_counted_apart() {
    for (wrong, right) in [
        (CodeKind::Login, CodeKind::Change),
        (CodeKind::Change, CodeKind::Login),
    ] {
        let mut codes = Codes::default();
        for _ in 0..99 {
            codes.issue(wrong, mac(1), START);
            codes.reject(wrong, false, START);
        }
        let now = START.plus_ms(MINUTE_MS);
        assert!(codes.issue(wrong, mac(1), now) && codes.issue(right, mac(1), now));
        assert_eq!(codes.present(wrong, &[mac(2)], now), Presented::Wrong);
        assert_eq!(codes.present(wrong, &[mac(1)], now), Presented::Wrong);
        assert_eq!(codes.present(right, &[mac(1)], now), Presented::Right);
        let next = now.plus_ms(MINUTE_MS);
        assert!(!codes.may_issue(wrong, next) && codes.may_issue(right, next));
        let json = serde_json::to_string(&codes).expect("JSON");
        let is_apart = json.starts_with(r#"{"changes":17003"#);
        assert_eq!(is_apart, wrong == CodeKind::Change, "{json}");
        let read: Codes = serde_json::from_str(&json).expect("what is stored");
        assert_eq!(read, codes);
    }
}

#[test]
fn a_clock_that_goes_back_neither_keeps_a_code_nor_stops_e_mails_for_good() {
    let mut codes = Codes::default();
    codes.issue(KIND, mac(1), START.plus_ms(10 * DAY_MS));
    let later = START.plus_ms(KIND.lifetime_ms());
    assert!(!codes.issue(KIND, mac(2), START));
    assert_eq!(present(&mut codes, 1, later), Presented::Wrong);
    assert!(codes.issue(KIND, mac(2), later));
}

/// What happens to an address.
#[derive(Debug, Clone)]
enum Event {
    /// Somebody asks for a code.
    Ask,
    /// So many wrong codes at once.
    Guess(u8),
    /// The owner's code, which does what it is for or not.
    Enter {
        is_done: bool,
    },
    /// The guard has slept.
    Restart,
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Ask),
        3 => (1..40u8).prop_map(Event::Guess),
        2 => any::<bool>().prop_map(|is_done| Event::Enter { is_done }),
        1 => Just(Event::Restart),
        2 => (0..20 * MINUTE_MS).prop_map(Event::Wait),
        1 => (0..8 * HOUR_MS).prop_map(Event::Wait),
    ]
}

proptest! {
    /// Whatever comes, and in whatever order: the limits of e-mails hold within every window, no
    /// code stands more than five wrong ones, and none does its work twice.
    #[test]
    fn no_interleaving_gets_more_than_the_limits_of_codes(
        events in prop::collection::vec(event(), 1..300),
    ) {
        let (mut codes, mut now) = (Codes::default(), START);
        let wrong_code = [mac(1)];
        let mut sent: Vec<UnixMillis> = Vec::new();
        let mut allowance = Allowance::default();
        // The number of the last code and, while it is valid, when it was sent and its wrong tries.
        let (mut last, mut valid): (u64, Option<(UnixMillis, u8)>) = (0, None);
        for (number, event) in (1_000..).zip(events) {
            allowance.forget(now);
            valid.take_if(|(at, _)| now.since_ms(*at) >= KIND.lifetime_ms());
            match event {
                Event::Ask => {
                    let is_sent = codes.issue(KIND, mac(number), now);
                    let may = allowance.wait_ends() <= now && EMAILS.iter().all(|(most, within)| {
                        sent.iter().filter(|at| now.since_ms(**at) < *within).count() < *most
                    });
                    prop_assert_eq!(is_sent, may);
                    if is_sent {
                        sent.push(now);
                        (last, valid) = (number, Some((now, 0)));
                    }
                }
                Event::Guess(times) => for _ in 0..times {
                    prop_assert_eq!(codes.present(KIND, &wrong_code, now), Presented::Wrong);
                    valid.take_if(|(_, wrong)| {
                        *wrong += 1;
                        allowance.take(now);
                        *wrong >= TRIES || allowance.wait_ends() > now
                    });
                },
                Event::Enter { is_done } => {
                    let is_right = present(&mut codes, last, now) == Presented::Right;
                    prop_assert_eq!(is_right, valid.is_some());
                    if is_right && is_done {
                        codes.spend(KIND, success(now));
                        valid = None;
                    }
                },
                Event::Restart => {
                    let json = serde_json::to_string(&codes).expect("JSON");
                    codes = serde_json::from_str(&json).expect("what was stored");
                }
                Event::Wait(milliseconds) => now = now.plus_ms(milliseconds),
            }
        }
    }
}

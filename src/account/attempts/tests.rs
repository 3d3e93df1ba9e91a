use std::collections::HashMap;

use proptest::prelude::*;

use crate::account::{attempts::*, email::Email};

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const MINUTE_MS: u64 = 60_000;

fn source(number: usize) -> Caller {
    let email = Email::parse("ada@example.com").expect("good");
    Caller {
        network: Source::new(&email, &format!("10.0.{}.{}", number / 256, number % 256)),
        device: None,
    }
}

/// Tries a wrong password as often as it is let, and says how often that was.
fn fail(attempts: &mut Attempts, source: &Caller, times: usize, now: UnixMillis) -> usize {
    let mut fail_once = || match attempts.admit(source, now) {
        Ok(ticket) => {
            attempts.settle(ticket, Outcome::Failure, now);
            true
        }
        Err(_) => false,
    };
    (0..times).filter(|_| fail_once()).count()
}

fn succeed(attempts: &mut Attempts, source: &Caller, now: UnixMillis) {
    let ticket = attempts.admit(source, now).expect("no wait");
    attempts.settle(ticket, Outcome::Success, now);
}

/// How long this caller would have to wait now.
fn wait_seconds(attempts: &Attempts, source: &Caller, now: UnixMillis) -> u64 {
    match attempts.clone().admit(source, now) {
        Ok(_ticket) => 0,
        Err(wait) => wait.seconds,
    }
}

#[test]
fn fifty_wrong_passwords_at_once_are_ten_checks() {
    let mut attempts = Attempts::default();
    let tickets: Vec<_> = (0..50)
        .filter_map(|_| attempts.admit(&source(1), START).ok())
        .collect();
    assert_eq!(tickets.len(), 10);
    for ticket in tickets {
        attempts.settle(ticket, Outcome::Failure, START);
    }
    assert_eq!(wait_seconds(&attempts, &source(1), START), 60);
}

#[test]
fn wrong_passwords_from_everywhere_at_once_are_fifty_checks() {
    let mut attempts = Attempts::default();
    let admitted: usize = (0..60)
        .map(|number| fail(&mut attempts, &source(number), 1, START))
        .sum();
    assert_eq!(admitted, 50);
    assert_eq!(wait_seconds(&attempts, &source(99), START), 60);
}

#[test]
fn the_wait_grows_to_fifteen_minutes_and_ends() {
    let (mut attempts, mut now, mut waits) = (Attempts::default(), START, Vec::new());
    fail(&mut attempts, &source(1), 10, now);
    for _ in 0..8 {
        let seconds = wait_seconds(&attempts, &source(1), now);
        waits.push(seconds);
        let almost = now.plus_ms(seconds * 1000 - 1);
        assert_eq!(wait_seconds(&attempts, &source(1), almost), 1);
        now = now.plus_ms(seconds * 1000);
        assert_eq!(fail(&mut attempts, &source(1), 2, now), 1);
    }
    assert_eq!(waits, [60, 120, 240, 480, 900, 900, 900, 900]);
}

#[test]
fn failures_older_than_the_window_do_not_count() {
    let mut attempts = Attempts::default();
    for minute in 0..100 {
        let now = START.plus_ms(minute * 2 * MINUTE_MS);
        assert_eq!(fail(&mut attempts, &source(1), 1, now), 1, "{minute}");
    }
}

#[test]
fn failures_at_the_edge_of_a_quarter_of_an_hour_count_together() {
    let mut attempts = Attempts::default();
    fail(&mut attempts, &source(1), 9, START.plus_ms(14 * MINUTE_MS));
    let admitted = fail(&mut attempts, &source(1), 9, START.plus_ms(16 * MINUTE_MS));
    assert_eq!(admitted, 1);
}

#[test]
fn a_pause_of_a_quarter_of_an_hour_does_not_buy_ten_new_attempts() {
    let mut attempts = Attempts::default();
    fail(&mut attempts, &source(1), 10, START);
    let later = START.plus_ms(20 * MINUTE_MS);
    assert_eq!(fail(&mut attempts, &source(1), 10, later), 1);
    let next_day = later.plus_ms(MEMORY_MS);
    assert_eq!(fail(&mut attempts, &source(1), 20, next_day), 10);
}

#[test]
fn the_right_password_waits_too_and_then_clears_nothing() {
    let mut attempts = Attempts::default();
    fail(&mut attempts, &source(1), 10, START);
    assert_eq!(wait_seconds(&attempts, &source(1), START), 60);
    let later = START.plus_ms(MINUTE_MS);
    succeed(&mut attempts, &source(1), later);
    assert_eq!(fail(&mut attempts, &source(1), 20, later), 1);
    assert_eq!(wait_seconds(&attempts, &source(1), later), 120);
}

#[test]
fn a_caller_with_the_right_password_starts_anew_a_day_after_its_last_failure() {
    let (mut attempts, mut now) = (Attempts::default(), START);
    fail(&mut attempts, &source(1), 10, now);
    for _ in 0..24 {
        now = now.plus_ms(60 * MINUTE_MS);
        succeed(&mut attempts, &source(1), now);
    }
    assert_eq!(fail(&mut attempts, &source(1), 20, now), 10);
}

#[test]
fn right_passwords_alone_leave_one_network_for_thirty_days() {
    let (mut attempts, mut now) = (Attempts::default(), START);
    for _ in 0..100 {
        succeed(&mut attempts, &source(1), now);
        now = now.plus_ms(60 * MINUTE_MS);
    }
    let last = UnixMillis(now.0 - 60 * MINUTE_MS);
    assert_eq!(attempts.sources.len(), 1);
    let cleanup = last.plus_ms(30 * MEMORY_MS);
    assert_eq!(attempts.next_cleanup(now), Some(cleanup));
    attempts.forget(cleanup);
    assert!(attempts.is_empty());
}

#[test]
fn thirty_right_passwords_an_hour_are_the_end_for_whoever_knows_it() {
    let mut attempts = Attempts::default();
    for second in 0..30 {
        let now = START.plus_ms(second * 1000);
        assert_eq!(attempts.login_wait(now), None);
        succeed(
            &mut attempts,
            &source(second.try_into().expect("small")),
            now,
        );
    }
    let now = START.plus_ms(30_000);
    assert_eq!(attempts.login_wait(now), Some(Wait { seconds: 3_570 }));
    assert_eq!(wait_seconds(&attempts, &source(99), now), 0);
    assert_eq!(attempts.login_wait(START.plus_ms(60 * MINUTE_MS)), None);
    attempts.forget(UnixMillis(0));
    assert_eq!(
        attempts.login_wait(UnixMillis(0)),
        Some(Wait { seconds: 3_600 })
    );
}

#[test]
fn a_device_has_its_own_ten_attempts_and_the_waits_of_strangers_do_not_hold_for_it() {
    let mut attempts = Attempts::default();
    let device = |network| Caller {
        device: Some(source(9_999).network),
        ..source(network)
    };
    for number in 0..60 {
        fail(&mut attempts, &source(number), 1, START);
    }
    assert_eq!(wait_seconds(&attempts, &source(1), START), 60);
    let admitted: usize = (0..20)
        .map(|net| fail(&mut attempts, &device(net), 1, START))
        .sum();
    assert_eq!(admitted, 10);
    assert_eq!(wait_seconds(&attempts, &source(1), START), 60);
}

#[test]
fn strangers_together_have_a_hundred_failures_and_then_one_an_hour() {
    let (mut attempts, mut now, mut failures) = (Attempts::default(), START, Vec::new());
    succeed(&mut attempts, &source(999), now);
    for number in 0..3 * 24 * 60 {
        if fail(&mut attempts, &source(number % 900), 1, now) == 1 {
            failures.push(now);
        }
        now = now.plus_ms(MINUTE_MS);
    }
    let hour = 60 * MINUTE_MS;
    for (index, at) in failures.iter().enumerate().skip(100) {
        assert!(at.since_ms(START) >= (index as u64 - 99) * hour);
    }
    assert_eq!(
        wait_seconds(&attempts, &source(901), *failures.last().expect("one")),
        3_600
    );
    assert_eq!(wait_seconds(&attempts, &source(999), now), 0);
}

#[test]
fn an_attempt_that_is_never_settled_has_failed() {
    let mut attempts = Attempts::default();
    for _ in 0..10 {
        let _lost = attempts.admit(&source(1), START).expect("no wait");
    }
    assert_eq!(wait_seconds(&attempts, &source(1), START), 60);
}

#[test]
fn a_withdrawn_attempt_was_never_admitted() {
    let mut attempts = Attempts::default();
    fail(&mut attempts, &source(1), 9, START);
    for _ in 0..3 {
        let ticket = attempts.admit(&source(1), START).expect("no wait");
        attempts.settle(ticket, Outcome::Withdrawn, START);
    }
    assert_eq!(fail(&mut attempts, &source(1), 2, START), 1);
    assert_eq!(wait_seconds(&attempts, &source(1), START), 60);
}

#[test]
fn an_attempt_can_be_settled_after_the_clock_went_back() {
    let mut attempts = Attempts::default();
    let ticket = attempts.admit(&source(1), START.plus_ms(MINUTE_MS));
    attempts.settle(ticket.expect("no wait"), Outcome::Withdrawn, START);
    assert_eq!(fail(&mut attempts, &source(1), 20, START), 10);
}

#[test]
fn an_attempt_that_is_settled_when_it_was_forgotten_settles_no_other() {
    let mut attempts = Attempts::default();
    let forgotten = attempts.admit(&source(1), START).expect("no wait");
    let later = START.plus_ms(16 * MINUTE_MS);
    fail(&mut attempts, &source(1), 9, later);
    let _under_way = attempts.admit(&source(1), later).expect("no wait");
    attempts.settle(forgotten, Outcome::Withdrawn, later);
    assert_eq!(wait_seconds(&attempts, &source(1), later), 60);
}

#[test]
fn success_does_not_give_back_attempts_that_are_still_under_way() {
    let mut attempts = Attempts::default();
    let under_way: Vec<_> = (0..9)
        .map(|_| attempts.admit(&source(1), START).expect("no wait"))
        .collect();
    succeed(&mut attempts, &source(1), START);
    assert_eq!(fail(&mut attempts, &source(1), 10, START), 1);
    for ticket in under_way {
        attempts.settle(ticket, Outcome::Failure, START);
    }
    assert_eq!(wait_seconds(&attempts, &source(1), START), 60);
}

#[test]
fn success_does_not_end_a_wait_that_attempts_under_way_make() {
    let mut attempts = Attempts::default();
    let mut under_way: Vec<_> = (0..10)
        .map(|_| attempts.admit(&source(1), START).expect("no wait"))
        .collect();
    let later = START.plus_ms(MINUTE_MS);
    let _eleventh = attempts.admit(&source(1), later).expect("the wait is over");
    assert_eq!(wait_seconds(&attempts, &source(1), later), 120);
    attempts.settle(under_way.remove(0), Outcome::Success, later);
    assert_eq!(wait_seconds(&attempts, &source(1), later), 60);
}

#[test]
fn one_caller_alone_makes_another_wait_only_by_a_hundred_failures() {
    let (mut attempts, mut now, mut failures) = (Attempts::default(), START, 0);
    while failures < 99 {
        failures += fail(&mut attempts, &source(1), 20, now);
        assert_eq!(wait_seconds(&attempts, &source(2), now), 0);
        now = now.plus_ms(MINUTE_MS);
    }
    assert!(now.since_ms(START) > 21 * 60 * MINUTE_MS);
}

#[test]
fn one_caller_cannot_keep_up_a_wait_that_many_have_begun() {
    let (mut attempts, mut now) = (Attempts::default(), START);
    for number in 0..50 {
        fail(&mut attempts, &source(number), 1, now);
    }
    assert_eq!(wait_seconds(&attempts, &source(99), now), 60);
    for _ in 0..15 {
        now = now.plus_ms(MINUTE_MS);
        fail(&mut attempts, &source(1), 20, now);
    }
    assert_eq!(wait_seconds(&attempts, &source(99), now), 0);
}

#[test]
fn a_caller_with_the_right_password_keeps_its_own_budget_while_strangers_fail() {
    let mut attempts = Attempts::default();
    fail(&mut attempts, &source(0), 1, START);
    succeed(&mut attempts, &source(99), START);
    for number in 0..200 {
        fail(&mut attempts, &source(number % 98), 1, START);
    }
    assert!(wait_seconds(&attempts, &source(98), START) > 0);
    assert_eq!(fail(&mut attempts, &source(99), 20, START), 10);
    // Its failures are its own: the others' wait is as it was.
    assert_eq!(wait_seconds(&attempts, &source(98), START), 60);
}

#[test]
fn trust_ends_thirty_days_after_the_last_login() {
    for (days, wait) in [(29, 0), (30, 60)] {
        let mut attempts = Attempts::default();
        succeed(&mut attempts, &source(99), START);
        let later = START.plus_ms(days * MEMORY_MS);
        for number in 0..50 {
            fail(&mut attempts, &source(number), 1, later);
        }
        assert_eq!(wait_seconds(&attempts, &source(99), later), wait);
    }
}

#[test]
fn everything_is_forgotten_at_the_cleanup() {
    let mut attempts = Attempts::default();
    fail(&mut attempts, &source(1), 20, START);
    let later = START.plus_ms(MINUTE_MS);
    succeed(&mut attempts, &source(2), later);
    for end in [START.plus_ms(MEMORY_MS), later.plus_ms(30 * MEMORY_MS)] {
        let cleanup = attempts.next_cleanup(later).expect("something to forget");
        assert_eq!(cleanup, end);
        attempts.forget(UnixMillis(cleanup.0 - 1));
        assert_eq!(attempts.next_cleanup(later), Some(cleanup));
        attempts.forget(cleanup);
    }
    assert!(attempts.is_empty());
}

#[test]
fn a_flood_from_everywhere_stays_small_and_does_not_evict_the_trusted() {
    let (mut attempts, mut now) = (Attempts::default(), START);
    succeed(&mut attempts, &source(9999), now);
    for number in 0..2000 {
        fail(&mut attempts, &source(number), 20, now);
        let device = Caller {
            device: Some(source(number).network),
            ..source(0)
        };
        fail(&mut attempts, &device, 1, now);
        now = now.plus_ms(10_000);
    }
    assert_eq!(attempts.sources.len(), SOURCES);
    assert!(serde_json::to_string(&attempts).expect("json").len() < 16_000);
    assert!(
        attempts
            .find(&source(9999).network)
            .is_some_and(Tally::is_known)
    );
}

#[test]
fn a_phone_that_logs_in_from_everywhere_leaves_room_for_strangers() {
    let (mut attempts, mut now) = (Attempts::default(), START);
    for number in 0..200 {
        succeed(&mut attempts, &source(number), now);
        now = now.plus_ms(MINUTE_MS);
    }
    assert_eq!(attempts.sources.len(), TRUSTED_SOURCES);
    assert!(
        attempts
            .find(&source(199).network)
            .is_some_and(Tally::is_known)
    );
}

#[test]
fn a_clock_that_goes_back_makes_no_wait_longer() {
    let mut attempts = Attempts::default();
    fail(&mut attempts, &source(1), 10, START);
    let ticket = attempts.admit(&source(2), START).expect("no wait");
    let earlier = UnixMillis(START.0 - 5 * 60 * MINUTE_MS);
    attempts.settle(ticket, Outcome::Success, earlier);
    assert_eq!(wait_seconds(&attempts, &source(1), earlier), 60);
    assert_eq!(
        wait_seconds(&attempts, &source(1), earlier.plus_ms(MINUTE_MS)),
        0
    );
    assert_eq!(
        attempts.next_cleanup(earlier),
        Some(earlier.plus_ms(MEMORY_MS))
    );
}

#[test]
fn the_stored_json_is_pinned() {
    let mut attempts = Attempts::default();
    assert_eq!(
        serde_json::to_string(&attempts).expect("json"),
        r#"{"v":1,"sources":[]}"#
    );
    fail(&mut attempts, &source(1), 10, UnixMillis(1000));
    let device = Caller {
        device: Some(source(2).network),
        ..source(1)
    };
    let under_way = attempts.admit(&device, UnixMillis(2000));
    assert!(under_way.is_ok());
    succeed(&mut attempts, &source(3), UnixMillis(3000));
    let stored = serde_json::to_string(&attempts).expect("json");
    assert_eq!(stored, STORED);
    let read: Attempts = serde_json::from_str(&stored).expect("our own");
    assert_eq!(read, attempts);
    assert!(serde_json::from_str::<Attempts>(r#"{"v":2,"sources":[]}"#).is_err());
}

const STORED: &str = concat!(
    r#"{"v":1,"sources":["#,
    r#"{"source":"BZ06E0JEXXw","last":1000,"failed":[1000,1000,1000,1000,1000,1000,1000,1000,1000,1000],"waits":1,"allowance":36001000},"#,
    r#"{"source":"dknvU0d5obc","last":0,"pending":[2000],"allowance":3602000,"device":true},"#,
    r#"{"source":"9sR9-rIpX2Q","last":0,"trusted_at":3000}],"#,
    r#""allowance":36001000,"logins":[3000]}"#,
);

/// What releases before the hundred failures and the thirty days stored.
const STORED_EARLIER: &str = concat!(
    r#"{"v":1,"sources":["#,
    r#"{"source":"BZ06E0JEXXw","last":1000,"failed":[1000,1000,1000,1000,1000,1000,1000,1000,1000,1000],"waits":1},"#,
    r#"{"source":"dknvU0d5obc","last":2000,"pending":[2000]},"#,
    r#"{"source":"9sR9-rIpX2Q","last":3000,"trusted":true}]}"#,
);

#[test]
fn what_earlier_releases_stored_still_counts() {
    let mut attempts: Attempts = serde_json::from_str(STORED_EARLIER).expect("readable");
    let now = UnixMillis(4000);
    assert_eq!(wait_seconds(&attempts, &source(1), now), 57);
    assert_eq!(fail(&mut attempts, &source(2), 20, now), 9);
    assert!(
        attempts
            .find(&source(3).network)
            .is_some_and(Tally::is_known)
    );
    attempts.forget(now.plus_ms(30 * MEMORY_MS));
    assert!(attempts.is_empty());
}

#[test]
fn callers_are_told_apart_by_network_and_address() {
    let ada = Email::parse("ada@example.com").expect("good");
    let bob = Email::parse("bob@example.com").expect("good");
    let of = |ip| Source::new(&ada, ip);
    // One line's networks, as many as it has.
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:ffff::9"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:2:2::1"));
    assert_eq!(of("192.0.2.1"), of(" ::ffff:192.0.2.1 "));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    assert_eq!(of(""), of("unknown"));
    assert_ne!(of(""), of("0.0.0.0"));
    assert_ne!(of("192.0.2.1"), Source::new(&bob, "192.0.2.1"));
    assert!(!format!("{:?}", of("192.0.2.1")).contains("192"));
}

/// What may happen to an address.
#[derive(Debug, Clone)]
enum Step {
    Admit(usize),
    /// Settles one of the attempts under way.
    Settle(prop::sample::Index, bool),
    Pass(u64),
}

fn steps(sources: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..sources).prop_map(Step::Admit),
        6 => (any::<prop::sample::Index>(), prop::bool::weighted(0.05))
            .prop_map(|(which, success)| Step::Settle(which, success)),
        2 => (0..90_000_u64).prop_map(Step::Pass),
        1 => (0..1_000_000_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..400)
}

/// The plainest count of what was admitted and did not have success.
#[derive(Default)]
struct Count {
    open: Vec<(usize, Ticket)>,
    failed: HashMap<usize, Vec<UnixMillis>>,
    trusted: Vec<usize>,
}

impl Count {
    /// The failures of a caller within the window, those under way among them.
    fn of(&self, number: usize, now: UnixMillis) -> Vec<UnixMillis> {
        let open = self.open.iter().filter(|(of, _)| *of == number);
        let mut times: Vec<_> = open.map(|(_, ticket)| ticket.at).collect();
        times.extend(self.failed.get(&number).into_iter().flatten());
        times.retain(|at| now.since_ms(*at) < 15 * MINUTE_MS);
        times.sort();
        times
    }

    fn of_strangers(&self, sources: usize, now: UnixMillis) -> Vec<UnixMillis> {
        let strangers = (0..sources).filter(|number| !self.trusted.contains(number));
        let mut times: Vec<_> = strangers.flat_map(|number| self.of(number, now)).collect();
        times.sort();
        times
    }

    fn settle(&mut self, number: usize, at: UnixMillis, success: bool) {
        if success {
            self.trusted.push(number);
        } else {
            self.failed.entry(number).or_default().push(at);
        }
    }
}

/// Whether one more may come after these failures: the limit is not reached, or the wait is over.
fn may_follow(times: &[UnixMillis], limit: usize, now: UnixMillis) -> bool {
    let Some(further) = times.len().checked_sub(limit) else {
        return true;
    };
    let wait_ms = (MINUTE_MS << further).min(15 * MINUTE_MS);
    further < 4
        && times
            .last()
            .is_some_and(|last| now.since_ms(*last) >= wait_ms)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_interleaving_gets_more_than_the_limits(steps in steps(12)) {
        let (mut attempts, mut count, mut now) = (Attempts::default(), Count::default(), START);
        for step in steps {
            match step {
                Step::Admit(number) => match attempts.admit(&source(number), now) {
                    Ok(ticket) => {
                        prop_assert!(may_follow(&count.of(number, now), 10, now));
                        if !count.trusted.contains(&number) {
                            prop_assert!(may_follow(&count.of_strangers(12, now), 50, now));
                        }
                        count.open.push((number, ticket));
                    }
                    Err(wait) => prop_assert!((1..=3_600).contains(&wait.seconds)),
                },
                Step::Settle(_, _) if count.open.is_empty() => {}
                Step::Settle(which, success) => {
                    let (number, ticket) = count.open.swap_remove(which.index(count.open.len()));
                    let outcome = if success { Outcome::Success } else { Outcome::Failure };
                    count.settle(number, ticket.at, success);
                    attempts.settle(ticket, outcome, now);
                }
                Step::Pass(milliseconds) => now = now.plus_ms(milliseconds),
            }
        }
    }

    #[test]
    fn success_of_one_delays_nobody(steps in steps(12)) {
        let (mut attempts, mut open, mut now) = (Attempts::default(), Vec::new(), START);
        for step in steps {
            match step {
                Step::Admit(number) => open.extend(attempts.admit(&source(number), now)),
                Step::Settle(_, _) if open.is_empty() => {}
                Step::Settle(which, false) => {
                    let ticket = open.swap_remove(which.index(open.len()));
                    attempts.settle(ticket, Outcome::Failure, now);
                }
                Step::Settle(which, true) => {
                    let before: Vec<_> = (0..12)
                        .map(|number| wait_seconds(&attempts, &source(number), now))
                        .collect();
                    let ticket = open.swap_remove(which.index(open.len()));
                    attempts.settle(ticket, Outcome::Success, now);
                    for (number, before) in before.into_iter().enumerate() {
                        prop_assert!(wait_seconds(&attempts, &source(number), now) <= before);
                    }
                }
                Step::Pass(milliseconds) => now = now.plus_ms(milliseconds),
            }
        }
    }

    #[test]
    fn every_wait_ends_when_it_says(steps in steps(8)) {
        let (mut attempts, mut now) = (Attempts::default(), START);
        for step in steps {
            match step {
                Step::Admit(number) => match attempts.admit(&source(number), now) {
                    Ok(ticket) => attempts.settle(ticket, Outcome::Failure, now),
                    Err(wait) => {
                        let then = now.plus_ms(wait.seconds * 1000);
                        prop_assert_eq!(wait_seconds(&attempts, &source(number), then), 0);
                    }
                },
                Step::Settle(_, _) => {}
                Step::Pass(milliseconds) => now = now.plus_ms(milliseconds),
            }
        }
    }

    #[test]
    fn no_clock_makes_a_wait_of_more_than_an_hour(
        jumps in prop::collection::vec((0..6_usize, 0..100_000_000_u64), 0..300),
    ) {
        let mut attempts = Attempts::default();
        for (number, now) in jumps {
            let now = UnixMillis(now);
            match attempts.admit(&source(number), now) {
                Ok(ticket) => attempts.settle(ticket, Outcome::Failure, UnixMillis(now.0 / 2)),
                Err(wait) => prop_assert!((1..=3_600).contains(&wait.seconds)),
            }
            attempts.forget(now);
            let cleanup = attempts.next_cleanup(now);
            prop_assert!(cleanup.is_none_or(|at| at.since_ms(now) <= 5 * MEMORY_MS));
        }
    }
}

//! A forgotten password: the code that is sent, what it does, and what it does not reveal.

use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep::{
    account::codes::TRIES,
    config::SessionStore::{self, DurableObjects, Kv},
    http::{method::Method, reply::Reply, request::Call},
};
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    accounts::claims_of,
    client::{
        EMAIL, PASSWORD, Tokens, body, call, expect_bad_field, expect_error, post, tokens,
        with_bearer,
    },
    codes::{CODE_INVALID, MISCONFIGURED, REVOKED, UNAVAILABLE},
    mail::{code_of, with_mail},
    world::{DAY, HOUR, MINUTE, World, use_store},
};

const NEW: &str = "better horse 2";
const WRONG: &str = "999999";
const EVE: &str = "eve@example.com";

fn forgot(email: &str) -> Call {
    post("/auth/password/forgot", &json!({ "email": email }))
}

fn reset(email: &str, code: &str, new: &str) -> Call {
    let body = json!({"email": email, "code": code, "newPassword": new, "device": "phone"});
    post("/auth/password/reset", &body)
}

impl World {
    fn forgot(&self, email: &str) -> Reply {
        let reply = self.answer(&forgot(email));
        self.settle();
        reply
    }

    /// The code of the e-mail that Ada gets when she asks for one.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(self.forgot(EMAIL).status, 200);
        let post = self.one_mail();
        code_of(&post)
    }

    fn reset(&self, code: &str) -> Reply {
        let reply = self.answer(&reset(EMAIL, code, NEW));
        self.settle();
        reply
    }

    /// The next alarm of a guard rings, when it is time.
    fn ring_guard(&self, email: &str) {
        self.pass(self.guard_alarms()[email].saturating_sub(self.now()));
        self.ring_alarm(email);
    }

    #[track_caller]
    fn refuses_code(&self, code: &str) {
        let reply = self.reset(code);
        expect_error(&reply, CODE_INVALID);
        assert_eq!(body(&reply)["field"], "code");
    }

    /// Asks for a code, and expects none to be sent.
    #[track_caller]
    fn sends_nothing(&self, email: &str) {
        assert_eq!(body(&self.forgot(email)), json!({"sent": true}));
        assert!(self.take_posts().is_empty());
    }
}

/// A world with e-mail, where Ada has signed up.
fn with_ada() -> (World, Tokens) {
    let world = with_mail();
    let ada = world.sign_up();
    world.pass(10_000);
    (world, ada)
}

#[rstest]
fn the_code_of_the_e_mail_sets_the_password_logs_in_and_ends_all_other_sessions(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, ada) = with_ada();
    let reply = world.forgot(EMAIL);
    assert_eq!((reply.status, body(&reply)), (200, json!({"sent": true})));
    let mail = world.one_mail();
    let reply = world.reset(&code_of(&mail));
    let answer = body(&reply);
    assert_eq!(
        (&answer["email"], &answer["name"]),
        (&json!(EMAIL), &json!("Ada"))
    );
    let new = tokens(&reply);
    world.refresh(&new);
    world.refuses(&ada, REVOKED);
    assert_eq!(world.try_log_in(EMAIL, PASSWORD).status, 401);
    world.log_in_with(NEW);
    assert_eq!(claims_of(&new.access)["email_verified"], true);
    assert_eq!(claims_of(&ada.access)["email_verified"], false);
    let renewed = world.refresh_after(HOUR, &new);
    assert_eq!(claims_of(&renewed.access)["email_verified"], true);
    let me = body(&world.me(&renewed));
    assert_eq!(
        (&me["emailVerified"], &me["claims"]),
        (&json!(true), &json!({"email": EMAIL}))
    );
    let changed = tokens(&world.change_password(&renewed, NEW, PASSWORD));
    assert_eq!(claims_of(&changed.access)["email_verified"], true);
}

/// The stamps of two data centres, or of two requests whose writes overtook each other.
#[test]
fn the_end_of_all_sessions_leaves_one_that_ends_more() {
    let (world, ada) = with_ada();
    let id = body(&world.me(&ada))["id"].as_str().map(str::to_owned);
    let key = format!("revoked:{}", id.expect("an id"));
    let later = json!({"v": 1, "before": world.now() + HOUR});
    let code = world.code();
    world.put(&key, &later);
    assert_eq!(world.reset(&code).status, 200);
    let stored = world.entry(&key).expect("it stands").value;
    assert_eq!(*stored, *later.to_string());
}

#[rstest]
fn sessions_that_start_after_a_reset_live(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, _) = with_ada();
    let code = world.code();
    let new = tokens(&world.reset(&code));
    let later = world.log_in_with(NEW);
    world.pass(HOUR);
    world.refresh(&new);
    world.refresh(&later);
}

#[test]
fn a_code_is_taken_in_any_digits_and_with_spaces_and_as_a_number() {
    let full_width = |code: &str| -> String {
        let wide = |c| char::from_u32(u32::from(c) - u32::from('0') + 0xff10);
        code.chars().filter_map(wide).collect()
    };
    let spaced = |code: &str| format!(" {} {}\n", &code[..3], &code[3..]);
    for write in [full_width as fn(&str) -> String, spaced] {
        let (world, _) = with_ada();
        let code = write(&world.code());
        assert_eq!(world.reset(&code).status, 200, "{code}");
    }
    let (world, _) = with_ada();
    let number: u64 = world.code().parse().expect("a number");
    let body = json!({"email": EMAIL, "code": number, "newPassword": NEW});
    assert_eq!(world.post("/auth/password/reset", &body).status, 200);
}

#[rstest]
fn a_request_repeated_within_two_minutes_gets_the_same_session(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, _) = with_ada();
    let code = world.code();
    let first = tokens(&world.reset(&code));
    for milliseconds in [1, 3_000, 100_000] {
        world.guards_fall_asleep();
        world.pass(milliseconds);
        let again = tokens(&world.reset(&code));
        assert_eq!(again.session, first.session);
        world.refresh(&again);
    }
    assert_eq!(world.lines("sessions_revoked").len(), 1, "logged once");
    let reply = world.answer(&reset(EMAIL, &code, "another horse 3"));
    expect_error(&reply, CODE_INVALID);
    world.log_in_with(NEW);
    world.pass(2 * MINUTE);
    world.refuses_code(&code);
}

/// Whoever has seen the code could try passwords otherwise, for two minutes.
#[test]
fn another_password_with_a_used_code_counts_as_a_wrong_code() {
    let (world, _) = with_ada();
    let code = world.code();
    let first = tokens(&world.reset(&code));
    let guess = || {
        world.guards_fall_asleep();
        let reply = world.answer(&reset(EMAIL, &code, "another horse 3"));
        expect_error(&reply, CODE_INVALID);
    };
    for _ in 1..TRIES {
        guess();
    }
    let again = tokens(&world.reset(&code));
    assert_eq!(again.session, first.session, "a mistake loses nothing");
    guess();
    world.refuses_code(&code);
    world.refresh(&first);
    world.log_in_with(NEW);
}

#[rstest]
fn copies_of_a_reset_that_arrive_at_once_are_one(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, ada) = with_ada();
    let code = world.code();
    let replies = world.answer_at_once(&vec![reset(EMAIL, &code, NEW); 3]);
    world.settle();
    let sessions: Vec<String> = replies.iter().map(|reply| tokens(reply).session).collect();
    assert!(
        sessions.iter().all(|session| *session == sessions[0]),
        "{sessions:?}"
    );
    world.refuses(&ada, REVOKED);
}

#[rstest]
fn a_late_repeat_undoes_no_later_end_of_all_sessions(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, _) = with_ada();
    let code = world.code();
    let new = tokens(&world.reset(&code));
    world.pass(1_000);
    let third = world.log_in_with(NEW);
    world.pass(1_000);
    world.log_out_all(&new);
    world.refuses_code(&code);
    world.refuses(&third, REVOKED);
    world.refuses(&new, REVOKED);
}

#[rstest]
fn a_repeat_whose_session_was_ended_is_a_used_code(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, _) = with_ada();
    let code = world.code();
    let new = tokens(&world.reset(&code));
    world.log_out(&new);
    world.refuses_code(&code);
}

/// The end of all sessions fails, and the owner never comes back.
fn with_a_thief_left(store: SessionStore) -> (World, Tokens) {
    use_store(store);
    let (world, thief) = with_ada();
    let code = world.code();
    let (store, what) = match store {
        Kv => (Store::Kv, "write"),
        DurableObjects => (Store::Object, "end_all"),
    };
    world.inject(Plan::new(store, what, Trouble::Fails));
    expect_error(&world.reset(&code), UNAVAILABLE);
    world.refresh(&thief);
    (world, thief)
}

#[rstest]
fn sessions_that_a_reset_could_not_end_are_ended_by_the_guard(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    let (world, thief) = with_a_thief_left(store);
    world.pass(10_000);
    world.recover();
    let owner = world.log_in_with(NEW);
    world.refresh(&thief);
    world.guards_fall_asleep();
    world.ring_guard(EMAIL);
    world.refuses(&thief, REVOKED);
    world.refresh(&owner);
    let [line] = world
        .lines("sessions_revoked")
        .try_into()
        .expect("one line");
    assert_eq!(line["reason"], "finished_later");
    assert!(!world.guard_storage()[EMAIL].contains("owed"));
}

#[rstest]
fn a_guard_goes_on_until_the_sessions_are_ended(#[values(Kv, DurableObjects)] store: SessionStore) {
    let (world, thief) = with_a_thief_left(store);
    let failed_at = world.now();
    for _ in 0..8 {
        world.ring_guard(EMAIL);
        world.guards_fall_asleep();
    }
    let hours = (world.now() - failed_at) / HOUR;
    assert!((2..6).contains(&hours), "{hours}");
    world.recover();
    world.ring_guard(EMAIL);
    world.refuses(&thief, REVOKED);
}

#[rstest]
fn sessions_that_a_deletion_could_not_end_are_ended_by_the_guard(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, ada) = with_ada();
    let (store, what) = match store {
        Kv => (Store::Kv, "list"),
        DurableObjects => (Store::Object, "erase_all"),
    };
    world.inject(Plan::new(store, what, Trouble::Fails));
    expect_error(&world.delete_account(&ada, PASSWORD), UNAVAILABLE);
    world.recover();
    world.refresh(&ada);
    world.ring_guard(EMAIL);
    world.refuses(&ada, REVOKED);
    assert!(!world.guard_storage()[EMAIL].contains("owed"));
}

/// What has been in an object for a while is asked of KV no more.
#[test]
fn a_guard_ends_sessions_that_have_moved_to_objects_since() {
    let (world, thief) = with_a_thief_left(Kv);
    use_store(DurableObjects);
    let switched = world.here_with(&[]);
    switched.refresh(&thief);
    world.pass(HOUR);
    switched.refresh(&thief);
    world.recover();
    world.ring_guard(EMAIL);
    switched.refuses(&thief, REVOKED);
}

#[rstest]
fn sessions_that_a_change_of_the_password_could_not_end_are_ended_by_the_guard(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, ada) = with_ada();
    let thief = world.log_in_with(PASSWORD);
    let (store, what) = match store {
        Kv => (Store::Kv, "write"),
        DurableObjects => (Store::Object, "end_all"),
    };
    world.inject(Plan::new(store, what, Trouble::Fails));
    expect_error(&world.change_password(&ada, PASSWORD, NEW), UNAVAILABLE);
    world.recover();
    world.refresh(&thief);
    world.ring_guard(EMAIL);
    world.refuses(&thief, REVOKED);
    world.refuses(&ada, REVOKED);
}

/// Whatever fails, and for how long the request lasts: where the password has changed, nobody stays who
/// was in. Except where the table says that it has failed, and has not: only a repetition finds that.
#[rstest]
fn nobody_stays_in_after_a_reset_that_failed_at_any_call(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let with_code = || {
        let (world, ada) = with_ada();
        let code = world.code();
        world.take_calls();
        (world, ada, code)
    };
    let (world, _, code) = with_code();
    world.reset(&code);
    let calls = world.take_calls();
    assert!(calls.len() > 5, "{calls:?}");
    let mut changed = 0;
    for (number, call) in calls.iter().enumerate() {
        for trouble in [Trouble::Fails, Trouble::Lost, Trouble::Slow] {
            if call.operation == "set password" && trouble != Trouble::Fails {
                continue;
            }
            let (world, ada, code) = with_code();
            let plan = Plan::new(call.store, call.operation, trouble);
            world.inject(plan.from_call(number));
            world.reset(&code);
            world.recover();
            if world.try_log_in(EMAIL, PASSWORD).status == 200 {
                continue;
            }
            world.ring_guard(EMAIL);
            let reply = world.try_refresh(&ada);
            assert!(reply.body.contains(REVOKED.1), "{call} {trouble:?}");
            changed += 1;
        }
    }
    assert!(changed > 5, "{changed}");
}

/// A store that is a minute behind must not get an earlier cut-off, whoever writes it.
#[rstest]
fn what_a_guard_finishes_is_the_latest_end_of_all_sessions(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    let (world, thief) = with_a_thief_left(store);
    world.recover();
    let owner = world.log_in_with(NEW);
    world.pass(1_000);
    let there = world.log_in_with(NEW);
    world.log_out_all(&owner);
    let stored = world.guard_storage()[EMAIL].clone();
    let json: Value = serde_json::from_str(&stored).expect("JSON");
    assert!(json["owed"][0]["cut_off"]["before"].as_u64() >= Some(world.now()));
    world.ring_guard(EMAIL);
    for session in [&thief, &owner, &there] {
        world.refuses(session, REVOKED);
    }
}

/// The guard of the next address does not know what is owed.
#[rstest]
fn an_account_does_not_change_its_address_before_its_sessions_are_ended(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    let (world, thief) = with_a_thief_left(store);
    let next = "ada@new.example";
    let without_mail = world.here_with(&[]);
    let body = json!({"password": NEW, "newEmail": next});
    let change = |session: &Tokens| {
        let path = "/auth/email/change";
        without_mail.answer(&with_bearer(Method::Post, path, &session.access, &body))
    };
    expect_error(&change(&thief), UNAVAILABLE);
    assert!(world.accounts.borrow().row(EMAIL).is_some());
    world.recover();
    let owner = world.log_in_with(NEW);
    assert_eq!(change(&owner).status, 200);
    world.refuses(&thief, REVOKED);
    world.refresh(&owner);
}

#[rstest]
fn a_guard_that_finds_all_sessions_ended_writes_nothing(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, _) = with_ada();
    let code = world.code();
    let new = tokens(&world.reset(&code));
    let rows = world.session_rows();
    world.take_calls();
    world.ring_guard(EMAIL);
    assert_eq!(world.session_rows(), rows);
    let calls: Vec<String> = world.take_calls().iter().map(ToString::to_string).collect();
    assert!(
        calls.iter().all(|call| !call.starts_with("KV: write")),
        "{calls:?}"
    );
    world.refresh(&new);
}

#[test]
fn wrong_expired_used_and_foreign_codes_and_unknown_addresses_get_the_same_answer() {
    let (world, ada) = with_ada();
    let eve = json!({"email": EVE, "password": PASSWORD});
    tokens(&world.post("/auth/signup", &eve));
    world.forgot(EVE);
    let mail = world.one_mail();
    let of_eve = code_of(&mail);
    let mut answers = Vec::new();
    let mut refuse = |world: &World, call: &Call| {
        let started = world.now();
        let reply = world.answer(call);
        expect_error(&reply, CODE_INVALID);
        let mut answer = body(&reply);
        answer["requestId"] = Value::Null;
        answers.push((answer, world.now() - started));
    };
    let expired = world.code();
    refuse(&world, &reset(EMAIL, WRONG, NEW));
    refuse(&world, &reset(EMAIL, &of_eve, NEW));
    refuse(&world, &reset("bob@example.com", &expired, NEW));
    world.pass(15 * MINUTE);
    refuse(&world, &reset(EMAIL, &expired, NEW));
    let used = world.code();
    tokens(&world.reset(&used));
    world.pass(3 * MINUTE);
    refuse(&world, &reset(EMAIL, &used, NEW));
    assert_eq!(answers.len(), 5);
    for (answer, took) in &answers {
        assert_eq!((answer, *took), (&answers[0].0, 1_000));
    }
    world.refuses(&ada, REVOKED);
}

#[test]
fn whether_an_address_has_an_account_shows_neither_in_the_answer_nor_in_its_time() {
    let (world, _) = with_ada();
    for pace_ms in [0, 90, 130] {
        world.set_pace(pace_ms);
        for email in [EMAIL, "nobody@example.com"] {
            world.guards_fall_asleep();
            let started = world.now();
            let reply = world.answer(&forgot(email));
            assert_eq!((reply.status, body(&reply)), (200, json!({"sent": true})));
            assert_eq!(world.now() - started, 1_000, "{email} {pace_ms}");
            world.settle();
            world.pass(DAY);
        }
    }
    assert_eq!(world.take_posts().len(), 3);
}

#[test]
fn codes_for_invented_addresses_leave_nothing_stored() {
    let world = with_mail();
    for number in 0..20 {
        let email = format!("invented{number}@example.com");
        world.sends_nothing(&email);
        expect_error(&world.answer(&reset(&email, WRONG, NEW)), CODE_INVALID);
    }
    assert!(world.guard_storage().is_empty());
}

#[test]
fn thirty_wrong_codes_at_once_are_five_tries() {
    for wrong in [usize::from(TRIES) - 1, usize::from(TRIES), 30] {
        let (world, _) = with_ada();
        let code = world.code();
        let replies = world.answer_at_once(&vec![reset(EMAIL, WRONG, NEW); wrong]);
        for reply in &replies {
            expect_error(reply, CODE_INVALID);
        }
        world.guards_fall_asleep();
        let is_valid = wrong < usize::from(TRIES);
        assert_eq!(world.reset(&code).status == 200, is_valid, "{wrong}");
        if !is_valid {
            world.pass(MINUTE);
            let next = world.code();
            assert_eq!(world.reset(&next).status, 200);
        }
    }
}

#[test]
fn another_request_within_the_minute_sends_nothing_and_ten_a_day_is_the_end() {
    let (world, _) = with_ada();
    let code = world.code();
    world.pass(30_000);
    world.sends_nothing(EMAIL);
    world.guards_fall_asleep();
    assert_eq!(world.reset(&code).status, 200, "the code stays valid");
    world.pass(HOUR);
    let mut sent = 1;
    for _ in 0..23 * 12 {
        world.forgot(EMAIL);
        sent += world.take_posts().len();
        world.guards_fall_asleep();
        world.pass(5 * MINUTE - 1_000);
    }
    assert_eq!(sent, 10);
}

#[test]
fn what_is_stored_of_codes_is_gone_a_day_later() {
    let (world, _) = with_ada();
    let code = world.code();
    assert!(!world.guard_storage()[EMAIL].contains(&code));
    let rings_at = world.guard_alarms()[EMAIL];
    assert!(rings_at <= world.now() + DAY);
    world.guards_fall_asleep();
    world.pass(rings_at - world.now());
    world.ring_alarm(EMAIL);
    assert!(!world.guard_storage()[EMAIL].contains("codes"));
}

#[test]
fn an_account_that_was_deleted_meanwhile_is_an_unknown_address() {
    let (world, ada) = with_ada();
    let code = world.code();
    world.delete_account(&ada, PASSWORD);
    world.refuses_code(&code);
    assert!(!world.guard_storage()[EMAIL].contains("codes"));
    // Whoever takes the address then is not reached by it either.
    world.sign_up();
    world.refuses_code(&code);
}

#[test]
fn a_reset_that_fails_leaves_the_code_valid() {
    let (world, ada) = with_ada();
    let code = world.code();
    let plan = Plan::new(Store::D1, "set password", Trouble::Fails);
    world.inject(plan);
    for _ in 0..2 * TRIES {
        expect_error(&world.reset(&code), UNAVAILABLE);
    }
    world.recover();
    world.refresh(&ada);
    assert_eq!(world.reset(&code).status, 200);
}

#[test]
fn a_code_that_is_none_and_a_bad_password_cost_no_try() {
    let (world, _) = with_ada();
    let code = world.code();
    for _ in 0..TRIES {
        for bad in ["12345", "1234567", "abcdef", "${code}"] {
            expect_bad_field(&world.reset(bad), "code");
        }
        for bad in ["short", "password", EMAIL] {
            let reply = world.answer(&reset(EMAIL, &code, bad));
            expect_bad_field(&reply, "newPassword");
        }
    }
    assert_eq!(world.reset(&code).status, 200);
}

#[test]
fn a_code_survives_a_change_of_the_secret() {
    let (world, _) = with_ada();
    let code = world.code();
    let [old, new] = [
        crate::client::REFRESH_SECRET,
        "another-refresh-secret-of-32-bytes-and-more",
    ];
    let settings = [
        crate::mail::RESEND,
        &[
            ("refresh_token_secret", new),
            ("refresh_token_secret_previous", old),
        ],
    ];
    let elsewhere = world.elsewhere(&settings.concat());
    assert_eq!(elsewhere.answer(&reset(EMAIL, &code, NEW)).status, 200);
}

#[test]
fn an_account_of_an_older_spelling_is_found_by_it() {
    let world = with_mail();
    world.import("u1", "ada@bücher.example", crate::client::BCRYPT);
    world.forgot("Ada@bücher.example");
    let posts = world.take_posts();
    assert!(posts.is_empty(), "no mail server takes it");
    let [line] = world.lines("mail_failed").try_into().expect("one line");
    assert!(!line.to_string().contains("example"), "{line}");
}

#[test]
fn without_e_mail_the_owner_is_told_what_to_set() {
    let world = World::new();
    world.sign_up();
    for call in [forgot(EMAIL), reset(EMAIL, WRONG, NEW)] {
        let reply = world.answer(&call);
        expect_error(&reply, MISCONFIGURED);
        assert!(reply.body.contains("Set the var MAIL"), "{}", reply.body);
    }
}

#[test]
fn a_log_that_others_can_read_gets_no_code() {
    let world = World::with(&[("MAIL", "log")]);
    world.sign_up();
    let reply = world.answer(&forgot(EMAIL));
    expect_error(&reply, MISCONFIGURED);
    let mut local = forgot(EMAIL);
    local.origin = "http://127.0.0.1:8787".into();
    assert_eq!(world.answer(&local).status, 200);
    world.settle();
    let [line] = world.lines("mail").try_into().expect("one e-mail");
    assert_eq!(line["to"], EMAIL);
    let code = line["code"].as_str().expect("a code");
    let mut enter = reset(EMAIL, code, NEW);
    enter.origin = local.origin;
    assert_eq!(world.answer(&enter).status, 200);
    let health = world.answer(&call(Method::Get, "/health", None, ""));
    assert_eq!(health.status, 503);
    assert!(body(&health)["checks"]["mail"].to_string().contains("log"));
}

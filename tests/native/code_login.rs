//! Logins by a code: for accounts with a password, without one, and for new addresses.

use serde_json::{Value, json};
use tokenkeep::{
    account::codes::TRIES,
    http::{method::Method, reply::Reply, request::Call},
};
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    accounts::claims_of,
    client::{BCRYPT, EMAIL, PASSWORD, Tokens, body, expect_bad_field, expect_error, post, tokens},
    codes::{
        CODE_INVALID, INVALID_CREDENTIALS, MISCONFIGURED, REVOKED, UNAVAILABLE, WRONG_PASSWORD,
    },
    mail::{RESEND, code_of, with_mail},
    world::{DAY, HOUR, MINUTE, World},
};

const NEW: &str = "better horse 2";
const WRONG: &str = "999999";
const EVE: &str = "eve@example.com";

pub fn send(path: &str, email: &str) -> Call {
    post(path, &json!({ "email": email }))
}

fn enter(email: &str, code: &str) -> Call {
    let body = json!({"email": email, "code": code, "name": "Ada", "device": "phone"});
    post("/auth/code/login", &body)
}

/// A world with e-mail and these settings.
pub fn with_mail_and(settings: &[(&str, &str)]) -> World {
    World::with(&[RESEND, settings].concat())
}

impl World {
    pub fn act(&self, call: &Call) -> Reply {
        let reply = self.answer(call);
        self.settle();
        reply
    }

    /// The code that this request sends to an address.
    #[track_caller]
    pub fn code_by(&self, path: &str, email: &str) -> String {
        let reply = self.act(&send(path, email));
        assert_eq!((reply.status, body(&reply)), (200, json!({"sent": true})));
        let mail = self.one_mail();
        assert!(mail.body.contains(email), "{}", mail.body);
        code_of(&mail)
    }

    #[track_caller]
    fn login_code(&self, email: &str) -> String {
        self.code_by("/auth/code/send", email)
    }

    /// Expects a request for a code to be answered as ever, and to send nothing.
    #[track_caller]
    pub fn sends_none(&self, path: &str, email: &str) {
        let reply = self.act(&send(path, email));
        assert_eq!((reply.status, body(&reply)), (200, json!({"sent": true})));
        assert!(self.take_posts().is_empty());
    }

    #[track_caller]
    fn enter(&self, email: &str, code: &str) -> Tokens {
        tokens(&self.act(&enter(email, code)))
    }

    #[track_caller]
    pub fn refuses_call(&self, call: &Call) {
        let reply = self.act(call);
        expect_error(&reply, CODE_INVALID);
        assert_eq!(body(&reply)["field"], "code");
    }

    fn delete_with_code(&self, tokens: &Tokens, code: &str) -> Reply {
        let body = json!({ "code": code });
        self.send(Method::Delete, "/auth/me", &tokens.access, &body)
    }

    /// Ada's account, whose address is verified, and a session of hers.
    pub fn verified_ada(&self) -> Tokens {
        self.sign_up();
        let code = self.code_by("/auth/password/forgot", EMAIL);
        let body = json!({"email": EMAIL, "code": code, "newPassword": PASSWORD});
        let session = tokens(&self.post("/auth/password/reset", &body));
        self.pass(MINUTE);
        session
    }
}

/// A world with e-mail, where Eve has an account without a password.
fn with_eve() -> (World, Tokens) {
    let world = with_mail();
    let code = world.login_code(EVE);
    let eve = world.enter(EVE, &code);
    world.pass(MINUTE);
    (world, eve)
}

#[test]
fn the_code_of_the_e_mail_is_a_login_and_leaves_everything_else_as_it_is() {
    let world = with_mail();
    let ada = world.verified_ada();
    let code = world.login_code(EMAIL);
    let reply = world.act(&enter(EMAIL, &code));
    let answer = body(&reply);
    let seen = (&answer["email"], &answer["name"]);
    assert_eq!(seen, (&json!(EMAIL), &json!("Ada")));
    let session = tokens(&reply);
    assert_eq!(claims_of(&session.access)["email_verified"], true);
    world.refresh(&session);
    world.refresh(&ada);
    world.log_in_with(PASSWORD);
}

#[test]
fn a_new_address_gets_an_account_without_a_password() {
    let world = with_mail();
    let code = world.login_code(EVE);
    let first = world.enter(EVE, &code);
    let me = body(&world.me(&first));
    let seen = (&me["email"], &me["name"], &me["emailVerified"]);
    assert_eq!(seen, (&json!(EVE), &json!("Ada"), &json!(true)));
    world.pass(90_000);
    assert_eq!(world.enter(EVE, &code).session, first.session);
    for password in ["", PASSWORD, "!", &world.password_hash(EVE).expect("a row")] {
        assert_ne!(world.try_log_in(EVE, password).status, 200);
    }
    expect_error(&world.try_log_in(EVE, PASSWORD), INVALID_CREDENTIALS);
    expect_error(
        &world.change_password(&first, PASSWORD, NEW),
        WRONG_PASSWORD,
    );
    world.pass(HOUR);
    let code = world.login_code(EVE);
    let second = world.enter(EVE, &code);
    assert_eq!(body(&world.me(&second))["id"], me["id"]);
    world.refresh(&second);
    world.refresh(&first);
    assert_eq!(world.accounts.borrow().rows().count(), 1);
}

#[test]
fn who_has_no_password_sets_one_by_a_reset() {
    let (world, eve) = with_eve();
    let code = world.code_by("/auth/password/forgot", EVE);
    let body = json!({"email": EVE, "code": code, "newPassword": NEW});
    let session = tokens(&world.post("/auth/password/reset", &body));
    assert_eq!(world.try_log_in(EVE, NEW).status, 200);
    world.refuses(&eve, REVOKED);
    world.refresh(&session);
}

#[test]
fn who_has_no_password_deletes_the_account_with_a_code() {
    let (world, eve) = with_eve();
    let code = world.login_code(EVE);
    expect_error(&world.delete_account(&eve, PASSWORD), WRONG_PASSWORD);
    expect_error(&world.delete_with_code(&eve, WRONG), CODE_INVALID);
    expect_bad_field(&world.delete_with_code(&eve, "12345"), "code");
    let nothing = world.send(Method::Delete, "/auth/me", &eve.access, &json!({}));
    expect_bad_field(&nothing, "password");
    let reply = world.delete_with_code(&eve, &code);
    assert_eq!(
        (reply.status, body(&reply)),
        (200, json!({"deleted": true}))
    );
    world.refuses(&eve, REVOKED);
    assert_eq!(world.password_hash(EVE), None);
    expect_error(&world.delete_with_code(&eve, &code), REVOKED);
    world.refuses_call(&enter(EVE, &code));
    assert_eq!(world.accounts.borrow().rows().count(), 0);
}

/// A code shows that somebody reads the e-mails of the old address, and a thief of the session may.
#[test]
fn who_has_no_password_sets_one_before_the_address_changes() {
    let (world, eve) = with_eve();
    let without_mail = world.here_with(&[]);
    let change = json!({"password": PASSWORD, "newEmail": "eve@new.example"});
    let ask = |world: &World, session: &Tokens| {
        let reply = world.send(Method::Post, "/auth/email/change", &session.access, &change);
        world.settle();
        reply
    };
    for _ in 0..6 {
        for world in [&world, &without_mail] {
            let reply = ask(world, &eve);
            expect_bad_field(&reply, "password");
            assert!(reply.body.contains("POST /auth/password/forgot"));
        }
    }
    assert!(world.take_posts().is_empty());
    world.refresh(&eve);
    assert_eq!(body(&world.me(&eve))["email"], EVE);
    let code = world.code_by("/auth/password/forgot", EVE);
    let reset = json!({"email": EVE, "code": code, "newPassword": PASSWORD});
    let session = tokens(&world.post("/auth/password/reset", &reset));
    assert_eq!(body(&ask(&world, &session)), json!({"sent": true}));
}

#[test]
fn a_code_that_has_logged_in_deletes_nothing_and_neither_does_one_of_another_account() {
    let (world, eve) = with_eve();
    let code = world.login_code(EVE);
    world.enter(EVE, &code);
    expect_error(&world.delete_with_code(&eve, &code), CODE_INVALID);
    world.pass(MINUTE);
    let ada = world.verified_ada();
    let of_eve = world.login_code(EVE);
    expect_error(&world.delete_with_code(&ada, &of_eve), CODE_INVALID);
    assert_eq!(world.accounts.borrow().rows().count(), 2);
    let of_ada = world.login_code(EMAIL);
    assert_eq!(world.delete_with_code(&ada, &of_ada).status, 200);
}

#[test]
fn a_stranger_who_has_signed_up_with_the_address_is_out_when_its_owner_logs_in() {
    let world = with_mail();
    let stranger = world.sign_up();
    world.pass(MINUTE);
    let code = world.login_code(EMAIL);
    let id = body(&world.me(&stranger))["id"].clone();
    let owner = world.enter(EMAIL, &code);
    assert_eq!(body(&world.me(&owner))["id"], id);
    world.refuses(&stranger, REVOKED);
    expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
    let again = world.enter(EMAIL, &code);
    assert_eq!(again.session, owner.session);
    world.refresh(&owner);
    let me = body(&world.me(&owner));
    assert_eq!(me["emailVerified"], true);
    let info = body(&world.get("/oauth/userinfo", &owner.access));
    assert_eq!(info["email_verified"], true);
    // From then on a login ends nothing.
    world.pass(MINUTE);
    let code = world.login_code(EMAIL);
    world.enter(EMAIL, &code);
    world.refresh(&owner);
}

#[test]
fn a_late_repeat_of_a_take_over_undoes_no_later_end_of_all_sessions() {
    let world = with_mail();
    world.sign_up();
    world.pass(MINUTE);
    let code = world.login_code(EMAIL);
    let owner = world.enter(EMAIL, &code);
    world.pass(1_000);
    world.log_out_all(&owner);
    world.refuses_call(&enter(EMAIL, &code));
    world.refuses(&owner, REVOKED);
}

#[test]
fn wrong_expired_used_and_foreign_codes_and_unknown_addresses_are_told_apart_by_nobody() {
    let world = with_mail();
    let ada = world.verified_ada();
    let mut answers = Vec::new();
    let mut refuse = |world: &World, call: &Call| {
        let started = world.now();
        let reply = world.answer(call);
        expect_error(&reply, CODE_INVALID);
        let mut answer = body(&reply);
        answer["requestId"] = Value::Null;
        answers.push((answer, world.now() - started));
    };
    let of_reset = world.code_by("/auth/password/forgot", EMAIL);
    let of_eve = world.login_code(EVE);
    let expired = world.login_code(EMAIL);
    for code in [WRONG, &of_reset, &of_eve] {
        refuse(&world, &enter(EMAIL, code));
    }
    for (path, field) in [
        ("/auth/password/reset", "newPassword"),
        ("/auth/email/verify", "password"),
    ] {
        let body = json!({"email": EMAIL, "code": expired, field: NEW});
        refuse(&world, &post(path, &body));
    }
    refuse(&world, &enter("bob@example.com", &expired));
    refuse(&world, &enter(EVE, &expired));
    world.pass(10 * MINUTE);
    refuse(&world, &enter(EMAIL, &expired));
    let used = world.login_code(EMAIL);
    world.enter(EMAIL, &used);
    world.pass(3 * MINUTE);
    refuse(&world, &enter(EMAIL, &used));
    for (answer, took) in &answers {
        assert_eq!((answer, *took), (&answers[0].0, 1_000));
    }
    world.refresh(&ada);
}

#[test]
fn a_request_for_a_code_says_neither_by_its_answer_nor_by_its_time_who_has_an_account() {
    for (sign_up, mails) in [("on", 3), ("off", 2)] {
        for pace_ms in [0, 90, 130] {
            let world = with_mail_and(&[("SIGN_UP", sign_up)]);
            world.import("u1", EMAIL, BCRYPT);
            world.import("u2", "bob@example.com", BCRYPT);
            world.set_pace(pace_ms);
            for email in [EMAIL, "bob@example.com", "nobody@example.com"] {
                world.guards_fall_asleep();
                let started = world.now();
                let reply = world.answer(&send("/auth/code/send", email));
                assert_eq!((reply.status, body(&reply)), (200, json!({"sent": true})));
                assert_eq!(world.now() - started, 1_000, "{email} {pace_ms}");
                world.settle();
            }
            assert_eq!(world.take_posts().len(), mails);
        }
    }
}

#[test]
fn where_sign_up_is_closed_a_code_that_was_sent_before_makes_no_account() {
    let world = with_mail();
    let code = world.login_code(EVE);
    let closed = world.here_with(&[RESEND, &[("SIGN_UP", "off")]].concat());
    closed.refuses_call(&enter(EVE, &code));
    assert_eq!(world.accounts.borrow().rows().count(), 0);
    world.enter(EVE, &code);
}

#[test]
fn an_address_that_can_have_no_account_gets_none() {
    let world = with_mail();
    for odd in ["eve@example.com\u{200b}x", "e ve@example.com"] {
        world.sends_none("/auth/code/send", odd);
    }
    assert!(world.guard_storage().is_empty());
}

#[test]
fn an_import_that_takes_the_address_meanwhile_is_the_account_of_the_code() {
    let world = with_mail();
    let code = world.login_code(EMAIL);
    world.import("u1", EMAIL, BCRYPT);
    let session = world.enter(EMAIL, &code);
    assert_eq!(body(&world.me(&session))["id"], "u1");
}

#[test]
fn codes_are_typed_in_any_digits_and_thirty_wrong_ones_at_once_are_five() {
    let (world, _) = with_eve();
    let code = world.login_code(EVE);
    let wide = |c| char::from_u32(u32::from(c) - u32::from('0') + 0xff10);
    let typed: String = code.chars().filter_map(wide).collect();
    world.enter(EVE, &format!(" {} {} ", &typed[..9], &typed[9..]));
    world.pass(MINUTE);
    let code = world.login_code(EVE);
    let replies = world.answer_at_once(&vec![enter(EVE, WRONG); 30]);
    for reply in &replies {
        expect_error(reply, CODE_INVALID);
    }
    world.guards_fall_asleep();
    world.refuses_call(&enter(EVE, &code));
    world.pass(MINUTE);
    let next = world.login_code(EVE);
    world.enter(EVE, &next);
}

#[test]
fn another_code_within_the_minute_is_not_sent_and_the_first_one_stays_valid() {
    let world = with_mail();
    let code = world.login_code(EVE);
    world.pass(30_000);
    world.sends_none("/auth/code/send", EVE);
    world.guards_fall_asleep();
    world.enter(EVE, &code);
}

#[test]
fn an_account_that_was_deleted_meanwhile_leaves_no_code() {
    let (world, eve) = with_eve();
    let code = world.login_code(EVE);
    let reset = world.code_by("/auth/password/forgot", EVE);
    let body = json!({"email": EVE, "code": reset, "newPassword": NEW});
    let session = tokens(&world.post("/auth/password/reset", &body));
    world.refuses(&eve, REVOKED);
    world.delete_account(&session, NEW);
    world.refuses_call(&enter(EVE, &code));
    assert_eq!(world.accounts.borrow().rows().count(), 0);
}

#[test]
fn a_login_that_fails_leaves_the_code_valid() {
    let world = with_mail();
    let code = world.login_code(EVE);
    world.inject(Plan::new(Store::D1, "add", Trouble::Fails));
    for _ in 0..2 * TRIES {
        expect_error(&world.act(&enter(EVE, &code)), UNAVAILABLE);
    }
    world.recover();
    world.enter(EVE, &code);
}

#[test]
fn a_code_to_a_new_address_counts_as_a_sign_up_and_codes_to_accounts_do_not() {
    let world = with_mail_and(&[("SIGN_UPS_PER_HOUR", "2")]);
    world.import("u1", EMAIL, BCRYPT);
    let first = world.login_code(EVE);
    world.login_code("bob@example.com");
    world.sends_none("/auth/code/send", "carol@example.com");
    assert_eq!(world.lines("too_many_requests").len(), 1);
    world.login_code(EMAIL);
    world.enter(EVE, &first);
    world.pass(HOUR);
    let late = world.login_code("carol@example.com");
    world.enter("carol@example.com", &late);
}

#[test]
fn codes_for_new_addresses_are_stored_as_their_hash_for_a_day() {
    let world = with_mail();
    let code = world.login_code(EVE);
    let stored = world.guard_storage()[EVE].clone();
    assert!(
        !stored.contains(&code) && stored.contains("login"),
        "{stored}"
    );
    expect_error(&world.try_log_in(EVE, PASSWORD), INVALID_CREDENTIALS);
    let rings_at = world.guard_alarms()[EVE];
    assert!(rings_at <= world.now() + DAY);
    world.guards_fall_asleep();
    world.pass(rings_at - world.now());
    world.ring_alarm(EVE);
    assert!(world.guard_storage().is_empty());
}

#[test]
fn after_a_hundred_wrong_codes_there_is_one_an_hour() {
    let (world, _) = with_eve();
    let reset = json!({"email": EVE, "code": WRONG, "newPassword": NEW});
    let kinds = [
        ("/auth/code/send", enter(EVE, WRONG)),
        (
            "/auth/password/forgot",
            post("/auth/password/reset", &reset),
        ),
    ];
    // Counted by what is stored: the answers are all the same.
    let guesses = |world: &World| {
        let stored = world.guard_storage().get(EVE).cloned().unwrap_or_default();
        let stored: Value = serde_json::from_str(&stored).unwrap_or_default();
        stored["codes"]["allowance"].as_u64().unwrap_or_default()
    };
    let mut used = 0;
    for day in 1..=4 {
        for _ in 0..24 * 12 {
            for (path, guess) in &kinds {
                if world.act(&send(path, EVE)).status == 200 && !world.take_posts().is_empty() {
                    for _ in 0..TRIES {
                        let known = guesses(&world);
                        world.refuses_call(guess);
                        used += u64::from(guesses(&world) != known);
                    }
                }
            }
            world.pass(5 * MINUTE);
        }
        let most = 100 + 24 * day;
        assert!((most - 15..=most).contains(&used), "{used} in {day} days");
    }
    // The owner can log in with each code that comes.
    world.pass(DAY);
    let code = world.login_code(EVE);
    world.enter(EVE, &code);
}

#[test]
fn without_e_mail_the_owner_is_told_what_to_set_for_every_route_of_codes() {
    let world = World::new();
    let code = json!({"email": EMAIL, "code": WRONG});
    for call in [
        send("/auth/code/send", EMAIL),
        send("/auth/email/verify/send", EMAIL),
        post("/auth/code/login", &code),
        post("/auth/email/verify", &code),
    ] {
        let reply = world.answer(&call);
        expect_error(&reply, MISCONFIGURED);
        assert!(reply.body.contains("Set the var MAIL"), "{}", reply.body);
    }
}

//! Addresses that are verified by a code: when one is sent, what it does, and who is out then.

use serde_json::{Value, json};
use tokenkeep::{
    account::{codes::TRIES, email::Email, password::Password},
    http::{method::Method, reply::Reply, request::Call},
    token::time::UnixMillis,
};
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    accounts::claims_of,
    client::{
        BCRYPT, EMAIL, PASSWORD, Tokens, body, call, expect_bad_field, expect_error, post, tokens,
        with_bearer,
    },
    code_login::with_mail_and,
    codes::{
        ACCESS_EXPIRED, EMAIL_UNVERIFIED, INVALID_CREDENTIALS, MISCONFIGURED, REVOKED, UNAVAILABLE,
    },
    mail::{RESEND, code_of, with_mail},
    world::{HOUR, MINUTE, World},
};

const NEW: &str = "better horse 2";
const WRONG: &str = "999999";
const EVE: &str = "eve@example.com";
const SEND: &str = "/auth/email/verify/send";
const VERIFY: &str = "/auth/email/verify";
const REQUIRED: &[(&str, &str)] = &[("EMAIL_VERIFICATION", "required")];

fn sign_up(email: &str, password: &str) -> Call {
    let person = json!({"email": email, "password": password, "name": "Ada", "language": "de"});
    post("/auth/signup", &person)
}

fn verify(code: &str) -> Call {
    post(
        VERIFY,
        &json!({"email": EMAIL, "code": code, "device": "phone"}),
    )
}

fn verify_with(code: &str, password: &str) -> Call {
    post(
        VERIFY,
        &json!({"email": EMAIL, "code": code, "password": password}),
    )
}

fn verify_by(session: &Tokens, code: &str) -> Call {
    let body = json!({"email": EMAIL, "code": code});
    with_bearer(Method::Post, VERIFY, &session.access, &body)
}

impl World {
    #[track_caller]
    fn verified(&self, call: &Call) -> Tokens {
        let session = tokens(&self.act(call));
        assert_eq!(body(&self.me(&session))["emailVerified"], true);
        assert_eq!(claims_of(&session.access)["email_verified"], true);
        session
    }

    /// The code of the only e-mail, which has this text in it.
    #[track_caller]
    fn mailed_code(&self, text: &str) -> String {
        let mail = self.one_mail();
        assert!(mail.body.contains(text), "{}", mail.body);
        code_of(&mail)
    }

    /// A sign-up where addresses have to be verified.
    #[track_caller]
    fn signs_up(&self, email: &str, password: &str) {
        let reply = self.act(&sign_up(email, password));
        let required = json!({"verificationRequired": true});
        assert_eq!((reply.status, body(&reply)), (200, required));
    }
}

/// A world with e-mail where Ada has signed up, and the code that she was sent for that.
fn with_code() -> (World, Tokens, String) {
    let world = with_mail_and(&[("EMAIL_VERIFICATION", "on")]);
    let ada = tokens(&world.act(&sign_up(EMAIL, PASSWORD)));
    let code = world.mailed_code("bestätigen");
    world.pass(MINUTE);
    (world, ada, code)
}

#[test]
fn a_sign_up_sends_a_code_after_its_tokens_and_none_when_it_is_repeated_at_once() {
    let world = with_mail_and(&[("EMAIL_VERIFICATION", "on")]);
    let ada = tokens(&world.answer(&sign_up(EMAIL, PASSWORD)));
    assert!(world.take_posts().is_empty(), "not before the answer");
    assert_eq!(body(&world.me(&ada))["emailVerified"], false);
    world.settle();
    world.mailed_code("Adresse zu bestätigen");
    tokens(&world.act(&sign_up(EMAIL, PASSWORD)));
    assert!(world.take_posts().is_empty());
    let off = with_mail();
    tokens(&off.act(&sign_up(EMAIL, PASSWORD)));
    assert!(off.take_posts().is_empty());
}

#[test]
fn a_sign_up_stands_when_its_code_cannot_be_sent() {
    for (store, what) in [(Store::Guard, "issue code"), (Store::Mail, "send")] {
        let world = with_mail_and(&[("EMAIL_VERIFICATION", "on")]);
        world.inject(Plan::new(store, what, Trouble::Fails));
        tokens(&world.act(&sign_up(EMAIL, PASSWORD)));
        world.recover();
        world.pass(MINUTE);
        let code = world.code_by(SEND, EMAIL);
        world.verified(&verify_with(&code, PASSWORD));
    }
}

#[test]
fn whoever_is_logged_in_keeps_everything_and_whoever_shows_the_password_keeps_that() {
    let ways: [fn(&Tokens, &str) -> Call; 2] = [verify_by, |_, code| verify_with(code, PASSWORD)];
    for (way, is_kept) in ways.into_iter().zip([true, false]) {
        let (world, ada, code) = with_code();
        let session = world.verified(&way(&ada, &code));
        let hash = world.password_hash(EMAIL);
        assert_eq!(world.try_refresh(&ada).status == 200, is_kept);
        if is_kept {
            world.pass(90_000);
            let again = tokens(&world.act(&way(&ada, &code)));
            assert_eq!(again.session, session.session);
        }
        world.refresh(&session);
        world.log_in_with(PASSWORD);
        assert_eq!(world.password_hash(EMAIL), hash);
    }
}

/// The table does it after the request has given up.
#[test]
fn a_take_over_that_was_half_done_is_done_by_the_repetition() {
    for way in [verify as fn(&str) -> Call, |code| verify_with(code, NEW)] {
        for (what, trouble) in [
            ("set password", Trouble::Slow),
            ("set password", Trouble::Lost),
            ("verify address", Trouble::Slow),
            ("verify address", Trouble::Fails),
        ] {
            let (world, stranger, code) = with_code();
            world.inject(Plan::new(Store::D1, what, trouble).times(1));
            expect_error(&world.act(&way(&code)), UNAVAILABLE);
            world.verified(&way(&code));
            world.refuses(&stranger, REVOKED);
            expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
        }
    }
}

#[test]
fn a_stranger_who_has_signed_up_with_the_address_is_out_when_its_owner_enters_the_code() {
    let (world, stranger, code) = with_code();
    let owner = world.verified(&verify(&code));
    world.refuses(&stranger, REVOKED);
    expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
    world.refresh(&owner);
    assert_eq!(tokens(&world.act(&verify(&code))).session, owner.session);
}

#[test]
fn the_password_that_the_owner_sends_takes_the_place_of_a_strangers() {
    let (world, stranger, code) = with_code();
    let owner = world.verified(&verify_with(&code, NEW));
    world.refuses(&stranger, REVOKED);
    expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
    world.log_in_with(NEW);
    world.refresh(&owner);
}

#[test]
fn the_session_of_another_account_keeps_nothing_and_an_expired_one_costs_no_code() {
    let (world, stranger, code) = with_code();
    let eve = tokens(&world.act(&sign_up(EVE, PASSWORD)));
    let of_service = world.open_for("bob");
    world.take_posts();
    world.pass(HOUR);
    let late = world.code_by(SEND, EMAIL);
    assert_ne!(late, code);
    expect_error(&world.act(&verify_by(&eve, &late)), ACCESS_EXPIRED);
    let [eve, _] = [&eve, &of_service].map(|tokens| world.refresh(tokens));
    world.verified(&verify_by(&eve, &late));
    world.refuses(&stranger, REVOKED);
    expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
}

#[test]
fn a_password_that_no_account_may_get_is_named_unless_it_is_the_one_there() {
    let world = with_mail();
    let short = Password::parse("secret").expect("short").hash([7; 16]);
    world.import("u1", EMAIL, short.as_str());
    let code = world.code_by(SEND, EMAIL);
    for bad in ["short", "password", EMAIL] {
        let reply = world.act(&verify_with(&code, bad));
        expect_bad_field(&reply, "password");
    }
    for bad in ["", "${password}"] {
        expect_bad_field(&world.act(&verify_with(&code, bad)), "password");
    }
    world.verified(&verify_with(&code, "secret"));
    assert_eq!(world.try_log_in(EMAIL, "secret").status, 200);
}

/// Whoever has the code could find out an old password otherwise, one try after the other.
#[test]
fn a_password_that_no_account_may_get_counts_as_a_wrong_code() {
    let world = with_mail();
    let short = Password::parse("secret").expect("short").hash([7; 16]);
    world.import("u1", EMAIL, short.as_str());
    let code = world.code_by(SEND, EMAIL);
    for _ in 0..TRIES {
        expect_bad_field(&world.act(&verify_with(&code, "short")), "password");
    }
    world.refuses_call(&verify(&code));
    assert_eq!(world.try_log_in(EMAIL, "secret").status, 200);
}

#[test]
fn a_repeated_verification_says_nothing_about_its_password() {
    let (world, _, code) = with_code();
    let first = world.verified(&verify_with(&code, NEW));
    for password in [NEW, PASSWORD, "another horse 3"] {
        let again = world.verified(&verify_with(&code, password));
        assert_eq!(again.session, first.session);
    }
    world.log_in_with(NEW);
}

/// The table does it after the request has given up.
#[test]
fn an_address_that_has_changed_meanwhile_is_not_verified() {
    let (world, ada, code) = with_code();
    let plan = Plan::new(Store::D1, "verify address", Trouble::Slow).times(1);
    world.inject(plan);
    expect_error(&world.answer(&verify_by(&ada, &code)), UNAVAILABLE);
    let known = {
        let mut accounts = world.accounts.borrow_mut();
        let (known, _) = accounts.row(EMAIL).cloned().expect("Ada's row");
        let to = Email::parse(EVE).expect("an address");
        assert!(accounts.relocate(&known, &to, false, UnixMillis(world.now())));
        known
    };
    world.settle();
    assert!(!world.accounts.borrow().is_verified(&known.id));
}

#[test]
fn who_is_verified_or_unknown_is_sent_nothing() {
    let world = with_mail();
    world.verified_ada();
    for email in [EMAIL, "nobody@example.com"] {
        world.sends_none(SEND, email);
    }
    let started = world.now();
    world.sends_none(SEND, EVE);
    assert_eq!(world.now() - started, 1_000);
    world.pass(MINUTE);
    world.act(&sign_up(EVE, PASSWORD));
    world.code_by(SEND, EVE);
}

#[test]
fn where_it_is_required_there_are_no_tokens_before_the_code() {
    let world = with_mail_and(REQUIRED);
    world.signs_up(EMAIL, PASSWORD);
    let first = world.mailed_code("bestätigen");
    expect_error(&world.try_log_in(EMAIL, NEW), INVALID_CREDENTIALS);
    expect_error(&world.try_log_in(EMAIL, PASSWORD), EMAIL_UNVERIFIED);
    assert!(world.take_posts().is_empty(), "within the minute");
    world.pass(MINUTE);
    expect_error(&world.try_log_in(EMAIL, PASSWORD), EMAIL_UNVERIFIED);
    let code = world.mailed_code("confirm");
    world.refuses_call(&verify_with(&first, PASSWORD));
    let session = world.verified(&verify_with(&code, PASSWORD));
    assert_eq!(body(&world.me(&session))["name"], "Ada");
    world.log_in_with(PASSWORD);
    world.pass(MINUTE);
    // A repeated sign-up is one for a taken address, and not a login.
    world.signs_up(EMAIL, PASSWORD);
    world.mailed_code("bereits ein Konto");
}

#[test]
fn where_it_is_required_a_repeated_sign_up_changes_nothing() {
    let world = with_mail_and(REQUIRED);
    let replies = world.answer_at_once(&vec![sign_up(EMAIL, PASSWORD); 3]);
    world.settle();
    for reply in &replies {
        assert_eq!(body(reply), json!({"verificationRequired": true}));
    }
    let code = world.mailed_code("bestätigen");
    world.signs_up(EMAIL, PASSWORD);
    assert!(world.take_posts().is_empty());
    world.verified(&verify_with(&code, PASSWORD));
    world.log_in_with(PASSWORD);
}

/// Whoever comes first, and whoever of the two the code was sent for.
#[test]
fn where_it_is_required_the_password_of_a_stranger_never_works() {
    let passwords = ["strange horse 1", "owners horse 2"];
    for order in [[0, 1], [1, 0]] {
        for apart in [1_000, MINUTE, 2 * MINUTE] {
            let world = with_mail_and(REQUIRED);
            world.signs_up(EMAIL, passwords[order[0]]);
            world.pass(apart);
            world.signs_up(EMAIL, passwords[order[1]]);
            let mails = world.take_posts();
            let code = code_of(mails.last().expect("an e-mail"));
            let owner = world.verified(&verify_with(&code, passwords[1]));
            let stranger = world.try_log_in(EMAIL, passwords[0]);
            expect_error(&stranger, INVALID_CREDENTIALS);
            world.log_in_with(passwords[1]);
            world.refresh(&owner);
        }
    }
    let world = with_mail_and(REQUIRED);
    world.signs_up(EMAIL, passwords[0]);
    let code = world.mailed_code("bestätigen");
    world.verified(&verify(&code));
    expect_error(&world.try_log_in(EMAIL, passwords[0]), INVALID_CREDENTIALS);
}

#[test]
fn where_it_is_required_a_sign_up_says_neither_by_its_answer_nor_by_its_time_who_has_an_account() {
    for pace_ms in [0, 60, 100] {
        let world = with_mail_and(REQUIRED);
        world.import("u1", EMAIL, BCRYPT);
        world.set_pace(pace_ms);
        let known = world.code_by("/auth/code/send", EVE);
        let body_of_login = json!({"email": EVE, "code": known});
        tokens(&world.post("/auth/code/login", &body_of_login));
        for email in [EMAIL, EVE, "new@example.com"] {
            // Nor after many tries, as a count of wrong passwords would.
            for number in 0..15 {
                world.guards_fall_asleep();
                let started = world.now();
                let reply = world.answer(&sign_up(email, &format!("a horse of {number}")));
                assert_eq!(body(&reply), json!({"verificationRequired": true}));
                assert_eq!(world.now() - started, 1_000, "{email}");
                world.settle();
            }
            world.pass(MINUTE);
        }
        let mails = world.take_posts();
        assert_eq!(mails.len(), 3);
        assert!(mails[1].body.contains("bereits ein Konto"));
    }
}

#[test]
fn the_code_for_who_has_an_account_already_logs_in_to_it_and_leaves_the_password() {
    let world = with_mail();
    let ada = world.verified_ada();
    let world = world.here_with(&[RESEND, REQUIRED].concat());
    world.signs_up(EMAIL, NEW);
    let code = world.mailed_code("bereits ein Konto");
    world.verified(&verify_with(&code, NEW));
    world.refresh(&ada);
    expect_error(&world.try_log_in(EMAIL, NEW), INVALID_CREDENTIALS);
    world.log_in_with(PASSWORD);
}

#[test]
fn where_it_is_required_a_reset_and_a_login_by_a_code_verify_too() {
    for (send, path) in [
        ("/auth/password/forgot", "/auth/password/reset"),
        ("/auth/code/send", "/auth/code/login"),
    ] {
        let world = with_mail_and(REQUIRED);
        world.import("u1", EMAIL, BCRYPT);
        expect_error(&world.try_log_in(EMAIL, PASSWORD), EMAIL_UNVERIFIED);
        world.take_posts();
        let code = world.code_by(send, EMAIL);
        let body = json!({"email": EMAIL, "code": code, "newPassword": NEW});
        world.verified(&post(path, &body));
    }
}

#[test]
fn sessions_from_before_it_was_required_go_on() {
    let world = with_mail();
    let ada = world.sign_up();
    let settings = [RESEND, REQUIRED].concat();
    let later = world.here_with(&settings);
    later.refresh(&ada);
    assert_eq!(body(&later.me(&ada))["emailVerified"], false);
    expect_error(&later.try_log_in(EMAIL, PASSWORD), EMAIL_UNVERIFIED);
}

#[test]
fn a_full_hour_refuses_every_sign_up_where_it_is_required() {
    let settings = [REQUIRED, &[("SIGN_UPS_PER_HOUR", "1")]].concat();
    let world = with_mail_and(&settings);
    world.import("u1", EMAIL, BCRYPT);
    world.signs_up(EVE, PASSWORD);
    for email in [EMAIL, "new@example.com"] {
        let reply = world.act(&sign_up(email, PASSWORD));
        expect_error(&reply, crate::codes::TOO_MANY_REQUESTS);
    }
    // Its repetition is not another one.
    world.signs_up(EVE, PASSWORD);
}

/// Also to whoever has just had a code sent to the address.
#[test]
fn a_full_hour_does_not_say_who_has_an_account() {
    let settings = [REQUIRED, &[("SIGN_UPS_PER_HOUR", "1")]].concat();
    let world = with_mail_and(&settings);
    world.import("u1", EMAIL, BCRYPT);
    world.signs_up(EVE, PASSWORD);
    world.take_posts();
    world.code_by(SEND, EMAIL);
    for email in [EMAIL, "new@example.com", EMAIL] {
        let reply = world.act(&sign_up(email, PASSWORD));
        expect_error(&reply, crate::codes::TOO_MANY_REQUESTS);
    }
}

#[test]
fn a_verification_that_fails_leaves_the_code_valid() {
    let (world, ada, code) = with_code();
    world.inject(Plan::new(Store::D1, "set password", Trouble::Fails));
    for _ in 0..8 {
        expect_error(&world.act(&verify(&code)), UNAVAILABLE);
    }
    world.recover();
    world.refresh(&ada);
    world.inject(Plan::new(Store::D1, "verify address", Trouble::Fails));
    expect_error(&world.act(&verify_by(&ada, &code)), UNAVAILABLE);
    assert_eq!(body(&world.me(&ada))["emailVerified"], false);
    world.recover();
    world.verified(&verify_by(&ada, &code));
    world.refresh(&ada);
}

#[test]
fn an_account_that_was_deleted_before_the_code_was_entered_is_not_verified() {
    let (world, ada, code) = with_code();
    world.delete_account(&ada, PASSWORD);
    world.refuses_call(&verify(&code));
    tokens(&world.act(&sign_up(EMAIL, NEW)));
    world.refuses_call(&verify(&code));
}

#[test]
fn five_wrong_codes_end_the_code_and_a_quarter_of_an_hour_does() {
    let (world, _, code) = with_code();
    let replies = world.answer_at_once(&vec![verify(WRONG); 30]);
    assert!(replies.iter().all(|reply| reply.status == 400));
    world.refuses_call(&verify(&code));
    let next = world.code_by(SEND, EMAIL);
    world.pass(15 * MINUTE);
    world.refuses_call(&verify(&next));
}

#[test]
fn without_e_mail_verification_is_a_mistake_of_the_owner_and_the_verified_log_in() {
    let before = with_mail();
    let ada = before.verified_ada();
    before.import("u2", EVE, BCRYPT);
    for setting in ["on", "required"] {
        let world = before.here_with(&[("EMAIL_VERIFICATION", setting)]);
        let health = world.answer(&call(Method::Get, "/health", None, ""));
        assert_eq!(health.status, 503);
        let told = body(&health)["settings"]["EMAIL_VERIFICATION"].clone();
        assert!(told.to_string().contains("Set the var MAIL"), "{told}");
        let refused = |reply: &Reply| {
            expect_error(reply, MISCONFIGURED);
            assert!(reply.body.contains("EMAIL_VERIFICATION"), "{}", reply.body);
        };
        refused(&world.act(&sign_up("new@example.com", PASSWORD)));
        refused(&world.try_log_in(EVE, PASSWORD));
        world.refresh(&ada);
        world.log_in_with(PASSWORD);
    }
    let world = before.here_with(&[("EMAIL_VERIFICATION", "sometimes")]);
    let health = body(&world.answer(&call(Method::Get, "/health", None, "")));
    let told = health["settings"]["EMAIL_VERIFICATION"].as_str();
    assert!(told.is_some_and(|told| told.contains("off, on, required")));
    assert_eq!(before.accounts.borrow().rows().count(), 2);
}

#[test]
fn a_log_that_others_can_read_gets_no_code_and_no_account_is_made() {
    for setting in ["on", "required"] {
        let world = World::with(&[("MAIL", "log"), ("EMAIL_VERIFICATION", setting)]);
        expect_error(&world.act(&sign_up(EMAIL, PASSWORD)), MISCONFIGURED);
        assert_eq!(world.accounts.borrow().rows().count(), 0);
        let mut local = sign_up(EMAIL, PASSWORD);
        local.origin = "http://127.0.0.1:8787".into();
        assert_eq!(world.act(&local).status, 200);
        let lines: Vec<Value> = world.lines("mail");
        assert_eq!(lines.len(), 1);
    }
}

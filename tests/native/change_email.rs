//! Another address for an account: the code that is sent there, and what stays in force.

use serde_json::{Value, json};
use tokenkeep::http::{method::Method, reply::Reply, request::Call};
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    accounts::claims_of,
    client::{EMAIL, PASSWORD, Tokens, body, expect_bad_field, expect_error, tokens, with_bearer},
    codes::{
        CODE_INVALID, EMAIL_TAKEN, INVALID_CREDENTIALS, MISCONFIGURED, NOT_FOUND, REVOKED,
        TOO_MANY_ATTEMPTS, UNAVAILABLE, WRONG_PASSWORD,
    },
    mail::{RESEND, code_of, with_mail},
    world::{HOUR, MINUTE, World},
};

const NEW: &str = "ada@new.example";
const THIRD: &str = "ada@third.example";
const EVE: &str = "eve@example.com";

fn change(tokens: &Tokens, password: &str, to: &str) -> Call {
    let body = json!({"password": password, "newEmail": to});
    with_bearer(Method::Post, "/auth/email/change", &tokens.access, &body)
}

fn confirm(tokens: &Tokens, code: &str) -> Call {
    let path = "/auth/email/change/confirm";
    with_bearer(Method::Post, path, &tokens.access, &json!({ "code": code }))
}

impl World {
    fn sent(&self, call: &Call) -> Reply {
        let reply = self.answer(call);
        self.settle();
        reply
    }

    /// The code that is sent to a new address.
    #[track_caller]
    pub fn code_for(&self, tokens: &Tokens, to: &str) -> String {
        let reply = self.sent(&change(tokens, PASSWORD, to));
        assert_eq!((reply.status, body(&reply)), (200, json!({"sent": true})));
        let posts = self.take_posts();
        let to_new = posts.iter().find(|post| post.body.contains(to));
        code_of(to_new.expect("an e-mail to the new address"))
    }

    /// Changes the address, where e-mail is on or off.
    #[track_caller]
    fn moves(&self, tokens: &Tokens, to: &str, has_mail: bool) {
        let call = if has_mail {
            confirm(tokens, &self.code_for(tokens, to))
        } else {
            change(tokens, PASSWORD, to)
        };
        let reply = self.sent(&call);
        assert_eq!((reply.status, &body(&reply)["email"]), (200, &json!(to)));
    }

    #[track_caller]
    fn log_in_at(&self, email: &str) -> Tokens {
        tokens(&self.try_log_in(email, PASSWORD))
    }

    fn sign_up_at(&self, email: &str, password: &str) -> Reply {
        let person = json!({"email": email, "password": password});
        self.post("/auth/signup", &person)
    }
}

/// Worlds with and without e-mail, where Ada has signed up.
fn worlds() -> [(World, Tokens, bool); 2] {
    [(with_mail(), true), (World::new(), false)].map(|(world, has_mail)| {
        let ada = world.sign_up();
        world.pass(10_000);
        (world, ada, has_mail)
    })
}

fn with_ada() -> (World, Tokens) {
    let [(world, ada, _), _] = worlds();
    (world, ada)
}

#[test]
fn the_code_goes_to_the_new_address_and_a_notice_to_the_old_one() {
    let (world, ada) = with_ada();
    let there = world.log_in_at(EMAIL);
    let reply = world.sent(&change(&ada, PASSWORD, " Ada@NEW.example "));
    assert_eq!((reply.status, body(&reply)), (200, json!({"sent": true})));
    let posts = world.take_posts();
    let sent: Vec<Value> = posts
        .iter()
        .map(|post| serde_json::from_str(&post.body).expect("JSON"))
        .collect();
    assert_eq!(
        (&sent[0]["to"], &sent[1]["to"]),
        (&json!([NEW]), &json!([EMAIL]))
    );
    let notice = sent[1]["text"].as_str().expect("a text");
    let code = code_of(&posts[0]);
    assert!(!notice.contains(&code) && !notice.contains(NEW), "{notice}");
    world.guards_fall_asleep();

    let reply = world.sent(&confirm(&ada, &code));
    let me = body(&reply);
    assert_eq!((&me["email"], &me["name"]), (&json!(NEW), &json!("Ada")));
    assert_eq!(me["emailVerified"], true);
    assert_eq!(me["id"], body(&world.me(&there))["id"]);
    for session in [&ada, &there] {
        world.refresh(session);
    }
    expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
    world.refresh(world.log_in_at(NEW));
    let log = world.log().join("\n");
    assert!(!log.contains(&code) && !log.contains('@'), "{log}");
}

#[test]
fn without_e_mail_the_address_changes_at_once_and_is_not_verified() {
    let [_, (world, ada, _)] = worlds();
    for _ in 0..2 {
        let reply = world.sent(&change(&ada, PASSWORD, NEW));
        let me = body(&reply);
        assert_eq!(
            (&me["email"], &me["emailVerified"]),
            (&json!(NEW), &json!(false))
        );
    }
    expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
    world.log_in_at(NEW);
    expect_error(&world.sent(&confirm(&ada, "123456")), MISCONFIGURED);
}

#[test]
fn a_repeated_confirmation_gets_the_same_success_for_two_minutes() {
    let (world, ada) = with_ada();
    let code = world.code_for(&ada, NEW);
    for milliseconds in [0, 1, 3_000, 100_000] {
        world.pass(milliseconds);
        world.guards_fall_asleep();
        let reply = world.sent(&confirm(&ada, &code));
        assert_eq!((reply.status, &body(&reply)["email"]), (200, &json!(NEW)));
    }
    world.pass(2 * MINUTE);
    expect_error(&world.sent(&confirm(&ada, &code)), CODE_INVALID);
    assert_eq!(body(&world.me(&ada))["email"], NEW);
}

#[test]
fn a_wrong_password_changes_nothing_and_counts_as_at_a_login() {
    for (world, ada, _) in worlds() {
        for _ in 0..10 {
            let reply = world.sent(&change(&ada, "wrong horse", NEW));
            expect_error(&reply, WRONG_PASSWORD);
        }
        let reply = world.sent(&change(&ada, PASSWORD, NEW));
        expect_error(&reply, TOO_MANY_ATTEMPTS);
        assert!(world.take_posts().is_empty());
        assert_eq!(body(&world.me(&ada))["email"], EMAIL);
        world.refresh(&ada);
    }
}

#[test]
fn an_address_of_somebody_else_is_refused_only_to_who_has_its_code() {
    let (world, ada) = with_ada();
    tokens(&world.sign_up_at(EVE, "battery staple"));
    let code = world.code_for(&ada, EVE);
    for _ in 0..2 {
        expect_error(&world.sent(&confirm(&ada, &code)), EMAIL_TAKEN);
    }
    assert_eq!(body(&world.me(&ada))["email"], EMAIL);
    world.log_in_at(EMAIL);

    let [_, (world, ada, _)] = worlds();
    tokens(&world.sign_up_at(EVE, "battery staple"));
    expect_error(&world.sent(&change(&ada, PASSWORD, EVE)), EMAIL_TAKEN);
    world.log_in_at(EMAIL);
}

#[test]
fn the_same_address_and_what_no_e_mail_reaches_are_refused_with_the_field() {
    let (world, ada) = with_ada();
    for to in [
        EMAIL,
        "ADA@example.com ",
        "ada",
        "ada@localhost",
        "a,b@x.example",
        "",
    ] {
        expect_bad_field(&world.sent(&change(&ada, PASSWORD, to)), "newEmail");
    }
    expect_bad_field(&world.sent(&confirm(&ada, "12345")), "code");
    assert!(world.take_posts().is_empty());
    let bob = world.open_for("bob");
    expect_error(&world.sent(&change(&bob, PASSWORD, NEW)), NOT_FOUND);
    expect_error(&world.sent(&confirm(&bob, "123456")), NOT_FOUND);
}

#[test]
fn a_code_is_for_one_account_one_address_and_a_quarter_of_an_hour() {
    let (world, ada) = with_ada();
    let eve = tokens(&world.sign_up_at(EVE, PASSWORD));
    expect_error(&world.sent(&confirm(&ada, "123456")), CODE_INVALID);
    let code = world.code_for(&ada, NEW);
    // Eve wants the address too; within the minute nothing is sent there.
    assert_eq!(world.sent(&change(&eve, PASSWORD, NEW)).status, 200);
    assert!(world.take_posts().is_empty());
    expect_error(&world.sent(&confirm(&eve, &code)), CODE_INVALID);
    let of_third = world.code_for(&ada, THIRD);
    expect_error(&world.sent(&confirm(&ada, &code)), CODE_INVALID);
    world.pass(15 * MINUTE);
    expect_error(&world.sent(&confirm(&ada, &of_third)), CODE_INVALID);
    let code = world.code_for(&ada, NEW);
    for _ in 0..5 {
        expect_error(&world.sent(&confirm(&ada, "999999")), CODE_INVALID);
    }
    expect_error(&world.sent(&confirm(&ada, &code)), CODE_INVALID);
    assert_eq!(body(&world.me(&ada))["email"], EMAIL);
}

#[test]
fn e_mails_to_a_new_address_are_limited_whoever_asks_and_forgotten_after_a_day() {
    let (world, ada) = with_ada();
    let eve = tokens(&world.sign_up_at(EVE, PASSWORD));
    let mut sent = 0;
    for hour in 0..24 {
        for person in [&ada, &eve] {
            let person = world.refresh(person);
            let reply = world.sent(&change(&person, PASSWORD, NEW));
            assert_eq!(reply.status, 200, "{hour}");
            sent += world.take_posts().len() / 2;
            world.guards_fall_asleep();
            world.pass(2 * MINUTE);
        }
        world.pass(55 * MINUTE);
    }
    assert_eq!(sent, 10);
    assert!(world.guard_storage()[NEW].contains(r#""sources":[]"#));
    let rings_at = world.guard_alarms()[NEW];
    world.pass(rings_at - world.now());
    world.ring_alarm(NEW);
    assert!(!world.guard_storage().contains_key(NEW));
}

#[test]
fn what_ends_all_sessions_calls_a_change_off() {
    type Remedy = fn(&World, &Tokens) -> Tokens;
    let remedies: [Remedy; 3] = [
        |world, ada| {
            world.log_out_all(ada);
            world.log_in_at(EMAIL)
        },
        |world, ada| tokens(&world.change_password(ada, PASSWORD, "better horse 2")),
        |world, _| {
            world.pass(MINUTE);
            let code = world.code();
            let body = json!({"email": EMAIL, "code": code, "newPassword": "better horse 2"});
            tokens(&world.post("/auth/password/reset", &body))
        },
    ];
    for end_all in remedies {
        let (world, thief) = with_ada();
        let ada = world.log_in_at(EMAIL);
        let code = world.code_for(&thief, NEW);
        world.guards_fall_asleep();
        let ada = end_all(&world, &ada);
        expect_error(&world.sent(&confirm(&thief, &code)), REVOKED);
        expect_error(&world.sent(&confirm(&ada, &code)), CODE_INVALID);
        assert_eq!(body(&world.me(&ada))["email"], EMAIL);
    }
}

#[test]
fn two_changes_at_once_leave_one_address() {
    let [_, (world, ada, _)] = worlds();
    let calls = [NEW, THIRD].map(|to| change(&ada, PASSWORD, to));
    let replies = world.answer_at_once(&calls);
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 503], "the other one is safe to repeat");
    assert_eq!(world.sent(&calls[1]).status, 200);
    assert_eq!(body(&world.me(&ada))["email"], THIRD);

    // Two people, one address.
    let eve = tokens(&world.sign_up_at(EVE, PASSWORD));
    let calls = [&ada, &eve].map(|person| change(person, PASSWORD, NEW));
    let replies = world.answer_at_once(&calls);
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 409]);
    expect_error(&world.sign_up_at(NEW, "battery staple"), EMAIL_TAKEN);
}

#[test]
fn all_sessions_end_together_however_the_clocks_of_two_guards_differ() {
    // The guard of the new address is two seconds behind that of the old one, and four are lost on
    // the way back.
    let world = World::with_clocks([2_000, -2_000, 0]);
    let elsewhere = world.elsewhere(&[]);
    let old = world.sign_up();
    world.pass(10_000);
    let at_old = world.log_in_at(EMAIL);
    world.moves(&old, NEW, false);
    // From here on that guard is at the other place.
    let begun = elsewhere.log_in_at(NEW);
    world.log_out_all(&old);
    world.pass(2 * MINUTE);
    for session in [&old, &at_old, &begun] {
        world.refuses(session, REVOKED);
    }
    let later = elsewhere.log_in_at(NEW);
    elsewhere.moves(&later, EMAIL, false);
    let back = world.log_in_at(EMAIL);
    world.log_out_all(&later);
    let last = world.log_in_at(EMAIL);
    world.pass(2 * MINUTE);
    world.refuses(&later, REVOKED);
    world.refuses(&back, REVOKED);
    world.refresh(&last);
}

#[test]
fn an_old_session_can_still_change_the_password_and_delete_the_account() {
    for (world, old, has_mail) in worlds() {
        world.moves(&old, NEW, has_mail);
        let new = world.log_in_at(NEW);
        let reply = world.change_password(&old, "wrong horse", "better horse 2");
        expect_error(&reply, WRONG_PASSWORD);
        let last = tokens(&world.change_password(&old, PASSWORD, "better horse 2"));
        world.refuses(&new, REVOKED);
        // The new session says what holds now, not what held at the login of the old one.
        let claims = claims_of(&last.access);
        assert_eq!(claims["email"], NEW);
        assert_eq!(claims["email_verified"], has_mail);
        assert_eq!(world.delete_account(&last, "better horse 2").status, 200);
        world.refuses(&last, REVOKED);
        assert_eq!(world.password_hash(NEW), None);
    }
}

#[test]
fn a_device_of_an_old_session_is_not_locked_out_at_the_new_address() {
    for (world, old, has_mail) in worlds() {
        world.moves(&old, NEW, has_mail);
        for _ in 0..10 {
            expect_error(&world.try_log_in(NEW, "wrong horse"), INVALID_CREDENTIALS);
        }
        expect_error(&world.try_log_in(NEW, PASSWORD), TOO_MANY_ATTEMPTS);
        let known = json!({"email": NEW, "password": PASSWORD, "refreshToken": old.refresh});
        tokens(&world.post("/auth/login", &known));
    }
}

#[test]
fn whoever_has_the_old_address_next_and_whoever_left_it_have_nothing_to_do_with_each_other() {
    let (world, ada) = with_ada();
    let forgotten = world.code();
    world.pass(MINUTE);
    world.moves(&ada, NEW, true);
    let next = tokens(&world.sign_up_at(EMAIL, "battery staple"));
    assert_ne!(body(&world.me(&next))["id"], body(&world.me(&ada))["id"]);
    let reset = json!({"email": EMAIL, "code": forgotten, "newPassword": "better horse 2"});
    expect_error(&world.post("/auth/password/reset", &reset), CODE_INVALID);
    let also = world.log_in_at(NEW);
    world.log_out_all(&ada);
    world.refuses(&also, REVOKED);
    world.refresh(&next);
    let back = world.log_in_at(NEW);
    world.log_out_all(&next);
    world.refuses(&next, REVOKED);
    world.refresh(&back);
}

#[test]
fn an_address_can_be_changed_back() {
    for (world, mut ada, has_mail) in worlds() {
        for to in [NEW, EMAIL, NEW, THIRD, EMAIL] {
            world.moves(&ada, to, has_mail);
            ada = world.refresh_after(HOUR / 2, &ada);
        }
        let there = world.log_in_at(EMAIL);
        world.log_out_all(&ada);
        world.refuses(&there, REVOKED);
    }
}

#[test]
fn the_account_stays_while_a_repeated_password_change_may_come() {
    let [_, (world, ada, _)] = worlds();
    let changed = tokens(&world.change_password(&ada, PASSWORD, "better horse 2"));
    let leave = change(&changed, "better horse 2", NEW);
    expect_error(&world.sent(&leave), TOO_MANY_ATTEMPTS);
    world.pass(50_000);
    let again = tokens(&world.change_password(&ada, PASSWORD, "better horse 2"));
    assert_eq!(again.session, changed.session);
    world.pass(2 * MINUTE);
    assert_eq!(world.sent(&leave).status, 200);
    world.refresh(&changed);
}

#[test]
fn a_change_that_fails_leaves_the_code_valid() {
    let (world, ada) = with_ada();
    let code = world.code_for(&ada, NEW);
    world.inject(Plan::new(Store::D1, "change address", Trouble::Fails));
    for _ in 0..8 {
        expect_error(&world.sent(&confirm(&ada, &code)), UNAVAILABLE);
    }
    world.recover();
    world.log_in_at(EMAIL);
    assert_eq!(world.sent(&confirm(&ada, &code)).status, 200);
}

#[test]
fn a_table_that_fails_keeps_nobody_from_ending_all_sessions() {
    for trouble in [Trouble::Fails, Trouble::Silent] {
        let (world, ada) = with_ada();
        world.moves(&ada, NEW, true);
        let there = world.log_in_at(NEW);
        world.inject(Plan::new(Store::D1, "", trouble));
        assert_eq!(world.log_out_all(&ada).status, 200);
        world.recover();
        world.refuses(&there, REVOKED);
    }
}

#[test]
fn a_mistake_in_the_settings_changes_no_address_at_once() {
    let world = World::with(&RESEND[..1]);
    let ada = world.sign_up();
    expect_error(&world.sent(&change(&ada, PASSWORD, NEW)), MISCONFIGURED);
    assert_eq!(body(&world.me(&ada))["email"], EMAIL);
}

//! E-mails on their way: who gets them, what happens when that fails, and what the owner sees.

use serde_json::{Value, json};
use tokenkeep::{
    http::{method::Method, reply::Reply},
    mail::{provider::Post, send::SEND_TIMEOUT_MS},
};
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    client::{BCRYPT, EMAIL, body, call, post},
    world::{HOUR, World},
};

/// E-mail by Resend.
pub const RESEND: &[(&str, &str)] = &[
    ("MAIL", "resend"),
    ("resend_api_key", "re_123456789"),
    ("MAIL_FROM", "hello@example.com"),
    ("APP_NAME", "Ada's Shop"),
];

/// A world where e-mails are sent.
pub fn with_mail() -> World {
    World::with(RESEND)
}

impl World {
    /// The only e-mail since the last time.
    #[track_caller]
    pub fn one_mail(&self) -> Post {
        let mut posts = self.take_posts();
        assert_eq!(posts.len(), 1);
        posts.remove(0)
    }
}

/// What a provider got.
fn sent(post: &Post) -> Value {
    serde_json::from_str(&post.body).expect("JSON")
}

/// The code in an e-mail.
pub fn code_of(post: &Post) -> String {
    let text = sent(post)["text"].as_str().expect("a text").to_owned();
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().find(is_code).expect("a code").to_owned()
}

fn forgot(world: &World, language: &str) -> Reply {
    let body = json!({"email": EMAIL, "language": language});
    let reply = world.answer(&post("/auth/password/forgot", &body));
    world.settle();
    reply
}

fn health(world: &World) -> (u16, Value) {
    let reply = world.answer(&call(Method::Get, "/health", None, ""));
    (reply.status, body(&reply))
}

fn with_an_account(settings: &[(&str, &str)]) -> World {
    let world = World::with(settings);
    world.import("u1", EMAIL, BCRYPT);
    world
}

#[test]
fn the_e_mail_goes_to_the_stored_address_after_the_answer() {
    let world = with_an_account(RESEND);
    let body = json!({"email": " ADA@Example.com "});
    let reply = world.answer(&post("/auth/password/forgot", &body));
    assert_eq!(reply.status, 200);
    assert!(world.take_posts().is_empty(), "not before the answer");
    world.settle();
    let mail = world.one_mail();
    assert_eq!(sent(&mail)["to"], json!([EMAIL]));
    assert_eq!(sent(&mail)["from"], "\"Ada's Shop\" <hello@example.com>");
}

#[test]
fn the_language_is_that_of_the_request_or_of_the_settings() {
    let settings = [RESEND, &[("MAIL_LANGUAGE", "it")]].concat();
    for (language, word) in [
        ("de-AT", "Passwort"),
        ("tlh", "password"),
        ("${device.lang}", "Inserisci"),
    ] {
        let world = with_an_account(&settings);
        assert_eq!(forgot(&world, language).status, 200);
        let mail = world.one_mail();
        assert!(sent(&mail)["text"].to_string().contains(word), "{language}");
    }
}

#[test]
fn a_provider_that_fails_hangs_throttles_or_answers_html_is_tried_three_times() {
    for trouble in [
        Trouble::Fails,
        Trouble::Silent,
        Trouble::Refuses,
        Trouble::Rubbish,
    ] {
        for times in 1..=3 {
            let world = with_an_account(RESEND);
            world.inject(Plan::new(Store::Mail, "send", trouble).times(times));
            let started = world.now();
            assert_eq!(forgot(&world, "en").status, 200);
            let took = world.now() - started;
            assert!(took < 30_000 + 1_000, "{took}");
            let tries = world
                .take_calls()
                .iter()
                .filter(|call| call.store == Store::Mail)
                .count();
            assert_eq!(tries, 3.min(times + 1), "{trouble:?}");
            let is_lost = times == 3;
            assert_eq!(world.lines("mail_failed").len(), usize::from(is_lost));
            if !is_lost {
                let mut posts = world.take_posts();
                let last = posts.pop().expect("sent");
                // Whatever came of the tries before: the provider knows it for the same e-mail.
                assert!(posts.iter().all(|post| *post == last));
            }
        }
    }
    const { assert!(SEND_TIMEOUT_MS < 10_000) };
}

#[test]
fn an_e_mail_that_is_lost_is_reported_for_an_hour_and_fails_nothing() {
    let world = with_an_account(RESEND);
    assert_eq!(health(&world).1["checks"]["mail"], "ok");
    world.inject(Plan::new(Store::Mail, "send", Trouble::Refuses));
    forgot(&world, "en");
    world.recover();
    let [line] = world.lines("mail_failed").try_into().expect("one line");
    assert_eq!(
        line,
        json!({"event": "mail_failed", "cause": "Resend answered with status 429"})
    );
    let (status, report) = health(&world);
    assert_eq!(status, 200);
    let told = "within the last hour, an e-mail could not be sent: Resend answered with status 429";
    assert_eq!(report["checks"]["mail"], told);
    world.pass(HOUR);
    assert_eq!(health(&world).1["checks"]["mail"], "ok");
}

#[test]
fn neither_a_code_nor_an_address_is_in_the_log() {
    for trouble in [None, Some(Trouble::Fails), Some(Trouble::Rubbish)] {
        let world = with_an_account(RESEND);
        if let Some(trouble) = trouble {
            world.inject(Plan::new(Store::Mail, "send", trouble));
        }
        forgot(&world, "en");
        let log = world.log().join("\n");
        for post in world.take_posts() {
            assert!(!log.contains(&code_of(&post)), "{log}");
        }
        for secret in ["ada@", "example.com", "re_1234"] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}

#[test]
fn what_can_be_read_as_two_addresses_or_a_header_is_sent_nothing() {
    for odd in [
        "ada@example.com,eve@evil.example",
        "ada@example.com;eve@evil.example",
        "ada<eve@evil.example>@x.example",
        "\"ada bcc:eve\"@x.example",
    ] {
        let world = World::with(RESEND);
        world.import("u1", odd, BCRYPT);
        let reply = world.answer(&post("/auth/password/forgot", &json!({ "email": odd })));
        world.settle();
        assert_eq!(reply.status, 200, "{odd}");
        assert!(world.take_posts().is_empty(), "{odd}");
    }
}

#[test]
fn a_mistake_in_the_settings_of_e_mail_is_reported_and_closes_nothing_else() {
    let world = with_an_account(&[("MAIL", "resend"), ("MAIL_FROM", "hello@example.com")]);
    let (status, report) = health(&world);
    assert_eq!(status, 503);
    let told = report["settings"]["resend_api_key"].to_string();
    assert!(
        told.contains("npx tokenkeep secret resend_api_key"),
        "{told}"
    );
    assert_eq!(forgot(&world, "en").status, 500);
    world.log_in_with(crate::client::PASSWORD);
}

#[test]
fn the_binding_of_cloudflare_has_to_be_there() {
    let world = with_an_account(&[("MAIL", "cloudflare"), ("MAIL_FROM", "hello@example.com")]);
    let (status, report) = health(&world);
    let told = report["checks"]["mail"].to_string();
    assert_eq!((status, told.contains("EMAIL is not bound")), (503, true));
}

//! E-mail addresses: which are taken, and their one spelling.

use proptest::prelude::*;
use serde_json::json;
use tokenkeep::{account::email::Email, port::Normalizer, problem::Problem, text::is_invisible};
use tokenkeep_world::Unicode;

use crate::{
    client::{BCRYPT, EMAIL, PASSWORD, body, expect_bad_field, expect_error, tokens},
    codes::{EMAIL_TAKEN, INVALID_CREDENTIALS},
    world::World,
};

fn canonical(text: &str) -> Result<Email, Problem> {
    Email::parse_new(text, &Unicode)
}

#[track_caller]
fn is_kept_as(text: &str, spelling: &str) {
    let email = canonical(text).unwrap_or_else(|problem| panic!("{text:?} {problem}"));
    assert_eq!(email.as_str(), spelling, "{text:?}");
}

#[track_caller]
fn is_refused(text: &str, why: &str) {
    let problem = canonical(text).expect_err(text);
    assert!(problem.0.contains(why), "{text:?} {problem}");
}

#[test]
fn spaces_around_and_capitals_make_no_other_address() {
    let email = canonical("\u{a0} Ada.Lovelace@Example.COM\r\n").expect("good");
    assert_eq!(email.as_str(), "ada.lovelace@example.com");
    assert_eq!(
        canonical("ÄDA@BÜCHER.example").expect("good").as_str(),
        "äda@xn--bcher-kva.example"
    );
}

#[test]
fn unusual_addresses_are_taken() {
    for text in [
        "a@b",
        "root@localhost",
        "ada+tag@example.com",
        "o'hara@example.com",
        "\"a@b\"@example.com",
        "用户@例子.广告",
        "ada@[IPv6:2001:db8::1]",
        "';drop/**/table/**/users;--@example.com",
    ] {
        assert!(canonical(text).is_ok(), "{text}");
    }
}

#[test]
fn what_cannot_be_an_address_is_refused() {
    for text in [
        "",
        " ",
        "@",
        "ada",
        "ada@",
        " @example.com",
        "ada@ ",
        "ada lovelace@example.com",
        "ada@example\t.com",
        "ada@example.com\0x",
        "ada@exa\u{2003}mple.com",
    ] {
        assert!(canonical(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_address_of_255_bytes_is_refused() {
    let long = |bytes: usize| format!("{}@example.com", "x".repeat(bytes - 12));
    assert!(canonical(&long(254)).is_ok());
    assert!(canonical(&format!("  {}  ", long(254))).is_ok());
    assert!(canonical(&long(255)).is_err());
    assert!(canonical(&format!("{}@example.com", "ü".repeat(122))).is_err());
}

#[test]
fn an_address_cannot_be_printed() {
    let email = canonical("ada@example.com").expect("good");
    assert_eq!(format!("{email:?}"), "Email(_)");
}

proptest! {
    #[test]
    fn the_one_spelling_of_an_address_is_its_own(text in "\\PC{1,8}@\\PC{1,8}") {
        if let Ok(email) = canonical(&text) {
            prop_assert_eq!(canonical(email.as_str()), Ok(email));
        }
    }
}

#[test]
fn all_spellings_of_one_address_are_one() {
    for (text, spelling) in [
        ("\u{202a}ada@example.com\u{202c}", EMAIL),
        ("\u{200e}\u{feff}ADA@example.com\u{e007f}\0", EMAIL),
        ("ada＠example．com", EMAIL),
        ("ada@example。com", EMAIL),
        ("ada@ｅｘａｍｐｌｅ.com", EMAIL),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BU\u{308}CHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("E\u{301}va@example.com", "éva@example.com"),
        ("ÉVA@example.com", "éva@example.com"),
    ] {
        is_kept_as(text, spelling);
    }
}

#[test]
fn what_looks_like_another_address_is_refused() {
    for text in [
        "a\u{200b}da@example.com",
        "ada@exa\u{ad}mple.com",
        "a\u{e0041}@b.example",
        "a\u{3164}@b.example",
    ] {
        is_refused(text, "an invisible character");
    }
    for text in [
        "ａda@example.com",
        "ﬁ@example.com",
        "𝐚da@example.com",
        "ada²@example.com",
    ] {
        is_refused(text, "special form");
    }
    for text in [
        "ada@example.com.",
        "ada@example.com,",
        "<ada@example.com>",
        "ada@example.com;",
        "ada@example.com”",
        "ada@example.com。",
        "ada@example.com、",
    ] {
        is_refused(text, "ends with");
    }
    for text in [
        "ada@exa/mple.é",
        "ada@é:80",
        "ada@é.%41",
        "ada@xn--a.example",
        "ada@é.1",
    ] {
        is_refused(text, "e-mail address like");
    }
}

/// What costs a call into JavaScript.
struct Costly;

impl Normalizer for Costly {
    fn nfc(&self, _: &str) -> String {
        unreachable!("an address in ASCII")
    }

    fn nfkc(&self, _: &str) -> String {
        unreachable!("an address in ASCII")
    }

    fn domain(&self, _: &str) -> Option<String> {
        unreachable!("an address in ASCII")
    }
}

#[test]
fn an_address_in_ascii_needs_no_normalizer() {
    for text in [
        " Ada+x@Example.com ",
        "ada@[IPv6:2001:db8::1]",
        "ada@example.com,",
    ] {
        let _ = Email::parse_new(text, &Costly);
    }
}

/// An address as a person sees it.
fn look(text: &str) -> String {
    let nfkc = Unicode.nfkc(text);
    nfkc.chars().filter(|c| !is_invisible(*c)).collect()
}

proptest! {
    #[test]
    fn any_text_is_refused_or_has_one_canonical_form(text in "\\PC{0,6}(\\PC|[@＠])\\PC{0,6}(@|[.。]\\PC{1,3}){0,2}") {
        if let Ok(email) = canonical(&text) {
            prop_assert_eq!(canonical(email.as_str()), Ok(email.clone()));
            prop_assert!(!email.as_str().contains(is_invisible));
        }
    }

    #[test]
    fn what_looks_the_same_is_never_two_accounts(
        a in "[aéA\u{e9}e\u{301}ａﬁfi\u{200b}\u{ad}k\u{212a}ΩΩ]{1,3}[@＠][aübu\u{308}ａﬀ\u{200d}]{1,3}[.．。]de",
        b in "[aéA\u{e9}e\u{301}ａﬁfi\u{200b}\u{ad}k\u{212a}ΩΩ]{1,3}[@＠][aübu\u{308}ａﬀ\u{200d}]{1,3}[.．。]de",
    ) {
        // The same text in other clothes, too.
        let dressed = [Unicode.nfkc(&a), Unicode.nfc(&a), look(&a), format!("\u{202a}{a}\u{202c}"), b];
        let plain = |text: &str| look(text).replace('。', ".");
        for other in dressed {
            if plain(&other) == plain(&a) && let (Ok(one), Ok(two)) = (canonical(&a), canonical(&other)) {
                prop_assert_eq!(one, two);
            }
        }
    }
}

/// The address that has an account, by what was typed.
fn address(world: &World, typed: &str) -> Option<String> {
    let reply = world.try_log_in(typed, PASSWORD);
    body(&reply)["email"].as_str().map(str::to_owned)
}

#[test]
fn every_spelling_reaches_the_account_and_makes_no_second_one() {
    for (typed, others) in [
        (
            "\u{202a}ada@example.com\u{202c}",
            [EMAIL, "ada＠example．com"],
        ),
        (
            "ada@bücher.example",
            ["ada@xn--bcher-kva.example", "ada@bu\u{308}cher.example"],
        ),
        (
            "e\u{301}va@example.com",
            ["éva@example.com", "ÉVA@example.com\u{200b}"],
        ),
    ] {
        let world = World::new();
        let person = json!({"email": typed, "password": PASSWORD});
        tokens(&world.post("/auth/signup", &person));
        for other in [typed, others[0], others[1]] {
            assert!(address(&world, other).is_some(), "{other:?}");
            let again = json!({"email": other, "password": "another horse"});
            expect_error(&world.post("/auth/signup", &again), EMAIL_TAKEN);
        }
        assert_eq!(world.accounts.borrow().rows().count(), 1);
    }
}

#[test]
fn an_account_of_an_earlier_version_stays_reachable_under_its_guard() {
    for stored in [
        "ada@bücher.example",
        "e\u{301}va@example.com",
        "\u{202a}ada@example.com\u{202c}",
        "ﬁ@example.com",
        "ada@example.com.",
        "a\u{200b}da@example.com",
    ] {
        let world = World::new();
        world.import("u1", stored, BCRYPT);
        assert_eq!(
            address(&world, &stored.to_ascii_uppercase()).as_deref(),
            Some(stored)
        );
        expect_error(
            &world.try_log_in(stored, "wrong horse"),
            INVALID_CREDENTIALS,
        );
        let guards = world.guard_storage();
        assert!(guards.keys().all(|name| name == stored), "{stored:?}");
        let login = tokens(&world.try_log_in(stored, PASSWORD));
        assert_eq!(world.log_out_all(&login).status, 200);
    }
}

#[test]
fn two_accounts_of_an_earlier_version_stay_two() {
    let world = World::new();
    let (composed, decomposed) = ("éva@example.com", "e\u{301}va@example.com");
    world.import("u1", composed, BCRYPT);
    world.import("u2", decomposed, BCRYPT);
    for stored in [composed, decomposed] {
        assert_eq!(address(&world, stored).as_deref(), Some(stored));
    }
}

#[test]
fn a_sign_up_names_what_is_wrong_with_an_address() {
    let world = World::new();
    for (email, why) in [
        ("a\u{200b}da@example.com", "an invisible character"),
        ("ada@example.com,", "ends with"),
        ("ada", "must be an e-mail address"),
    ] {
        let person = json!({"email": email, "password": PASSWORD});
        let reply = world.post("/auth/signup", &person);
        expect_bad_field(&reply, "email");
        assert!(reply.body.contains(why), "{}", reply.body);
    }
}

use super::*;
use crate::config::{CheckedSettings, Settings};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn read(given: &[(&str, &str)]) -> Result<Option<MailSettings>, ConfigError> {
    let settings = Settings::read(|name| {
        let mut given = given.iter().chain(&[(name::REFRESH_SECRET, SECRET)]);
        let found = given.find(|(known, _)| *known == name);
        found.map(|(_, text)| (*text).to_owned())
    });
    CheckedSettings::read(&settings)
        .config
        .expect("nothing else is wrong")
        .mail
}

fn on(given: &[(&str, &str)]) -> MailSettings {
    read(given).expect("valid").expect("on")
}

#[test]
fn e_mail_is_off_unless_it_is_set_up() {
    for given in [&[][..], &[("MAIL", "off")], &[("MAIL_FROM", "a@b.example")]] {
        assert!(matches!(read(given), Ok(None)));
    }
}

#[test]
fn each_way_of_sending_names_what_it_needs() {
    const FROM: (&str, &str) = ("MAIL_FROM", "hello@example.com");
    const URL: (&str, &str) = ("MAIL_WEBHOOK_URL", "https://hook.example.com/x");
    for (given, missing) in [
        (&[("MAIL", "resend"), FROM][..], "resend_api_key"),
        (
            &[("MAIL", "resend"), ("resend_api_key", "re_1")],
            "MAIL_FROM",
        ),
        (&[("MAIL", "brevo"), FROM], "brevo_api_key"),
        (&[("MAIL", "postmark"), FROM], "postmark_token"),
        (&[("MAIL", "cloudflare")], "MAIL_FROM"),
        (&[("MAIL", "webhook"), URL], "mail_webhook_key"),
        (
            &[("MAIL", "webhook"), ("mail_webhook_key", "k")],
            "MAIL_WEBHOOK_URL",
        ),
    ] {
        assert_eq!(read(given).err(), Some(ConfigError::MailNeeds(missing)));
    }
}

#[test]
fn what_is_no_address_url_key_or_language_is_named() {
    let log = ("MAIL", "log");
    let languages = ConfigError::NotOneOf("MAIL_LANGUAGE", LANGUAGES);
    assert_eq!(
        read(&[log, ("MAIL_LANGUAGE", "tlh")]).err(),
        Some(languages)
    );
    let providers = ConfigError::NotOneOf("MAIL", PROVIDERS);
    assert_eq!(read(&[("MAIL", "pigeon")]).err(), Some(providers));
    let too_long_name = "x".repeat(257);
    let too_long = ConfigError::TooLong("APP_NAME");
    assert_eq!(
        read(&[log, ("APP_NAME", &too_long_name)]).err(),
        Some(too_long)
    );
    let resend = [("MAIL", "resend"), ("resend_api_key", "re_1")];
    for from in [
        "example.com",
        "a@b.example, c@d.example",
        "A <a@b.example> x",
        "a@localhost",
    ] {
        let given = [&resend[..], &[("MAIL_FROM", from)]].concat();
        assert_eq!(
            read(&given).err(),
            Some(ConfigError::NotASender("MAIL_FROM"))
        );
    }
    let key = [
        ("MAIL", "resend"),
        ("resend_api_key", "re\r\nX: y"),
        ("MAIL_FROM", "a@b.example"),
    ];
    assert_eq!(
        read(&key).err(),
        Some(ConfigError::NotAnApiKey("resend_api_key"))
    );
    for url in ["http://hook.example.com", "hook.example.com", "https://a b"] {
        let given = [
            ("MAIL", "webhook"),
            ("mail_webhook_key", "k"),
            ("MAIL_WEBHOOK_URL", url),
        ];
        assert_eq!(
            read(&given).err(),
            Some(ConfigError::NotAUrl("MAIL_WEBHOOK_URL"))
        );
    }
}

#[test]
fn the_sender_may_have_a_name_and_the_app_is_called_by_its_domain_without_one() {
    let key = [("MAIL", "postmark"), ("postmark_token", " t \n")];
    let from = |from| on(&[&key[..], &[("MAIL_FROM", from)]].concat());
    let settings = from("\"Ada's Shop\" <hello@shop.example>");
    assert_eq!(settings.app_name, "shop.example");
    let Transport::Postmark(key, sender) = settings.transport else {
        panic!("another one");
    };
    assert_eq!(key.expose(), "t");
    assert_eq!(sender.name.as_deref(), Some("Ada's Shop"));
    assert_eq!(sender.address, "hello@shop.example");
    assert_eq!(on(&[("MAIL", "log")]).app_name, "Tokenkeep");
    let named = on(&[("MAIL", "log"), ("APP_NAME", " My\r\nApp ")]);
    assert_eq!(named.app_name, "My App");
}

#[test]
fn a_language_is_known_by_the_first_part_of_its_tag() {
    for (tag, language) in [
        ("pt-BR", Some(Language::Pt)),
        ("de_AT", Some(Language::De)),
        (" EN ", Some(Language::En)),
        ("es-419", Some(Language::Es)),
        ("nl", None),
        ("", None),
        ("${device.lang}", None),
    ] {
        assert_eq!(Language::of_tag(tag), language, "{tag}");
    }
}

#[test]
fn an_address_that_could_be_two_or_more_than_an_address_is_not_plain() {
    for address in [
        "ada@example.com",
        "ada+x@mail.example.com",
        "ünï@xn--bcher-kva.example",
    ] {
        assert!(is_plain_address(address), "{address}");
    }
    for address in [
        "ada@example.com,eve@example.com",
        "ada@example.com;eve",
        "eve@example.com@example.com",
        "ada <ada@example.com>",
        "\"a b\"@example.com",
        "ada\r\nBcc: eve@example.com",
        "ada@example.com\nX",
        "ada\u{200b}@example.com",
        "ada@localhost",
        "ada@[192.0.2.1]",
        "@example.com",
        "ada@",
    ] {
        assert!(!is_plain_address(address), "{address}");
    }
}

#[test]
fn keys_cannot_be_printed() {
    let settings = on(&[
        ("MAIL", "brevo"),
        ("brevo_api_key", "xkeysib"),
        ("MAIL_FROM", "a@b.example"),
    ]);
    assert!(!format!("{settings:?}").contains("xkeysib"));
}

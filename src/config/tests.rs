use super::*;
use crate::token::{
    id::{Realm, SessionId, SessionRef, UserId},
    key::SigningKey,
    refresh::{Position, RefreshToken},
    secret::SecretProblem,
    time::{UnixMillis, UnixSeconds},
};

const ONE: &str = "0123456789abcdef0123456789abcdef";
const TWO: &str = "another secret of at least 32 bytes";

fn check(given: &[(&str, &str)]) -> Result<Config, ConfigError> {
    CheckedSettings::read(&settings(given)).config
}

fn settings(given: &[(&str, &str)]) -> Settings {
    Settings::read(|name| {
        given
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| (*text).to_owned())
    })
}

#[test]
fn a_refresh_secret_is_all_that_is_needed() {
    let config = check(&[(name::REFRESH_SECRET, ONE)]).expect("valid");
    assert_eq!(config.access_token_seconds, 3600);
    assert_eq!(config.idle_ms, 7_776_000_000);
    assert_eq!(config.session_ms, 31_536_000_000);
    assert!(matches!(config.service_key, Ok(None)));
}

#[test]
fn a_missing_blank_or_short_secret_is_named() {
    let missing = Some(ConfigError::Missing(name::REFRESH_SECRET));
    assert_eq!(check(&[]).err(), missing);
    assert_eq!(check(&[(name::REFRESH_SECRET, " \n")]).err(), missing);
    for name in [
        name::REFRESH_SECRET,
        name::ACCESS_SECRET,
        name::REFRESH_SECRET_PREVIOUS,
        name::ACCESS_SECRET_PREVIOUS,
    ] {
        let given = [(name, "short"), (name::REFRESH_SECRET, ONE)];
        assert_eq!(
            check(&given).err(),
            Some(ConfigError::Secret(name, SecretProblem::TooShort))
        );
    }
}

#[test]
fn a_weak_service_key_closes_nothing_else() {
    let config = check(&[(name::REFRESH_SECRET, ONE), (name::SERVICE_KEY, "short")]);
    assert_eq!(
        config.expect("users are served").service_key,
        Err(ConfigError::Secret(
            name::SERVICE_KEY,
            SecretProblem::TooShort
        ))
    );
}

#[test]
fn a_service_key_that_no_header_can_carry_is_reported_and_closes_nothing() {
    for key in [
        "a service key with an é, of 32 bytes or more",
        "a service key with\na line break, of 32 bytes",
    ] {
        let given = [(name::REFRESH_SECRET, ONE), (name::SERVICE_KEY, key)];
        let checked = CheckedSettings::read(&settings(&given));
        let problem = ConfigError::Secret(name::SERVICE_KEY, SecretProblem::NotForHeaders);
        assert_eq!(checked.report.failure, Some(problem));
        let verdict = checked.report.settings[name::SERVICE_KEY];
        assert_eq!(verdict, Verdict::Wrong(problem));
        assert!(problem.to_string().contains("header"));
        assert!(matches!(
            checked.config.expect("valid").service_key,
            Ok(Some(_))
        ));
    }
}

#[test]
fn invisible_characters_at_the_ends_of_a_secret_are_ignored_and_log_nobody_out() {
    let pasted = format!("\u{feff}{ONE}\u{200b}\n");
    let config = check(&[(name::REFRESH_SECRET, &pasted)]).expect("valid");
    let plain = check(&[(name::REFRESH_SECRET, ONE)]).expect("valid");
    let token = |key: &SigningKey| {
        RefreshToken {
            session_ref: SessionRef {
                realm: Realm::Account,
                user: UserId::parse("ada").expect("a user id"),
                session: SessionId::from_random([7; 16]),
            },
            position: Position::first(UnixMillis(0)),
            session_end: UnixSeconds(60),
        }
        .sign(key)
    };
    let (new, old) = (&config.refresh_keys, &plain.refresh_keys);
    assert_eq!(token(&new.current), token(&old.current));
    assert!(old.previous.is_empty());
    // What an earlier version has signed.
    let before = SigningKey::clone(&new.previous[0]);
    assert_ne!(token(&before), token(&new.current));
    assert_eq!(
        (new.previous.len(), config.access_keys.previous.len()),
        (1, 1)
    );
}

#[test]
fn a_switch_may_be_a_toml_boolean() {
    for (text, sign_up) in [
        ("on", true),
        ("true", true),
        (" Off", false),
        ("false", false),
    ] {
        let config = check(&[(name::REFRESH_SECRET, ONE), (name::SIGN_UP, text)]);
        assert_eq!(config.expect("valid").sign_up, sign_up, "{text}");
    }
    let given = [(name::REFRESH_SECRET, ONE), (name::SIGN_UP, "[1]")];
    let error = Some(ConfigError::NotASwitch(name::SIGN_UP));
    assert_eq!(check(&given).err(), error);
}

#[test]
fn one_secret_for_two_purposes_is_rejected() {
    let three = "the-third-secret-of-thirty-two-bytes-or-more";
    let base = [(name::REFRESH_SECRET, ONE), (name::ACCESS_SECRET, TWO)];
    assert!(check(&base).is_ok());
    for (name, text, other) in [
        (
            name::ACCESS_SECRET,
            format!("{ONE}\n"),
            name::REFRESH_SECRET,
        ),
        (
            name::ACCESS_SECRET_PREVIOUS,
            format!("{three} {ONE}"),
            name::REFRESH_SECRET,
        ),
        (
            name::ACCESS_SECRET,
            three.into(),
            name::REFRESH_SECRET_PREVIOUS,
        ),
        (
            name::ACCESS_SECRET_PREVIOUS,
            three.into(),
            name::REFRESH_SECRET_PREVIOUS,
        ),
    ] {
        let mut given = vec![
            (name, text.as_str()),
            (name::REFRESH_SECRET_PREVIOUS, three),
        ];
        given.extend(base);
        let error = check(&given).err();
        assert_eq!(error, Some(ConfigError::SameSecret(name, other)));
    }
    // While a secret is changed, the new one is listed, too.
    let both = format!("{three} {ONE}");
    assert!(
        check(&[
            (name::REFRESH_SECRET, ONE),
            (name::REFRESH_SECRET_PREVIOUS, &both)
        ])
        .is_ok()
    );
}

#[test]
fn a_service_key_that_is_a_secret_of_tokens_closes_its_own_routes_only() {
    let three = "the-third-secret-of-thirty-two-bytes-or-more";
    for (name, key) in [
        (name::REFRESH_SECRET, ONE),
        (name::REFRESH_SECRET_PREVIOUS, three),
        (name::ACCESS_SECRET, TWO),
        (name::ACCESS_SECRET_PREVIOUS, three),
    ] {
        let given = [
            (name, key),
            (name::REFRESH_SECRET, ONE),
            (name::SERVICE_KEY, key),
        ];
        let config = check(&given).expect("users are served");
        let error = ConfigError::SameSecret(name::SERVICE_KEY, name);
        assert_eq!(config.service_key, Err(error));
    }
}

#[test]
fn numbers_out_of_range_are_named() {
    for (var, bad) in [
        (
            name::ACCESS_TOKEN_SECONDS,
            ["59", "86401", "1.5", "-60", "1h"],
        ),
        (
            name::SESSION_IDLE_SECONDS,
            ["599", "34560001", "", "x", "99999999999999999999"],
        ),
        (
            name::SESSION_MAX_SECONDS,
            ["59", "34560001", "6e1", "0x60", "60s"],
        ),
    ] {
        for text in bad.into_iter().filter(|text| !text.is_empty()) {
            let error = check(&[(name::REFRESH_SECRET, ONE), (var, text)]).expect_err(text);
            assert!(error.to_string().contains(var), "{error}");
        }
    }
    let good = [
        (name::REFRESH_SECRET, ONE),
        (name::SESSION_MAX_SECONDS, " 34560000 "),
    ];
    assert_eq!(check(&good).expect("valid").session_ms, 34_560_000_000);
}

#[test]
fn an_error_never_holds_a_value() {
    for name in [
        name::ACCESS_SECRET,
        name::REFRESH_SECRET_PREVIOUS,
        name::SESSION_MAX_SECONDS,
    ] {
        let error = check(&[(name::REFRESH_SECRET, ONE), (name, "hunter2")]).expect_err(name);
        assert!(!error.to_string().contains("hunter2"));
    }
    assert!(!format!("{:?}", settings(&[(name::SERVICE_KEY, "hunter2")])).contains("hunter2"));
}

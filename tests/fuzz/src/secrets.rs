//! The settings: each line of the input is one of them, in their order.

use tokenkeep::{
    config::{CheckedSettings, Config, NAMES, Settings},
    token::{
        id::{Realm, SessionRef},
        refresh::{Position, RefreshToken},
        secret::Secret,
        time::UnixSeconds,
    },
};

use crate::world::NOW;

/// A setting never comes back in an error, and keys that are taken sign what they verify.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split('\n').collect();
    let settings = Settings::read(|name| {
        let index = NAMES.iter().position(|known| *known == name)?;
        lines.get(index).map(|line| (*line).to_owned())
    });
    match CheckedSettings::read(&settings).config {
        Ok(config) => assert_signs(&config),
        Err(error) => {
            let told = error.to_string();
            // Shorter ones, such as "on", may stand in any text.
            let is_telling = |line: &&&str| line.trim().len() > 12;
            let leak = lines
                .iter()
                .filter(is_telling)
                .find(|line| told.contains(line.trim()));
            assert!(
                leak.is_none()
                    || NAMES
                        .iter()
                        .any(|name| leak.is_some_and(|leak| leak.contains(name))),
                "{told}"
            );
        }
    }
    if let Ok(secret) = Secret::parse(&text) {
        assert!(secret.matches(&text));
    }
    let _ = Secret::parse_list(&text);
}

fn assert_signs(config: &Config) {
    let token = RefreshToken {
        session_ref: SessionRef {
            realm: Realm::Account,
            user: "ada".to_owned().try_into().expect("a user id"),
            session: "BwcHBwcHBwcHBwcHBwcHBw"
                .to_owned()
                .try_into()
                .expect("a session id"),
        },
        position: Position::first(NOW),
        session_end: UnixSeconds(NOW.seconds().0 + 3600),
    };
    let text = token.sign(&config.refresh_keys.current);
    assert_eq!(
        RefreshToken::verify(&text, &config.refresh_keys, NOW),
        Ok(token)
    );
}

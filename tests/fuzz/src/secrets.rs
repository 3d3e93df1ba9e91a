//! The settings: each line of the input is one of them, as in `.dev.vars`.

use tokenkeep::{
    config::{CheckedSettings, Config, NAMES, Settings},
    token::{
        TOKEN_BYTES,
        access::{AccessToken, NewAccessToken, Unverified, signed},
        claims::CustomClaims,
        id::{Realm, SessionRef},
        key_pair::{MAX_RSA_BITS, PrivateKey},
        refresh::{Position, RefreshToken},
        secret::Secret,
        time::UnixSeconds,
    },
};

use crate::world::NOW;

/// A setting never comes back in an error, and keys that are taken sign what they verify.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').filter_map(|line| line.split_once('='));
    let lines: Vec<(&str, &str)> = lines.collect();
    let settings = Settings::read(|name| {
        let (_, value) = lines.iter().find(|(known, _)| *known == name)?;
        Some((*value).to_owned())
    });
    match CheckedSettings::read(&settings).config {
        Ok(config) => assert_signs(&config),
        Err(error) => {
            let told = error.to_string();
            let leak = lines.iter().map(|(_, value)| value.trim());
            let leak = leak
                .filter(|value| !may_be_told(value))
                .find(|value| told.contains(value));
            assert_eq!(leak, None, "{told}");
        }
    }
    if let Ok(secret) = Secret::parse(&text) {
        assert!(secret.matches(&text));
    }
    let _ = Secret::parse_list(&text);
}

/// Words of our own in messages.
const OURS: [&str; 2] = ["durable_objects", "-----BEGIN PRIVATE KEY-----"];

/// Short values, such as "on", may stand in any text; so may our own words and parts of them.
fn may_be_told(value: &str) -> bool {
    let mut ours = NAMES.iter().chain(&OURS);
    value.len() <= 12 || ours.any(|ours| ours.contains(value) || value.contains(ours))
}

fn assert_signs(config: &Config) {
    let session_ref = SessionRef {
        realm: Realm::Account,
        user: "ada".to_owned().try_into().expect("a user id"),
        session: "BwcHBwcHBwcHBwcHBwcHBw"
            .to_owned()
            .try_into()
            .expect("a session id"),
    };
    assert_signs_access(config, &session_ref);
    let token = RefreshToken {
        session_ref,
        position: Position::first(NOW),
        session_end: UnixSeconds(NOW.seconds().0 + 3600),
    };
    let text = token.sign(&config.refresh_keys.current);
    assert_eq!(
        RefreshToken::verify(&text, &config.refresh_keys, NOW),
        Ok(token)
    );
}

/// Whatever the owner adds to access tokens, they say whose they are, and are short enough to be read;
/// and each key pair names itself in a way that it is found by, and publishes no private part.
fn assert_signs_access(config: &Config, session_ref: &SessionRef) {
    let own = CustomClaims::of_login("email", "ada@example.com");
    let claims = config.claims_template.claims(&session_ref.user, &own);
    let issuer = config.issuer.as_deref().unwrap_or("https://a.example");
    let token = NewAccessToken {
        typ: config.access_token_type,
        issuer,
        audience: config.audience.as_deref().unwrap_or(issuer),
        session_ref,
        token_id: "BwcHBwcHBwcHBwcHBwcHBw",
        issued_at: NOW.seconds(),
        expires_at: NOW.seconds().plus(config.access_token_seconds),
        position: Position::first(NOW),
        has_account: true,
        claims: &claims,
    };
    let text = token.sign(&config.access_keys.current);
    let read = AccessToken::verify(&text, &config.access_keys, NOW).expect("a token of ours");
    assert_eq!(read.session_ref, *session_ref);
    if let Some(key) = config.key_pairs.current.as_ref().map(PrivateKey::public) {
        let text = signed(&token.unsigned(key), &[0; MAX_RSA_BITS / 8]);
        assert!(text.len() <= TOKEN_BYTES, "{} bytes", text.len());
        let found = Unverified::parse(&text, &config.key_pairs).expect("a token of ours");
        assert_eq!(found.parts().0, key);
    }
    let published = config.key_pairs.jwks().to_string();
    for part in ["d", "p", "q", "dp", "dq", "qi"] {
        assert!(!published.contains(&format!("\"{part}\":")));
    }
}

//! Refresh and access tokens: as a stranger sends them, and with claims that we signed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tokenkeep::token::{access::AccessToken, key::Keyring, refresh::RefreshToken, secret::Secret};

use crate::world::{ACCESS_SECRET, NOW, REFRESH_SECRET};

/// A token of this `typ` with these claims, signed as the worker does.
#[must_use]
pub fn sign(typ: &str, claims: &[u8], secret: &str) -> String {
    let header = format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#);
    let [header, claims] = [header.as_bytes(), claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let content = format!("{header}.{claims}");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(content.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{content}.{signature}")
}

/// The keys of a secret.
#[must_use]
pub fn keys(secret: &str) -> Keyring {
    Keyring {
        current: Secret::parse(secret).expect("long enough").signing_key(),
        previous: Vec::new(),
    }
}

/// A stranger's text is never taken; claims with our signature never make a reader panic, and what
/// is read from a refresh token makes a token that says the same.
pub fn check(bytes: &[u8]) {
    let (refresh, access) = (keys(REFRESH_SECRET), keys(ACCESS_SECRET));
    let text = String::from_utf8_lossy(bytes);
    assert!(RefreshToken::verify(&text, &refresh, NOW).is_err());
    assert!(AccessToken::verify(&text, &access, NOW).is_err());

    let signed = sign("rt+jwt", bytes, REFRESH_SECRET);
    assert!(
        AccessToken::verify(&signed, &refresh, NOW).is_err(),
        "of the other kind"
    );
    if let Ok(token) = RefreshToken::verify(&signed, &refresh, NOW) {
        let again = token.sign(&refresh.current);
        assert_eq!(RefreshToken::verify(&again, &refresh, NOW), Ok(token));
    }
    let signed = sign("at+jwt", bytes, ACCESS_SECRET);
    assert!(
        RefreshToken::verify(&signed, &access, NOW).is_err(),
        "of the other kind"
    );
    let _ = AccessToken::verify(&signed, &access, NOW);
}

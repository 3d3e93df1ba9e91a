//! The fields of a request's body.

use tokenkeep::{
    account::{
        Name,
        email::{Email, TypedEmail},
        password::{NewPassword, Password},
    },
    http::fields::Fields,
    session::device::device,
    token::id::{SessionId, UserId},
};

/// What the routes take.
const EVERY_FIELD: &str = r#"{"refreshToken": "", "userId": "", "sessionId": "", "email": "", "name": "", "claims": "", "password": "", "newPassword": "", "device": ""}"#;

/// No body makes a field's reader panic, and what is read keeps its limits.
pub fn check(body: &[u8]) {
    let fields = || Fields::parse(body, || EVERY_FIELD).ok();
    let Some(mut first) = fields() else { return };
    if let Ok(token) = first.refresh_token() {
        assert!((1..=4096).contains(&token.len()));
    }
    if let Some(Ok(user)) = fields().map(|mut fields| fields.required::<UserId>("userId")) {
        assert!(user.as_str().len() <= 128);
    }
    let _ = fields().map(|mut fields| fields.optional::<SessionId>("sessionId"));
    let _ = fields().map(|mut fields| fields.required::<TypedEmail>("email"));
    let _ = fields().map(|mut fields| fields.optional::<Name>("name"));
    let _ = fields().map(|mut fields| fields.claims());
    let _ = fields().map(|mut fields| fields.password::<Password>("password"));
    let new = fields().map(|mut fields| fields.password::<NewPassword>("newPassword"));
    if let (Some(Ok(new)), Ok(email)) = (new, Email::parse("ada@example.com"))
        && let Ok(password) = new.not_of(&email)
    {
        assert!((8..=128).contains(&password.expose().chars().count()));
    }
    if let Some(Some(device)) = fields().map(|mut fields| device(&mut fields)) {
        assert!(device.chars().count() <= 100);
    }
}

//! The fields of a request's body.

use tokenkeep::http::fields::Fields;

/// No body makes a field's reader panic, and what is read keeps its limits.
pub fn check(body: &[u8]) {
    let fields = || Fields::parse(body).ok();
    let Some(mut first) = fields() else { return };
    if let Ok(token) = first.refresh_token() {
        assert!((1..=4096).contains(&token.len()));
    }
    let _ = fields().map(|mut fields| fields.user_id().map(|id| assert!(id.as_str().len() <= 128)));
    let _ = fields().map(|mut fields| fields.session_id());
    let _ = fields().map(|mut fields| fields.email());
    let _ = fields().map(|mut fields| fields.name());
    let _ = fields().map(|mut fields| fields.new_name());
    let _ = fields().map(|mut fields| fields.claims());
    let _ = fields().map(|mut fields| fields.password("password"));
    if let Some(Ok(password)) = fields().map(|mut fields| fields.new_password("newPassword")) {
        assert!((8..=128).contains(&password.expose().chars().count()));
    }
    if let Some(Ok(Some(device))) = fields().map(|mut fields| fields.device()) {
        assert!(device.chars().count() <= 100);
    }
}

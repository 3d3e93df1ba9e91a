//! The settings as the owner wrote them.

use std::fmt;

use zeroize::Zeroizing;

macro_rules! names {
    ($($constant:ident = $name:literal,)*) => {
        /// The names of secrets and vars, as the owner writes them. `docs/settings.md` describes each.
        pub mod name {
            $(
                #[allow(missing_docs, reason = "docs/settings.md describes each")]
                pub const $constant: &str = $name;
            )*
        }

        /// Every setting that is read.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

names! {
    REFRESH_SECRET = "refresh_token_secret",
    REFRESH_SECRET_PREVIOUS = "refresh_token_secret_previous",
    ACCESS_SECRET = "access_token_secret",
    ACCESS_SECRET_PREVIOUS = "access_token_secret_previous",
    ACCESS_PRIVATE_KEY = "access_token_private_key",
    ACCESS_PRIVATE_KEY_PREVIOUS = "access_token_private_key_previous",
    SERVICE_KEY = "service_key",
    RESEND_API_KEY = "resend_api_key",
    BREVO_API_KEY = "brevo_api_key",
    POSTMARK_TOKEN = "postmark_token",
    MAIL_WEBHOOK_KEY = "mail_webhook_key",
    ACCESS_TOKEN_SECONDS = "ACCESS_TOKEN_SECONDS",
    ACCESS_TOKEN_TYP = "ACCESS_TOKEN_TYP",
    ACCESS_TOKEN_ROLE = "ACCESS_TOKEN_ROLE",
    ACCESS_TOKEN_CLAIMS = "ACCESS_TOKEN_CLAIMS",
    SESSION_IDLE_SECONDS = "SESSION_IDLE_SECONDS",
    SESSION_MAX_SECONDS = "SESSION_MAX_SECONDS",
    SESSION_STORE = "SESSION_STORE",
    SESSIONS_PER_USER = "SESSIONS_PER_USER",
    SIGN_UP = "SIGN_UP",
    SIGN_UPS_PER_HOUR = "SIGN_UPS_PER_HOUR",
    ACCOUNT_LOCATION = "ACCOUNT_LOCATION",
    ISSUER = "ISSUER",
    AUDIENCE = "AUDIENCE",
    CORS_ALLOWED_ORIGINS = "CORS_ALLOWED_ORIGINS",
    EMAIL_VERIFICATION = "EMAIL_VERIFICATION",
    MAIL = "MAIL",
    MAIL_FROM = "MAIL_FROM",
    MAIL_LANGUAGE = "MAIL_LANGUAGE",
    MAIL_WEBHOOK_URL = "MAIL_WEBHOOK_URL",
    APP_NAME = "APP_NAME",
}

/// The settings as text, unchecked.
///
/// They are compared at each request, so the last ones are kept: a hash of them instead would cost
/// every refresh more than its signature, and hide nothing, as the runtime has the same texts in its
/// environment for as long as it lives. What is dropped is zeroed.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings(Vec<Option<Zeroizing<String>>>);

impl Settings {
    /// Reads every setting by its name. Empty text counts as not set: dashboards and files leave
    /// such lines behind.
    pub fn read(mut setting: impl FnMut(&'static str) -> Option<String>) -> Self {
        let read = |name: &&'static str| {
            let text = setting(name).filter(|text| !text.trim().is_empty());
            text.map(Zeroizing::new)
        };
        Self(NAMES.iter().map(read).collect())
    }

    /// The text of a setting, if it is set.
    #[must_use]
    pub fn get(&self, name: &'static str) -> Option<&str> {
        let index = NAMES.iter().position(|known| *known == name)?;
        self.0[index].as_ref().map(|text| text.as_str())
    }
}

/// Redacted: there are secrets in it.
impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Settings(_)")
    }
}

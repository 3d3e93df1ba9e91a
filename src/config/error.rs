//! What can be wrong with the settings.

use crate::token::{key_pair::KeyProblem, secret::SecretProblem, template::TemplateProblem};

/// What is wrong with the settings. The message is for the owner and never holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A secret that must be there is not.
    #[error(
        "the secret {0} is not set. Open /generate_jwt_secret for a new one and store it with: npx wrangler secret put {0}"
    )]
    Missing(&'static str),
    /// A secret is too weak or of the wrong kind.
    #[error(
        "the secret {0} {1}. Open /generate_jwt_secret for a new one and store it with: npx wrangler secret put {0}"
    )]
    Secret(&'static str, SecretProblem),
    /// A key is of the wrong kind, or damaged.
    #[error(
        "the secret {0} {1}. Make a key pair on this worker's setup page and store the private key with: npx wrangler secret put {0}"
    )]
    Key(&'static str, KeyProblem),
    /// Two settings that must differ contain the same secret; the first one is to be changed.
    #[error(
        "{0} and {1} contain the same secret, and each needs its own. Open /generate_jwt_secret for a new one and store it with: npx wrangler secret put {0}"
    )]
    SameSecret(&'static str, &'static str),
    /// A binding is missing.
    #[error(
        "{0} is not bound. Restore the section with binding = \"{0}\" in wrangler.toml and deploy again."
    )]
    NotBound(&'static str),
    /// A var is neither on nor off.
    #[error("the var {0} must be \"on\" or \"off\". Fix it in wrangler.toml and deploy again.")]
    NotASwitch(&'static str),
    /// A var names no store.
    #[error(
        "the var {0} must be \"kv\" or \"durable_objects\". Fix it in wrangler.toml and deploy again."
    )]
    NotAStore(&'static str),
    /// A var is no region of Cloudflare's.
    #[error(
        "the var {0} must be one of wnam, enam, sam, weur, eeur, apac, oc, afr, me. Fix it in wrangler.toml and deploy again."
    )]
    NotALocation(&'static str),
    /// A var is too long.
    #[error("the var {0} must be at most 256 bytes. Fix it in wrangler.toml and deploy again.")]
    TooLong(&'static str),
    /// A var is not a whole number within its range.
    #[error(
        "the var {name} must be a whole number of seconds from {min} to {max}. Fix it in wrangler.toml and deploy again."
    )]
    OutOfRange {
        /// The var.
        name: &'static str,
        /// The smallest value that is accepted.
        min: u64,
        /// The greatest value that is accepted.
        max: u64,
    },
    /// A var is not a whole number within its range.
    #[error(
        "the var {name} must be a whole number from {min} to {max}. Fix it in wrangler.toml and deploy again."
    )]
    NotACount {
        /// The var.
        name: &'static str,
        /// The smallest value that is accepted.
        min: u64,
        /// The greatest value that is accepted.
        max: u64,
    },
    /// A var is none of the words that it may be.
    #[error("the var {0} must be one of {1}. Fix it in wrangler.toml and deploy again.")]
    NotOneOf(&'static str, &'static str),
    /// What is to be added to access tokens cannot be.
    #[error("the var {0} {1}. Fix it in wrangler.toml and deploy again.")]
    Claims(&'static str, TemplateProblem),
    /// `MAIL` is off, and something needs it.
    #[error(
        "e-mail is off. Set the var MAIL in wrangler.toml to resend, brevo, postmark, webhook or cloudflare, and deploy again."
    )]
    MailOff,
    /// What `MAIL` needs is not set.
    #[error("{kind} {0} is not set, and the var MAIL needs it. {fix}", kind = kind(.0), fix = fix(.0))]
    MailNeeds(&'static str),
    /// A key for somebody's API that no HTTP header can carry.
    #[error(
        "the secret {0} has a space or a character in it that no key has. Copy the key again and store it with: npx wrangler secret put {0}"
    )]
    NotAnApiKey(&'static str),
    /// Whom e-mails come from is not one address.
    #[error(
        "the var {0} must be one e-mail address such as hello@example.com, or My App <hello@example.com>. Fix it in wrangler.toml and deploy again."
    )]
    NotASender(&'static str),
    /// A var is no URL that can be called.
    #[error(
        "the var {0} must be a URL that starts with https://. Fix it in wrangler.toml and deploy again."
    )]
    NotAUrl(&'static str),
    /// E-mails would be written to a log that others can read.
    #[error(
        "the var MAIL is \"log\", which writes codes to the log and is for a computer of your own only. Set it to resend, brevo, postmark, webhook or cloudflare, and deploy again."
    )]
    MailLogged,
    /// A var lists something that no browser sends as `Origin`.
    #[error(
        "the var {0} must list origins such as https://app.example.com, separated by commas, or be \"*\". Fix it in wrangler.toml and deploy again."
    )]
    NotAnOrigin(&'static str),
}

impl ConfigError {
    /// What the owner has to look at.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::MailOff | Self::MailLogged => super::name::MAIL,
            Self::Missing(name)
            | Self::NotOneOf(name, _)
            | Self::MailNeeds(name)
            | Self::NotAnApiKey(name)
            | Self::NotASender(name)
            | Self::NotAUrl(name)
            | Self::Secret(name, _)
            | Self::Key(name, _)
            | Self::Claims(name, _)
            | Self::NotBound(name)
            | Self::NotASwitch(name)
            | Self::NotAStore(name)
            | Self::NotALocation(name)
            | Self::TooLong(name)
            | Self::NotAnOrigin(name)
            | Self::SameSecret(name, _)
            | Self::OutOfRange { name, .. }
            | Self::NotACount { name, .. } => name,
        }
    }
}

/// Secrets are in lower case, vars in capitals.
fn is_var(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

fn kind(name: &str) -> &'static str {
    if is_var(name) {
        "the var"
    } else {
        "the secret"
    }
}

fn fix(name: &str) -> String {
    if is_var(name) {
        "Set it in wrangler.toml and deploy again.".into()
    } else {
        format!("Store it with: npx wrangler secret put {name}")
    }
}

//! What can be wrong with the settings.

use crate::token::{key_pair::KeyProblem, secret::SecretProblem, template::TemplateProblem};

/// What is wrong with the settings: for the owner, and never with a value in it. [`ConfigError::message`]
/// adds how to fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A secret that must be there is not.
    #[error("the secret {0} is not set")]
    Missing(&'static str),
    /// A secret is too weak or of the wrong kind.
    #[error("the secret {0} {1}")]
    Secret(&'static str, SecretProblem),
    /// A key is of the wrong kind, or damaged.
    #[error("the secret {0} {1}")]
    Key(&'static str, KeyProblem),
    /// Two settings that must differ contain the same secret; the first one is to be changed.
    #[error("{0} and {1} contain the same secret, and each needs its own")]
    SameSecret(&'static str, &'static str),
    /// A binding is missing.
    #[error("{0} is not bound")]
    NotBound(&'static str),
    /// A var is neither on nor off.
    #[error("the var {0} must be \"on\" or \"off\"")]
    NotASwitch(&'static str),
    /// A var names no store.
    #[error("the var {0} must be \"kv\" or \"durable_objects\"")]
    NotAStore(&'static str),
    /// A var is no region of Cloudflare's.
    #[error("the var {0} must be one of wnam, enam, sam, weur, eeur, apac, oc, afr, me")]
    NotALocation(&'static str),
    /// A var is too long.
    #[error("the var {0} must be at most 256 bytes")]
    TooLong(&'static str),
    /// A var is not a whole number within its range.
    #[error("the var {name} must be a whole number of seconds from {min} to {max}")]
    OutOfRange {
        /// The var.
        name: &'static str,
        /// The smallest value that is accepted.
        min: u64,
        /// The greatest value that is accepted.
        max: u64,
    },
    /// A var is not a whole number within its range.
    #[error("the var {name} must be a whole number from {min} to {max}")]
    NotACount {
        /// The var.
        name: &'static str,
        /// The smallest value that is accepted.
        min: u64,
        /// The greatest value that is accepted.
        max: u64,
    },
    /// A var is none of the words that it may be.
    #[error("the var {0} must be one of {1}")]
    NotOneOf(&'static str, &'static str),
    /// What is to be added to access tokens cannot be.
    #[error("the var {0} {1}")]
    Claims(&'static str, TemplateProblem),
    /// `MAIL` is off, and something needs it.
    #[error("e-mail is off")]
    MailOff,
    /// Addresses are to be verified, and no e-mail can be sent.
    #[error("the var EMAIL_VERIFICATION is set, and e-mail is off")]
    VerificationNeedsMail,
    /// What `MAIL` needs is not set.
    #[error("{kind} {0} is not set, and the var MAIL needs it", kind = kind(.0))]
    MailNeeds(&'static str),
    /// A key for somebody's API that no HTTP header can carry.
    #[error("the secret {0} has a space or a character in it that no key has")]
    NotAnApiKey(&'static str),
    /// Whom e-mails come from is not one address.
    #[error(
        "the var {0} must be one e-mail address such as hello@example.com, or My App <hello@example.com>"
    )]
    NotASender(&'static str),
    /// A var is no URL that can be called.
    #[error("the var {0} must be a URL that starts with https://")]
    NotAUrl(&'static str),
    /// E-mails would be written to a log that others can read.
    #[error(
        "the var MAIL is \"log\", which writes codes to the log and is for a computer of your own only"
    )]
    MailLogged,
    /// A var lists something that no browser sends as `Origin`.
    #[error(
        "the var {0} must list origins such as https://app.example.com, separated by commas, or be \"*\""
    )]
    NotAnOrigin(&'static str),
}

impl ConfigError {
    /// What is wrong and how to fix it, on the internet or on the owner's computer.
    #[must_use]
    pub fn message(&self, is_local: bool) -> String {
        let restart = if is_local {
            "start the worker again"
        } else {
            "deploy again"
        };
        let fix = match *self {
            Self::Missing(name) | Self::Secret(name, _) | Self::SameSecret(name, _) => {
                new_secret(name, is_local)
            }
            Self::Key(name, _) => format!(
                "Make a key pair on the worker's setup page. {}",
                store(name, is_local)
            ),
            Self::NotAnApiKey(name) => format!("Copy the key again. {}", store(name, is_local)),
            Self::MailNeeds(name) if !is_var(name) => store(name, is_local),
            Self::MailNeeds(_) => format!("Set it in wrangler.toml and {restart}."),
            Self::NotBound(name) => format!(
                "Restore the section with binding = \"{name}\" in wrangler.toml and {restart}."
            ),
            Self::MailOff | Self::MailLogged | Self::VerificationNeedsMail => format!(
                "Set the var MAIL in wrangler.toml to resend, brevo, postmark, webhook or cloudflare, and {restart}."
            ),
            _ if is_local => {
                "Fix it in wrangler.toml or .dev.vars and start the worker again.".into()
            }
            _ => "Fix it in wrangler.toml and deploy again.".into(),
        };
        format!("{self}. {fix}")
    }

    /// What the owner has to look at.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::MailOff | Self::MailLogged => super::name::MAIL,
            Self::VerificationNeedsMail => super::name::EMAIL_VERIFICATION,
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

/// Values that were used cannot be made.
fn new_secret(name: &str, is_local: bool) -> String {
    let from = if name.ends_with("_previous") {
        "Take the values that were used before."
    } else {
        "Open /generate_jwt_secret for a new one."
    };
    format!("{from} {}", store(name, is_local))
}

fn store(name: &str, is_local: bool) -> String {
    if is_local {
        format!("Add or replace the line {name}=\"…\" in .dev.vars and start the worker again.")
    } else {
        format!("Store it with: npx tokenkeep secret {name}")
    }
}

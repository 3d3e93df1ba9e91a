//! For the owner: is everything valid, what is missing, and new secrets.

pub mod generate_secret;
pub mod health;

use crate::{config::CheckedSettings, port::Deadline};

/// A request of the owner's as a handler sees it: the settings may be missing or invalid.
pub struct OwnerRequest<'a, P> {
    /// The world outside.
    pub platform: &'a P,
    /// The owner's settings, and what is wrong with them.
    pub settings: &'a CheckedSettings,
    /// Whether it was sent to a local host.
    pub is_local: bool,
    /// When the caller gives up.
    pub deadline: Deadline,
}

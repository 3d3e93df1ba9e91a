//! What Tokenkeep does: one use case a file, each in the same steps — parse, decide (in `domain`),
//! store, answer.

pub mod change_password;
pub mod delete_account;
pub mod end_session;
pub mod generate_secret;
pub mod health;
pub mod list_sessions;
pub mod log_in;
pub mod log_out;
pub mod log_out_all;
pub mod open_session;
pub mod refresh;
pub mod rename;
pub mod revoke;
pub mod show_me;
pub mod sign_up;

mod accounts;
mod authenticate;
mod enter;
mod issue;

use crate::{
    config::Config,
    error::Error,
    port::{Patience, Platform},
    store::Sessions,
};

/// What every use case works with.
pub struct Scope<'a, P: Platform> {
    /// The world outside.
    pub platform: &'a P,
    /// The owner's settings, in order.
    pub config: &'a Config,
    /// The address that the request came to, such as `https://api.example.com`.
    pub origin: &'a str,
    /// The IP address that it came from.
    pub ip: &'a str,
    /// For how long it may take in all.
    pub patience: Patience,
}

impl<'a, P: Platform> Scope<'a, P> {
    fn log_revocation(&self, sessions: &str) {
        let line = format!(r#"{{"event":"sessions_revoked","sessions":"{sessions}"}}"#);
        self.platform.log(&line);
    }

    fn sessions(&self) -> Result<Sessions<'a, P>, Error> {
        Ok(Sessions::new(self.platform, self.patience)?)
    }
}

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
    domain::id::SessionId,
    error::Error,
    log::Line,
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
    /// How the log names the request.
    pub request_id: &'a str,
}

impl<'a, P: Platform> Scope<'a, P> {
    fn log(&self, line: Line<'_>) {
        self.platform.log(&line.in_request(self.request_id).json());
    }

    /// Logs that sessions were ended: why, which (`one`, `all` or `others`), and the one that it
    /// is about, if there is one.
    fn log_revocation(
        &self,
        reason: &'static str,
        sessions: &'static str,
        session: Option<&SessionId>,
    ) {
        let line = Line::of_revocation(reason, sessions);
        self.log(match session {
            Some(session) => line.about(session),
            None => line,
        });
    }

    fn sessions(&self) -> Result<Sessions<'a, P>, Error> {
        Ok(Sessions::new(self.platform, self.patience)?)
    }
}

//! What every handler works with.

use crate::{
    config::Config,
    http::error::Error,
    log::Line,
    port::{Patience, Platform},
    session::store::Sessions,
    token::id::SessionId,
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
    pub(crate) fn log(&self, line: Line<'_>) {
        self.platform.log(&line.in_request(self.request_id).json());
    }

    /// Logs that sessions were ended: why, which (`one`, `all` or `others`), and the one that it
    /// is about, if there is one.
    pub(crate) fn log_revocation(
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

    pub(crate) fn sessions(&self) -> Result<Sessions<'a, P>, Error> {
        Ok(Sessions::new(self.platform, self.patience)?)
    }
}

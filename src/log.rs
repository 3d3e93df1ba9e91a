//! What the operator can read: a line of JSON for each request, and one for each event that
//! matters for safety or points at a fault.
//!
//! No line contains anything that would let anyone in or say who someone is: no token, secret,
//! password, e-mail address, IP address, path, query or user id (back ends may use addresses as ids).
//! Of a session's id there are the first characters: enough to find it, too little to use it.

use serde::Serialize;

use crate::token::id::SessionId;

/// How many of the 22 characters of a session id are logged: 48 bits are enough to tell two apart.
const SESSION_CHARACTERS: usize = 8;

/// A line of the log. What does not apply is left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line<'a> {
    /// What happened.
    pub event: &'static str,
    /// The address's template, such as `/auth/sessions/{id}`; none where there is no such address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'static str>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'static str>,
    /// HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `code` of the error that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What is behind a fault: a kind, or the name of a setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
    /// Why sessions were ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Which were ended: `one`, `all` or `others`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<&'static str>,
    /// The first characters of the id of the session that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<&'a str>,
    /// The request, as its error names it too; none for work after the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// Milliseconds from when the body was read to the reply. On Workers the clock stands still except
    /// during input and output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Cloudflare's code of the place, such as `MAD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// A line that names an event and nothing else.
    #[must_use]
    pub fn new(event: &'static str) -> Self {
        Self {
            event,
            ..Self::default()
        }
    }

    /// A line that records a revocation: why, and of which sessions (`one`, `all` or `others`).
    #[must_use]
    pub fn revocation(reason: &'static str, sessions: &'static str) -> Self {
        Self {
            reason: Some(reason),
            sessions: Some(sessions),
            ..Self::new("sessions_revoked")
        }
    }

    /// With the request that it is about.
    #[must_use]
    pub fn in_request(mut self, id: &'a str) -> Self {
        self.request_id = Some(id);
        self
    }

    /// With what is behind a fault.
    #[must_use]
    pub fn because_of(mut self, cause: &'a str) -> Self {
        self.cause = Some(cause);
        self
    }

    /// With the session that it is about.
    #[must_use]
    pub fn about(mut self, session: &'a SessionId) -> Self {
        self.session = session.as_str().get(..SESSION_CHARACTERS);
        self
    }

    /// The line as JSON, without a line break.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a line is text and numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_apply_is_left_out() {
        assert_eq!(Line::new("x").json(), r#"{"event":"x"}"#);
    }

    #[test]
    fn a_line_of_a_request_is_pinned() {
        let line = Line {
            route: Some("/auth/sessions/{id}"),
            method: Some("DELETE"),
            status: Some(404),
            code: Some("not_found"),
            ms: Some(12),
            place: Some("MAD"),
            ..Line::new("request").in_request("8f2c")
        };
        let expected = r#"{"event":"request","route":"/auth/sessions/{id}","method":"DELETE","status":404,"code":"not_found","requestId":"8f2c","ms":12,"place":"MAD"}"#;
        assert_eq!(line.json(), expected);
    }

    #[test]
    fn nothing_breaks_out_of_a_line() {
        let line = Line::new("x").because_of("a\"}\n{\"event\":\"y").json();
        assert_eq!(line, r#"{"event":"x","cause":"a\"}\n{\"event\":\"y"}"#);
    }

    #[test]
    fn only_the_first_characters_of_a_session_id_are_logged() {
        let session = SessionId::from_random([7; 16]);
        let line = Line::new("x").about(&session).json();
        assert_eq!(line, r#"{"event":"x","session":"BwcHBwcH"}"#);
    }
}

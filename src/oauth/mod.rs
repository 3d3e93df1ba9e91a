//! The standard endpoints, for clients and resource servers that speak OAuth 2: the same sessions and
//! tokens by other names. There are no clients to register: every app is public, and whatever a
//! client says of itself is ignored.

pub mod introspect;
pub mod revoke;
pub mod token;
pub mod userinfo;

/// A form with a token, as errors show it.
const TOKEN_FORM: &str = "token=TOKEN";

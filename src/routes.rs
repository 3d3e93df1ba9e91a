//! Which requests there are.

use crate::http::{error::Error, method::Method};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A new secret.
    GenerateSecret,
    /// The refresh.
    Refresh,
    /// A session for a back end that does its own login.
    OpenSession,
    /// A new account.
    SignUp,
    /// A session for an account.
    LogIn,
    /// Another password.
    ChangePassword,
    /// Who the bearer is.
    Me,
    /// Another name for the bearer.
    Rename,
    /// The end of the bearer's account.
    DeleteAccount,
    /// The end of a session.
    LogOut,
    /// The end of all sessions of the bearer.
    LogOutAll,
    /// Where the bearer is logged in.
    ListSessions,
    /// The end of one session of the bearer, named by the last part of the path.
    EndSession,
    /// The end of one or all sessions of a user, by the owner.
    Revoke,
    /// Whether everything is in order.
    Health,
    /// A browser asking whether a page may send a request (CORS preflight).
    Preflight(Allowed),
}

/// The verbs that an address takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed(&'static [(Method, Route)]);

impl Allowed {
    /// As `Allow` and `Access-Control-Allow-Methods` spell it.
    #[must_use]
    pub fn list(self) -> String {
        let mut names = Vec::new();
        for (method, _) in self.0 {
            names.push(method.name());
            if *method == Method::Get {
                names.push(Method::Head.name());
            }
        }
        names.push(Method::Options.name());
        names.join(", ")
    }
}

/// Every address with its verbs. `{id}` stands for one part of a path.
const ROUTES: [(&str, &[(Method, Route)]); 13] = [
    ("/auth/token", &[(Method::Post, Route::Refresh)]),
    (
        "/auth/me",
        &[
            (Method::Get, Route::Me),
            (Method::Patch, Route::Rename),
            (Method::Delete, Route::DeleteAccount),
        ],
    ),
    ("/auth/login", &[(Method::Post, Route::LogIn)]),
    ("/auth/signup", &[(Method::Post, Route::SignUp)]),
    ("/auth/logout", &[(Method::Post, Route::LogOut)]),
    ("/auth/logout/all", &[(Method::Post, Route::LogOutAll)]),
    ("/auth/sessions", &[(Method::Get, Route::ListSessions)]),
    (
        "/auth/sessions/{id}",
        &[(Method::Delete, Route::EndSession)],
    ),
    ("/auth/session", &[(Method::Post, Route::OpenSession)]),
    ("/auth/revoke", &[(Method::Post, Route::Revoke)]),
    (
        "/auth/password/change",
        &[(Method::Post, Route::ChangePassword)],
    ),
    (
        "/generate_jwt_secret",
        &[
            (Method::Get, Route::GenerateSecret),
            (Method::Post, Route::GenerateSecret),
        ],
    ),
    ("/health", &[(Method::Get, Route::Health)]),
];

/// Every address with each of its verbs, but for `HEAD` and `OPTIONS`.
pub fn table() -> impl Iterator<Item = (&'static str, Method)> {
    ROUTES
        .iter()
        .flat_map(|(path, verbs)| verbs.iter().map(|(method, _)| (*path, *method)))
}

/// How the table spells the address of this path: what may be logged.
#[must_use]
pub fn template(path: &str) -> Option<&'static str> {
    address(path).map(|(known, _)| known)
}

/// The row of the table for this path.
fn address(path: &str) -> Option<(&'static str, &'static [(Method, Route)])> {
    ROUTES.iter().copied().find(|(known, _)| fits(known, path))
}

/// Finds the route of a request. One slash at the end of a path is forgiven; `HEAD` is a `GET`
/// whose body is left out (RFC 9110, section 9.3.2).
///
/// # Errors
/// 404 or 405.
pub fn resolve(method: Method, path: &str) -> Result<Route, Error> {
    let (_, verbs) = address(path).ok_or(Error::NotFound)?;
    let wanted = match method {
        Method::Options => return Ok(Route::Preflight(Allowed(verbs))),
        Method::Head => Method::Get,
        other => other,
    };
    verbs
        .iter()
        .find_map(|(known, route)| (*known == wanted).then_some(*route))
        .ok_or_else(|| Error::MethodNotAllowed(Allowed(verbs).list()))
}

/// What stands for `{id}` in a path that has one: its last part.
#[must_use]
pub fn id_in(path: &str) -> &str {
    let path = trimmed(path);
    path.rsplit_once('/').map_or(path, |(_, id)| id)
}

fn fits(known: &str, path: &str) -> bool {
    let path = trimmed(path);
    match known.strip_suffix("{id}") {
        Some(before) => path
            .strip_prefix(before)
            .is_some_and(|id| !id.is_empty() && !id.contains('/')),
        None => path == trimmed(known),
    }
}

fn trimmed(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_table_is_found_with_its_verbs() {
        for (path, verbs) in ROUTES {
            for (method, route) in verbs {
                assert_eq!(resolve(*method, path), Ok(*route));
                assert_eq!(resolve(*method, &format!("{}/", trimmed(path))), Ok(*route));
            }
        }
    }

    #[test]
    fn head_is_a_get_and_nothing_else() {
        assert_eq!(resolve(Method::Head, "/health"), Ok(Route::Health));
        assert_eq!(
            resolve(Method::Head, "/auth/token"),
            Err(Error::MethodNotAllowed("POST, OPTIONS".into()))
        );
    }

    #[test]
    fn a_wrong_verb_learns_what_is_allowed() {
        for method in [
            Method::from_text("BREW"),
            Method::from_text("get"),
            Method::from_text("PUT"),
        ] {
            assert_eq!(
                resolve(method, "/generate_jwt_secret"),
                Err(Error::MethodNotAllowed("GET, HEAD, POST, OPTIONS".into()))
            );
        }
    }

    #[test]
    fn the_template_of_an_address_has_nothing_of_the_caller_in_it() {
        let of = |path| template(path);
        assert_eq!(of("/auth/sessions/x"), Some("/auth/sessions/{id}"));
        assert_eq!(of("/auth/token/"), Some("/auth/token"));
        assert_eq!(of("/auth/tokens"), None);
    }

    #[test]
    fn an_unknown_address_is_not_found() {
        for path in [
            "//",
            "/auth/sessions//",
            "/auth/sessions/a/b",
            "/auth",
            "/auth/token/x",
            "//auth/token",
            "/Auth/Token",
            "/auth/token//",
        ] {
            assert_eq!(resolve(Method::Post, path), Err(Error::NotFound), "{path}");
        }
    }
}

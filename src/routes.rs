//! The table of routes: method, path, handler. A new route is a row here and a file with its
//! handler and its reply.

use std::future::Future;

use futures_util::future::{FutureExt as _, LocalBoxFuture};
use serde::Serialize;

use crate::{
    account::{
        change_email::{change_email, confirm_change},
        change_password::change_password,
        code_login::{log_in_with_code, send_login_code},
        delete::delete_account,
        forgot_password::forgot_password,
        log_in::log_in,
        log_out_all::log_out_all,
        me::{rename, show_me},
        port::HasAccounts,
        reset_password::reset_password,
        sign_up::sign_up,
        verify_email::{send_verification, verify_email},
    },
    discovery::{JWKS_PATH, jwks, metadata},
    http::{
        error::Error,
        method::Method::{self, Delete, Get, Patch, Post},
        reply::Reply,
        request::{Request, parts},
    },
    oauth::{
        introspect::introspect, revoke::revoke as revoke_token, token::token, userinfo::userinfo,
    },
    session::{
        end::{end_session, revoke},
        list::list_sessions,
        log_out::log_out,
        open::open_session,
    },
    setup::{OwnerRequest, generate_secret::generate_secret, health::health},
};

/// A request that is answered. `{id}` in a path stands for one part of it.
pub struct Route<P> {
    /// The method.
    pub method: Method,
    /// The path, as the log names it.
    pub path: &'static str,
    /// What answers.
    pub handler: Handler<P>,
}

/// What answers a request.
pub enum Handler<P> {
    /// For apps and back ends: answers only while the owner's settings are valid.
    Api(for<'r> fn(&'r Request<'r, P>) -> Answer<'r>),
    /// For the owner: answers whatever state the settings are in.
    Owner(for<'r> fn(&'r OwnerRequest<'r, P>) -> Answer<'r>),
}

/// A reply that is being made.
pub type Answer<'r> = LocalBoxFuture<'r, Result<Reply, Error>>;

impl<P: HasAccounts> Route<P> {
    /// Every route.
    #[rustfmt::skip]
    pub const ALL: &'static [Self] = &[
        api(Post,   "/auth/token",           |request| token(request).boxed_local()),
        api(Get,    "/auth/me",              |request| json(show_me(request))),
        api(Patch,  "/auth/me",              |request| json(rename(request))),
        api(Delete, "/auth/me",              |request| json(delete_account(request))),
        api(Post,   "/auth/me/delete",       |request| json(delete_account(request))),
        api(Post,   "/auth/login",           |request| json(log_in(request))),
        api(Post,   "/auth/signup",          |request| json(sign_up(request))),
        api(Post,   "/auth/logout",          |request| json(log_out(request))),
        api(Post,   "/auth/logout/all",      |request| json(log_out_all(request))),
        api(Get,    "/auth/sessions",        |request| json(list_sessions(request))),
        api(Delete, "/auth/sessions/{id}",   |request| json(end_session(request))),
        api(Post,   "/auth/session",         |request| json(open_session(request))),
        api(Post,   "/auth/revoke",          |request| json(revoke(request))),
        api(Post,   "/auth/password/change", |request| json(change_password(request))),
        api(Post,   "/auth/password/forgot", |request| json(forgot_password(request))),
        api(Post,   "/auth/password/reset",  |request| json(reset_password(request))),
        api(Post,   "/auth/code/send",       |request| json(send_login_code(request))),
        api(Post,   "/auth/code/login",      |request| json(log_in_with_code(request))),
        api(Post,   "/auth/email/verify/send", |request| json(send_verification(request))),
        api(Post,   "/auth/email/verify",    |request| json(verify_email(request))),
        api(Post,   "/auth/email/change",    |request| json(change_email(request))),
        api(Post,   "/auth/email/change/confirm", |request| json(confirm_change(request))),
        api(Post,   "/oauth/token",          |request| token(request).boxed_local()),
        api(Post,   "/oauth/revoke",         |request| json(revoke_token(request))),
        api(Post,   "/oauth/introspect",     |request| json(introspect(request))),
        api(Get,    "/oauth/userinfo",       |request| json(userinfo(request))),
        api(Post,   "/oauth/userinfo",       |request| json(userinfo(request))),
        api(Get,    JWKS_PATH,               |request| jwks(request).boxed_local()),
        api(Get,    "/.well-known/openid-configuration",       |request| metadata(request).boxed_local()),
        api(Get,    "/.well-known/oauth-authorization-server", |request| metadata(request).boxed_local()),
        owner(Get,  "/generate_jwt_secret",  |request| json(generate_secret(request))),
        owner(Post, "/generate_jwt_secret",  |request| json(generate_secret(request))),
        owner(Get,  "/health",               |request| health(request).map(Ok).boxed_local()),
    ];

    /// Finds the route of a request. `HEAD` is a `GET` whose body is left out (RFC 9110, section
    /// 9.3.2).
    ///
    /// # Errors
    /// 404 or 405.
    pub fn find(method: Method, path: &str) -> Result<&'static Self, Error> {
        let wanted = match method {
            Method::Head => Get,
            other => other,
        };
        Self::at(path)
            .find(|route| route.method == wanted)
            .ok_or_else(|| match Self::allowed(path) {
                Some(allowed) => Error::MethodNotAllowed(allowed),
                None => Error::NotFound,
            })
    }

    /// The methods that a path takes, as `Allow` and `Access-Control-Allow-Methods` spell them;
    /// none for a path that does not exist.
    #[must_use]
    pub fn allowed(path: &str) -> Option<String> {
        let mut names = Vec::new();
        for route in Self::at(path) {
            names.push(route.method.name());
            if route.method == Get {
                names.push(Method::Head.name());
            }
        }
        (!names.is_empty()).then(|| {
            names.push(Method::Options.name());
            names.join(", ")
        })
    }

    /// A path as the table spells it: what may be logged.
    #[must_use]
    pub fn template(path: &str) -> Option<&'static str> {
        Self::at(path).next().map(|route| route.path)
    }

    fn at(path: &str) -> impl Iterator<Item = &'static Self> {
        Self::ALL.iter().filter(move |route| fits(route.path, path))
    }
}

const fn api<P>(
    method: Method,
    path: &'static str,
    handler: for<'r> fn(&'r Request<'r, P>) -> Answer<'r>,
) -> Route<P> {
    Route {
        method,
        path,
        handler: Handler::Api(handler),
    }
}

const fn owner<P>(
    method: Method,
    path: &'static str,
    handler: for<'r> fn(&'r OwnerRequest<'r, P>) -> Answer<'r>,
) -> Route<P> {
    Route {
        method,
        path,
        handler: Handler::Owner(handler),
    }
}

/// What a handler returns, as JSON.
fn json<'r, T: Serialize>(handler: impl Future<Output = Result<T, Error>> + 'r) -> Answer<'r> {
    handler
        .map(|result| Ok(Reply::json(200, &result?)))
        .boxed_local()
}

fn fits(known: &str, path: &str) -> bool {
    let mut path = parts(path);
    let mut known = parts(known);
    known.all(|known| {
        path.next()
            .is_some_and(|part| known == "{id}" || known == part)
    }) && path.next().is_none()
}

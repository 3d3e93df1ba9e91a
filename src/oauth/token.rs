//! `POST /auth/token` and `POST /oauth/token`: a new access token for a refresh token (RFC 6749,
//! section 6). Only here it is decided in whose words: a client that sends JSON, or a form without
//! `grant_type`, gets ours.

use crate::{
    http::{
        error::{BadInput, Error},
        fields::Fields,
        oauth,
        reply::Reply,
        request::Request,
    },
    session::{
        issue::OAuthTokens,
        port::HasSessions,
        refresh::{exchange, refresh},
    },
    token::TOKEN_BYTES,
};

const FORM: &str = "grant_type=refresh_token&refresh_token=TOKEN";

/// Refreshes.
///
/// # Errors
/// As [`refresh`], and 400 for another grant type.
pub async fn token<P: HasSessions>(request: &Request<'_, P>) -> Result<Reply, Error> {
    if !oauth::is_oauth(request.call) {
        return Ok(Reply::json(200, &refresh(request).await?));
    }
    let text = refresh_token(&mut oauth::parameters(request, FORM)?)?;
    let tokens = exchange(request, &text).await?;
    // RFC 6749, section 5.1, demands both.
    Ok(Reply::json(200, &OAuthTokens::from(tokens)).with("Pragma", "no-cache"))
}

fn refresh_token(parameters: &mut Fields) -> Result<String, Error> {
    match parameters.if_usable("grant_type").as_deref() {
        Some("refresh_token") => {}
        Some(_) => return Err(Error::UnsupportedGrantType),
        None => {
            return Err(
                BadInput::field("grant_type", "is missing: send grant_type=refresh_token").into(),
            );
        }
    }
    let text = parameters.token("refresh_token")?;
    if text.len() > TOKEN_BYTES {
        return Err(Error::RefreshTokenInvalid);
    }
    Ok(text)
}

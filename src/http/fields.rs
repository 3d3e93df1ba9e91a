//! JSON bodies in: read field by field, so that every error can name its field and no error ever
//! repeats what was sent.

use serde_json::{Map, Value};

use crate::{
    account::{Name, email::Email, password::Password},
    http::error::{BadInput, Error},
    problem::Problem,
    session::record::DEVICE_CHARACTERS,
    token::{
        TOKEN_BYTES,
        claims::CustomClaims,
        id::{SessionId, UserId},
        json::{JsonProblem, object},
    },
};

/// The fields of a JSON object. A field given twice is refused; unknown ones are ignored.
pub struct Fields(Map<String, Value>);

impl Fields {
    /// # Errors
    /// The body is not a JSON object, or has a field twice.
    pub fn parse(body: &[u8]) -> Result<Self, BadInput> {
        object(body).map(Self).map_err(|problem| {
            BadInput::body(match problem {
                JsonProblem::GivenTwice => "The body contains a field twice. Send each field once.",
                JsonProblem::NoObject => {
                    "The body must be a JSON object, such as {\"refreshToken\": \"…\"}."
                }
            })
        })
    }

    /// A text that must be there.
    fn required_text(&mut self, field: &'static str) -> Result<String, BadInput> {
        self.optional_text(field)?
            .ok_or_else(|| BadInput::field(field, "is missing or empty"))
    }

    /// A text that may be there; `null` and `""` count as not there.
    fn optional_text(&mut self, field: &'static str) -> Result<Option<String>, BadInput> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if has_placeholder(&text) => Err(unfilled(field)),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(BadInput::field(field, "must be text in quotation marks")),
        }
    }

    /// `refreshToken`, or `refresh_token` as other clients spell it.
    ///
    /// # Errors
    /// Missing, empty, of another type, too long, a placeholder, or given in both spellings.
    pub fn refresh_token(&mut self) -> Result<String, BadInput> {
        const FIELD: &str = "refreshToken";
        if let Some(other) = self.0.remove("refresh_token")
            && self.0.insert(FIELD.into(), other).is_some()
        {
            return Err(BadInput::field(FIELD, "is there twice. Send it once"));
        }
        let token = self.required_text(FIELD)?;
        if token.len() > TOKEN_BYTES {
            return Err(BadInput::field(FIELD, "is too long to be a token"));
        }
        Ok(token)
    }

    /// `userId`.
    ///
    /// # Errors
    /// Missing, or not a user id.
    pub fn user_id(&mut self) -> Result<UserId, Error> {
        self.required("userId", UserId::parse)
    }

    /// A required text, parsed.
    fn required<T>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(String) -> Result<T, Problem>,
    ) -> Result<T, Error> {
        let text = self.required_text(field)?;
        parse(text).map_err(|problem| Error::of_field(field, &problem))
    }

    /// `email`.
    ///
    /// # Errors
    /// Missing, or not an address.
    pub fn email(&mut self) -> Result<Email, Error> {
        self.required("email", |text| Email::parse(&text))
    }

    /// A password that is shown.
    ///
    /// # Errors
    /// Missing, or no password at all.
    pub fn password(&mut self, field: &'static str) -> Result<Password, Error> {
        self.secret(field, Password::parse)
    }

    /// A password that is to be set.
    ///
    /// # Errors
    /// Missing, too short or too long.
    pub fn new_password(&mut self, field: &'static str) -> Result<Password, Error> {
        self.secret(field, Password::parse_new)
    }

    /// A password may have anything in it: it is a variable without its value only as a whole.
    fn secret(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(String) -> Result<Password, Problem>,
    ) -> Result<Password, Error> {
        match self.0.remove(field) {
            Some(Value::String(text)) if !text.is_empty() && !is_placeholder(&text) => {
                parse(text).map_err(|problem| Error::of_field(field, &problem))
            }
            other => {
                self.0.extend(other.map(|value| (field.to_owned(), value)));
                self.required(field, parse)
            }
        }
    }

    /// `name`, where there may be none.
    ///
    /// # Errors
    /// Not text, or too long.
    pub fn name(&mut self) -> Result<Option<Name>, Error> {
        const FIELD: &str = "name";
        let name = self.optional_text(FIELD)?.map(Name::parse).transpose();
        name.map_err(|problem| Error::of_field(FIELD, &problem))
    }

    /// `name` as the only field: it must be there, and `null` or `""` takes the name away.
    ///
    /// # Errors
    /// Missing, not text, or too long.
    pub fn new_name(&mut self) -> Result<Option<Name>, Error> {
        if !self.0.contains_key("name") {
            return Err(BadInput::field("name", "is missing").into());
        }
        self.name()
    }

    /// `sessionId`, where there may be none.
    ///
    /// # Errors
    /// Not a session id.
    pub fn session_id(&mut self) -> Result<Option<SessionId>, Error> {
        const FIELD: &str = "sessionId";
        let id = self.optional_text(FIELD)?.map(SessionId::parse).transpose();
        id.map_err(|problem| Error::of_field(FIELD, &problem))
    }

    /// `device`.
    ///
    /// # Errors
    /// Not text, or too long.
    pub fn device(&mut self) -> Result<Option<String>, BadInput> {
        const FIELD: &str = "device";
        let device = self.optional_text(FIELD)?;
        if device
            .as_ref()
            .is_some_and(|text| text.chars().count() > DEVICE_CHARACTERS)
        {
            return Err(BadInput::field(FIELD, "must be at most 100 characters"));
        }
        Ok(device)
    }

    /// `claims`.
    ///
    /// # Errors
    /// Not an object, too large, or with a reserved name.
    pub fn claims(&mut self) -> Result<CustomClaims, Error> {
        const FIELD: &str = "claims";
        match self.0.remove(FIELD) {
            None | Some(Value::Null) => Ok(CustomClaims::default()),
            Some(value) if has_placeholder(&value.to_string()) => Err(unfilled(FIELD).into()),
            Some(value) => {
                CustomClaims::parse(value).map_err(|problem| Error::of_field(FIELD, &problem))
            }
        }
    }
}

/// Whether there is a variable in a text that an app builder sent without filling it in, such as
/// `Bearer ${accessToken}`.
#[must_use]
pub fn has_placeholder(text: &str) -> bool {
    text.split_once("${")
        .is_some_and(|(_, rest)| rest.contains('}'))
}

/// Whether a text is such a variable and nothing else.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("${") && text.ends_with('}')
}

/// The error for such a variable.
#[must_use]
pub fn unfilled(field: &'static str) -> BadInput {
    BadInput::field(
        field,
        "is a variable that was not filled in: log in first, or fill in the Test Values",
    )
}

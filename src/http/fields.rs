//! The body of a request, read field by field, so that every error can name its field and no error
//! ever repeats what was sent.

use serde_json::{Map, Value};

use crate::{
    http::{
        error::{BadInput, Error},
        token_text::{has_placeholder, token_in},
    },
    problem::Problem,
    token::{
        TOKEN_BYTES,
        claims::CustomClaims,
        json::{JsonProblem, object},
    },
};

/// The fields of a JSON object. A field given twice is rejected; unknown ones are ignored.
///
/// A type that a field can have says by `TryFrom<String>` which texts it takes.
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

    /// Whether a field was sent at all, even as `null`.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// Missing, empty, not text, an unfilled variable, or not what the type takes.
    pub fn required<T: TryFrom<String, Error = Problem>>(
        &mut self,
        field: &'static str,
    ) -> Result<T, Error> {
        let text = self.text(field)?.ok_or_else(|| missing(field))?;
        parse(field, text)
    }

    /// A field that may be there; `null` and `""` count as absent.
    ///
    /// # Errors
    /// Not text, an unfilled variable, or not what the type takes.
    pub fn optional<T: TryFrom<String, Error = Problem>>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, Error> {
        let text = self.text(field)?;
        text.map(|text| parse(field, text)).transpose()
    }

    /// A password, which must be there. It may contain anything: it is an unfilled variable only
    /// if there is nothing else in it.
    ///
    /// # Errors
    /// Missing, empty, not text, an unfilled variable, or not what the type takes.
    pub fn password<T: TryFrom<String, Error = Problem>>(
        &mut self,
        field: &'static str,
    ) -> Result<T, Error> {
        match self.0.remove(field) {
            Some(Value::String(text)) if !text.is_empty() && !is_placeholder(&text) => {
                parse(field, text)
            }
            other => {
                self.0.extend(other.map(|value| (field.to_owned(), value)));
                self.required(field)
            }
        }
    }

    /// `refreshToken`, or `refresh_token` as other clients spell it.
    ///
    /// # Errors
    /// Missing, of another type, too long, an unfilled variable, or given in both spellings.
    pub fn refresh_token(&mut self) -> Result<String, Error> {
        const FIELD: &str = "refreshToken";
        if let Some(other) = self.0.remove("refresh_token")
            && self.0.insert(FIELD.into(), other).is_some()
        {
            return Err(BadInput::field(FIELD, "was sent twice. Send it once").into());
        }
        let text = match self.0.remove(FIELD) {
            Some(Value::String(text)) => text,
            Some(Value::Null) => return Err(unfilled(FIELD).into()),
            Some(_) => return Err(not_text(FIELD).into()),
            None => return Err(missing(FIELD).into()),
        };
        let token = token_in(&text).ok_or_else(|| unfilled(FIELD))?;
        if token.len() > TOKEN_BYTES {
            return Err(BadInput::field(FIELD, "is too long to be a token").into());
        }
        Ok(token.to_owned())
    }

    /// The refresh token that a login may include, in either spelling. It helps, and is never an
    /// error: whatever cannot be a token counts as absent.
    pub fn last_refresh_token(&mut self) -> Option<String> {
        self.refresh_token().ok()
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
            Some(value) => CustomClaims::parse(value)
                .map_err(|problem| BadInput::field(FIELD, problem.0).into()),
        }
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, BadInput> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if has_placeholder(&text) => Err(unfilled(field)),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(not_text(field)),
        }
    }
}

fn parse<T: TryFrom<String, Error = Problem>>(
    field: &'static str,
    text: String,
) -> Result<T, Error> {
    T::try_from(text).map_err(|problem| BadInput::field(field, problem.0).into())
}

fn not_text(field: &'static str) -> BadInput {
    BadInput::field(field, "must be text in quotation marks")
}

fn missing(field: &'static str) -> BadInput {
    BadInput::field(field, "is missing or empty")
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

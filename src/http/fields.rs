//! The fields of a body, read one by one, so that every error can name its field and no error ever
//! repeats what was sent.

use serde_json::{Map, Value};

use crate::{
    http::{
        body,
        error::{BadInput, Error},
        token_text::{has_placeholder, token_in},
    },
    problem::Problem,
    token::{TOKEN_BYTES, claims::CustomClaims},
};

/// The fields of a body. A field given twice is rejected; unknown ones are ignored.
///
/// A type that a field can have says by `TryFrom<String>` which texts it takes.
pub struct Fields {
    fields: Map<String, Value>,
    /// Whether halves of characters were replaced.
    is_repaired: bool,
}

impl Fields {
    /// The fields of this body. Errors show the example, a body of the same route.
    ///
    /// # Errors
    /// See [`body::read`].
    pub fn parse(body: &[u8], example: impl Fn() -> &'static str) -> Result<Self, BadInput> {
        let body::Content {
            fields,
            is_repaired,
        } = body::read(body, example)?;
        Ok(Self {
            fields,
            is_repaired,
        })
    }

    /// The fields of a body that must be a form. Errors show the example, a form of the same route.
    ///
    /// # Errors
    /// See [`body::read_form`].
    pub fn parse_form(body: &[u8], example: &str) -> Result<Self, BadInput> {
        let body::Content {
            fields,
            is_repaired,
        } = body::read_form(body, example)?;
        Ok(Self {
            fields,
            is_repaired,
        })
    }

    /// Whether a field was sent at all, even as `null`.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
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
        match self.fields.remove(field) {
            Some(Value::String(text)) if !text.is_empty() && !is_placeholder(&text) => {
                self.whole(field, &text)?;
                parse(field, text)
            }
            other => {
                self.fields
                    .extend(other.map(|value| (field.to_owned(), value)));
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
        if let Some(other) = self.fields.remove("refresh_token")
            && self.fields.insert(FIELD.into(), other).is_some()
        {
            return Err(BadInput::field(FIELD, "was sent twice. Send it once").into());
        }
        let token = self.token(FIELD)?;
        if token.len() > TOKEN_BYTES {
            return Err(BadInput::field(
                FIELD,
                "is too long to be a token: send it as an answer gave it",
            )
            .into());
        }
        Ok(token)
    }

    /// A token of any length, which must be there.
    ///
    /// # Errors
    /// Missing, of another type, or an unfilled variable.
    pub fn token(&mut self, field: &'static str) -> Result<String, Error> {
        let text = match self.fields.remove(field) {
            Some(Value::String(text)) => text,
            Some(Value::Null) => return Err(unfilled(field).into()),
            Some(_) => return Err(not_text(field).into()),
            None => return Err(missing(field).into()),
        };
        self.whole(field, &text)?;
        let token = token_in(&text).ok_or_else(|| unfilled(field))?;
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
        match self.fields.remove(FIELD) {
            None | Some(Value::Null) => Ok(CustomClaims::default()),
            Some(value) if has_placeholder(&value.to_string()) => Err(unfilled(FIELD).into()),
            Some(value) => CustomClaims::parse(value)
                .map_err(|problem| BadInput::field(FIELD, problem.0).into()),
        }
    }

    /// A field that is never a reason to reject: what is no text counts as absent.
    pub fn if_usable(&mut self, field: &'static str) -> Option<String> {
        let text = match self.fields.remove(field)? {
            Value::String(text) => text,
            value => plain(&value)?,
        };
        (!text.is_empty() && !has_placeholder(&text)).then_some(text)
    }

    /// A password and a token must arrive as they were sent: with half of a character replaced, it
    /// would be another one.
    fn whole(&self, field: &'static str, text: &str) -> Result<(), BadInput> {
        if self.is_repaired && text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(BadInput::field(
                field,
                "contains half of a character (half of a surrogate pair): send it whole",
            ));
        }
        Ok(())
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, BadInput> {
        match self.fields.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if has_placeholder(&text) => Err(unfilled(field)),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value) if MAY_BE_PLAIN.contains(&field) => match plain(&value) {
                Some(text) => Ok(Some(text)),
                None => Err(not_text(field)),
            },
            Some(_) => Err(not_text(field)),
        }
    }
}

/// The fields that take a number or a boolean as text: what a table of users has for an id, and what
/// a form makes of a name.
const MAY_BE_PLAIN: [&str; 3] = ["userId", "name", "code"];

/// A boolean or a whole number as text. Other numbers have several spellings.
fn plain(value: &Value) -> Option<String> {
    let is_plain = value.is_boolean() || value.is_i64() || value.is_u64();
    is_plain.then(|| value.to_string())
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
    BadInput::field(field, "is missing or empty: send it as text")
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

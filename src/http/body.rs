//! A body as clients send it: JSON or a form, told apart by their first characters. Some clients
//! name the wrong `Content-Type` or none, and what begins with `{` is no form.

use std::str;

use serde_json::{Map, Value};

use crate::{
    http::error::BadInput,
    token::json::{JsonProblem, object},
};

/// What a body holds.
#[derive(Default)]
pub struct Content {
    /// Its fields, each once.
    pub fields: Map<String, Value>,
    /// Whether there were halves of characters in it. Each is a U+FFFD now.
    pub is_repaired: bool,
}

/// The fields of a body. `example` is a body of the same route.
///
/// # Errors
/// It is neither a JSON object nor a form with a field of this route, or has a field twice: what
/// arrived, and what should have.
pub fn read(body: &[u8], example: impl Fn() -> &'static str) -> Result<Content, BadInput> {
    let expected = |arrived: &str| {
        BadInput::body(&format!(
            "The body {arrived}. Send JSON such as {}.",
            example()
        ))
    };
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let Ok(text) = str::from_utf8(body) else {
        return Err(expected(not_text(body)));
    };
    if let Some(form) = form(text) {
        let known = example();
        let is_of_route = |name: &String| known.contains(&format!("\"{}\"", in_camel_case(name)));
        let content = form?;
        return if content.fields.keys().any(is_of_route) {
            Ok(content)
        } else {
            Err(expected("is a form without the fields of this request"))
        };
    }
    match object(body) {
        Ok(fields) => Ok(Content {
            fields,
            is_repaired: false,
        }),
        Err(JsonProblem::GivenTwice) => Err(given_twice()),
        Err(JsonProblem::NoObject) => {
            repaired(text).unwrap_or_else(|| Err(expected(what_arrived(text))))
        }
    }
}

/// The fields of a form (`application/x-www-form-urlencoded`), whatever they are called.
///
/// # Errors
/// It is no form, or has a field twice.
pub fn read_form(body: &[u8], example: &str) -> Result<Content, BadInput> {
    let text = str::from_utf8(body).ok();
    text.and_then(form).unwrap_or_else(|| {
        Err(BadInput::body(&format!(
            "The body is no form (application/x-www-form-urlencoded). Send one such as {example}."
        )))
    })
}

/// Whether a body is a form with a field of this name.
#[must_use]
pub fn is_form_with(body: &[u8], name: &str) -> bool {
    // Most bodies are JSON, and need no second look.
    let may_be_form = body.first() != Some(&b'{');
    let has_name = |text: &str| form_urlencoded::parse(text.as_bytes()).any(|(it, _)| it == name);
    may_be_form && str::from_utf8(body).is_ok_and(|text| is_form(text) && has_name(text.trim()))
}

fn given_twice() -> BadInput {
    BadInput::body("The body contains a field twice. Send each field once.")
}

/// `refresh_token` as `refreshToken`.
fn in_camel_case(name: &str) -> &str {
    if name == "refresh_token" {
        "refreshToken"
    } else {
        name
    }
}

/// A form (`application/x-www-form-urlencoded`), where the text is one.
fn form(text: &str) -> Option<Result<Content, BadInput>> {
    if !is_form(text) {
        return None;
    }
    let mut content = Content::default();
    for (name, value) in form_urlencoded::parse(text.trim().as_bytes()) {
        content.is_repaired |= value.contains(char::REPLACEMENT_CHARACTER);
        let value = Value::String(value.into_owned());
        if content.fields.insert(name.into_owned(), value).is_some() {
            return Some(Err(given_twice()));
        }
    }
    Some(Ok(content))
}

fn is_form(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_-.~%+&".contains(c);
    text.split_once('=')
        .is_some_and(|(name, _)| name.trim_start().chars().all(is_of_name))
}

/// The object, with a U+FFFD for each half of a surrogate pair; none where that is not what is wrong.
/// (JavaScript cuts texts into such halves, and `JSON.stringify` sends them.)
fn repaired(json: &str) -> Option<Result<Content, BadInput>> {
    let mut fixed = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        fixed.push_str(before);
        let length = match surrogate(escape) {
            Some(0xd800..=0xdbff) if is_low(escape.get(6..)) => 12,
            Some(_) => {
                fixed.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            None => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        fixed.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    fixed.push_str(rest);
    match object(fixed.as_bytes()) {
        Ok(fields) => Some(Ok(Content {
            fields,
            is_repaired: true,
        })),
        Err(JsonProblem::GivenTwice) => Some(Err(given_twice())),
        Err(JsonProblem::NoObject) => None,
    }
}

/// The half of a surrogate pair that this text begins with, as an escape of JSON.
fn surrogate(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let unit = u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

fn is_low(text: Option<&str>) -> bool {
    text.and_then(surrogate).is_some_and(|unit| unit >= 0xdc00)
}

fn not_text(body: &[u8]) -> &'static str {
    const COMPRESSED: [&[u8]; 5] = [
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"\x78\x01",
        b"\x78\x9c",
        b"\x78\xda",
    ];
    if COMPRESSED.iter().any(|magic| body.starts_with(magic)) {
        "is compressed data"
    } else {
        "is not text in UTF-8; perhaps it is compressed"
    }
}

fn what_arrived(text: &str) -> &'static str {
    let text = text.trim_start();
    match text.as_bytes() {
        [] => "is empty",
        [b'<', ..] => "is HTML or XML",
        [b'{', ..] => "begins like JSON, but is not valid JSON",
        [b'[' | b'"', ..] => "is not a JSON object, which is in braces",
        [b'-', b'-', ..] => "is a form with parts (multipart/form-data)",
        _ => "is text",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = r#"{"refreshToken": "…", "device": "…"}"#;

    fn fields(body: &[u8]) -> Map<String, Value> {
        read(body, || EXAMPLE)
            .unwrap_or_else(|error| panic!("{error}"))
            .fields
    }

    #[test]
    fn json_is_read_with_or_without_a_byte_order_mark() {
        for body in [
            r#"{"device":"x=y&z"}"#,
            "\u{feff} {\"device\":\"x=y&z\"}\r\n",
        ] {
            assert_eq!(fields(body.as_bytes())["device"], "x=y&z");
        }
    }

    #[test]
    fn a_form_is_read_like_json() {
        for body in [
            "device=Ada%27s+phone&refreshToken=a.b.c",
            "refresh_token=a.b.c&device=Ada%27s+phone\n",
        ] {
            assert_eq!(fields(body.as_bytes())["device"], "Ada's phone");
        }
        let twice = read(b"device=a&device=b", || EXAMPLE).err().expect("twice");
        assert!(twice.message.contains("twice"));
    }

    #[test]
    fn half_a_character_is_replaced() {
        for (json, device) in [
            (r#""Ada\ud83d""#, "Ada\u{fffd}"),
            (r#""\udc00\ud83d\u0041""#, "\u{fffd}\u{fffd}A"),
            (r#""\ud83d\ud83d\ude00\\ud83d""#, "\u{fffd}😀\\ud83d"),
        ] {
            let body = format!("{{\"device\":{json}}}");
            let Ok(content) = read(body.as_bytes(), || EXAMPLE) else {
                panic!("{body}")
            };
            assert_eq!(content.fields["device"], device);
            assert!(content.is_repaired);
        }
    }

    #[test]
    fn an_error_says_what_arrived_and_shows_what_should_have() {
        for (body, arrived) in [
            (&b""[..], "empty"),
            (b" \n", "empty"),
            (b"email=ada&password=x", "a form without"),
            (b"\x1f\x8b\x08\0", "compressed data"),
            (b"\xff\xfe{\0", "not text in UTF-8"),
            (b"<!doctype html><a href=x>", "HTML"),
            (b"{\"refreshToken\": x}", "not valid JSON"),
            (b"{\"device\":\"\\ud83d", "not valid JSON"),
            (b"[1]", "not a JSON object"),
            (
                b"--x\r\nContent-Disposition: form-data; name=\"a\"",
                "multipart",
            ),
            (b"hello", "text"),
        ] {
            let error = read(body, || EXAMPLE).err().expect("an error").message;
            assert!(
                error.contains(arrived) && error.contains(EXAMPLE),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_serde_reads_is_read_the_same(text in "\\PC{0,20}") {
            let json = serde_json::json!({ "device": text }).to_string();
            let Ok(content) = read(json.as_bytes(), || EXAMPLE) else {
                panic!("{json}")
            };
            prop_assert_eq!(content.fields["device"].as_str(), Some(text.as_str()));
            prop_assert!(!content.is_repaired);
        }

        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..60), escapes in "(\\\\(u[d0-9a-f]{0,5}|.)){0,6}") {
            let _ = read(&body, || EXAMPLE);
            let _ = read(format!("{{\"device\":\"{escapes}\"}}").as_bytes(), || EXAMPLE);
        }
    }
}

//! JSON objects of strangers, read strictly.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// Why text is no object that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonProblem {
    /// Not JSON, or JSON of another kind.
    NoObject,
    /// A name stands in it twice: two readers could see two different things.
    GivenTwice,
}

/// Reads a JSON object that has each name once.
///
/// # Errors
/// It is none.
pub fn object(json: &[u8]) -> Result<Map<String, Value>, JsonProblem> {
    match serde_json::from_slice(json) {
        Ok(Object(fields)) => Ok(fields),
        Err(error) if error.to_string().starts_with(GIVEN_TWICE) => Err(JsonProblem::GivenTwice),
        Err(_) => Err(JsonProblem::NoObject),
    }
}

const GIVEN_TWICE: &str = "a field is given twice";

struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if fields.insert(name, value).is_some() {
                return Err(A::Error::custom(GIVEN_TWICE));
            }
        }
        Ok(Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read() {
        let fields = object(br#" {"a": 1, "b": {"a": 2}} "#).expect("an object");
        assert_eq!(fields["a"], 1);
        assert_eq!(fields["b"]["a"], 2);
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_however_it_is_spelled() {
        for json in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#] {
            assert_eq!(object(json.as_bytes()), Err(JsonProblem::GivenTwice));
        }
    }

    #[test]
    fn whatever_else_is_no_object() {
        for json in ["", "[]", "null", "{", "{}x", "\u{feff}{}", r#"{"a":1e400}"#] {
            assert_eq!(
                object(json.as_bytes()),
                Err(JsonProblem::NoObject),
                "{json}"
            );
        }
    }
}

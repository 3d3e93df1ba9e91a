//! JSON objects that strangers wrote, read strictly.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// Why text was rejected as a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonProblem {
    /// Not JSON, or JSON of another kind.
    NoObject,
    /// A name is given twice: two readers could see two different things.
    GivenTwice,
}

/// Reads a JSON object that has each name once.
///
/// # Errors
/// The text is not a JSON object, or repeats a name.
pub fn object(json: &[u8]) -> Result<Map<String, Value>, JsonProblem> {
    let object: Object = serde_json::from_slice(json).map_err(|_| JsonProblem::NoObject)?;
    object.with_unique_names()
}

/// A JSON object whose names have yet to be checked.
#[derive(Debug, Default)]
pub(super) struct Object {
    fields: Map<String, Value>,
    has_twins: bool,
}

impl Object {
    /// Its fields, if it has each name once.
    pub(super) fn with_unique_names(self) -> Result<Map<String, Value>, JsonProblem> {
        if self.has_twins {
            return Err(JsonProblem::GivenTwice);
        }
        Ok(self.fields)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

pub(super) struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some((name, value)) = map.next_entry()? {
            object.has_twins |= object.fields.insert(name, value).is_some();
        }
        Ok(object)
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
    fn a_repeated_name_is_rejected_however_it_is_spelled() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":1,"a":2,"b":3}"#,
        ] {
            assert_eq!(object(json.as_bytes()), Err(JsonProblem::GivenTwice));
        }
    }

    #[test]
    fn anything_but_an_object_is_rejected() {
        for json in ["", "[]", "null", "{", "{}x", "\u{feff}{}", r#"{"a":1e400}"#] {
            assert_eq!(
                object(json.as_bytes()),
                Err(JsonProblem::NoObject),
                "{json}"
            );
        }
    }
}

//! Schemas of the document, made ready to be asked.

use jsonschema::Validator;
use serde_json::Value;

use crate::DOCUMENT;

/// A schema with the document's components beside it, so that its `$ref`s lead somewhere.
pub fn as_it_stands(schema: &Value) -> Validator {
    validator(schema.clone(), DOCUMENT["components"].clone())
}

/// The same, but no object may have a field that is not described.
pub fn strict(schema: &Value) -> Validator {
    let mut components = DOCUMENT["components"].clone();
    let mut schema = schema.clone();
    close_within(&mut components);
    close_within(&mut schema);
    close(&mut schema);
    validator(schema, components)
}

fn validator(mut schema: Value, components: Value) -> Validator {
    schema["components"] = components;
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Closes what stands for a value: a property or an item. Not what only takes part in one, such as
/// the schemas of an `anyOf`: it would refuse the fields of the others.
fn close_within(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(close_within),
        Value::Object(fields) => {
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                properties.values_mut().for_each(close);
            }
            if let Some(items) = fields.get_mut("items") {
                close(items);
            }
            fields.values_mut().for_each(close_within);
        }
        _ => {}
    }
}

fn close(schema: &mut Value) {
    if let Value::Object(keywords) = schema {
        keywords.insert("unevaluatedProperties".into(), false.into());
    }
}

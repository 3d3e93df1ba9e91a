//! `public/bravo.json`, for the importer of Bravo's API collections: the requests of the table in
//! `docs/bravo.md`, with what `openapi.json` says of them.
//!
//! It is Swagger 2.0, with `x-bravo-name` on what becomes an output variable. There is no `host`:
//! by the specification, that is then the one that serves the file, so each worker's is right.

use serde_json::{Map, Value, json};
use tokenkeep_contract::{DOCUMENT, resolve};

use crate::{
    docs::{BRAVO, rows},
    written::is_current,
};

/// A row of the table.
struct Request<'p> {
    method: String,
    path: &'p str,
    authorization: Option<&'p str>,
    body: Map<String, Value>,
    outputs: Vec<&'p str>,
}

fn requests() -> Vec<Request<'static>> {
    rows(BRAVO, "Every request")
        .into_iter()
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
            let (method, path) = cells[1]
                .trim_matches('`')
                .split_once(" URL")
                .expect("a URL");
            let header = cells[2].trim_matches('`').strip_prefix("Authorization: ");
            Request {
                method: method.to_lowercase(),
                path,
                authorization: header,
                body: serde_json::from_str(cells[3].trim_matches('`')).unwrap_or_default(),
                outputs: cells[4].split('`').skip(1).step_by(2).collect(),
            }
        })
        .collect()
}

fn document() -> Value {
    let mut paths = json!({});
    for request in requests() {
        paths[request.path][&request.method] = operation(&request);
    }
    json!({
        "swagger": "2.0",
        "info": {
            "title": DOCUMENT["info"]["title"],
            "description": DOCUMENT["info"]["summary"],
            "version": DOCUMENT["info"]["version"],
        },
        "basePath": "/",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": paths,
    })
}

fn operation(request: &Request) -> Value {
    let described = &DOCUMENT["paths"][request.path][&request.method];
    let response = &described["responses"]["200"];
    json!({
        "operationId": described["operationId"],
        "summary": described["summary"],
        "parameters": parameters(request, described),
        "responses": {"200": {
            "description": response["description"],
            "schema": response_schema(request, &response["content"]["application/json"]["schema"]),
        }},
    })
}

fn parameters(request: &Request, described: &'static Value) -> Vec<Value> {
    let header = request.authorization.map(|value| {
        json!({"name": "Authorization", "in": "header", "type": "string", "required": true, "default": value})
    });
    let schema = &described["requestBody"]["content"]["application/json"]["schema"];
    let body = (!request.body.is_empty()).then(|| {
        json!({"name": "body", "in": "body", "required": true, "schema": body_schema(request, schema)})
    });
    header.into_iter().chain(body).collect()
}

fn body_schema(request: &Request, schema: &'static Value) -> Value {
    let properties: Map<String, Value> = request
        .body
        .keys()
        .map(|name| (name.clone(), simplified(&schema["properties"][name])))
        .collect();
    let mut body = json!({"type": "object", "properties": properties, "example": request.body});
    let required = schema["required"].as_array().into_iter().flatten();
    let required: Vec<&Value> = required
        .filter(|name| request.body.contains_key(name.as_str().unwrap_or_default()))
        .collect();
    // Swagger 2.0 has no empty list here.
    if !required.is_empty() {
        body["required"] = json!(required);
    }
    body
}

fn response_schema(request: &Request, schema: &'static Value) -> Value {
    let mut properties = all_properties(schema);
    for name in &request.outputs {
        let property = properties.get_mut(*name).expect("a field of the response");
        property["x-bravo-name"] = (*name).into();
    }
    json!({"type": "object", "properties": properties})
}

/// Those of the schema itself, of the one that it extends, and of those that it may be; but not of
/// what OAuth clients get.
fn all_properties(schema: &'static Value) -> Map<String, Value> {
    let mut all = Map::new();
    if schema.get("$ref").is_some() {
        all.extend(all_properties(resolve(schema)));
    }
    let is_for_oauth = |one: &&Value| {
        one["$ref"]
            .as_str()
            .is_some_and(|name| name.contains("OAuth"))
    };
    let others = schema["anyOf"].as_array().into_iter().flatten();
    for one in others.filter(|one| !is_for_oauth(one)) {
        all.extend(all_properties(one));
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    all.extend(own.map(|(name, schema)| (name.clone(), simplified(schema))));
    all
}

/// What an importer needs of a field, in the words of Swagger 2.0: one type, no `const`.
fn simplified(schema: &'static Value) -> Value {
    let schema = resolve(schema);
    let constant = schema.get("const");
    let type_ = match &schema["type"] {
        Value::Array(types) => types[0].clone(),
        // What may be of any type is sent as text by Bravo.
        Value::Null if !matches!(constant, Some(Value::Bool(_))) => json!("string"),
        Value::Null => json!("boolean"),
        one => one.clone(),
    };
    let mut simple = json!({"type": type_});
    if let Some(value) = constant {
        simple["enum"] = json!([value]);
    }
    if let Some(description) = schema.get("description") {
        simple["description"] = description.clone();
    }
    simple
}

#[test]
fn the_file_for_bravo_is_the_one_of_the_guide_and_the_openapi_document() {
    is_current("public/bravo.json", &document(), "bravo");
}

#[test]
fn the_refresh_sends_the_variable_and_names_the_output_of_the_tutorial() {
    let refresh = &document()["paths"]["/auth/token"]["post"];
    let body = &refresh["parameters"][0]["schema"];
    assert_eq!(body["example"], json!({"refreshToken": "${refreshToken}"}));
    let fields = refresh["responses"]["200"]["schema"]["properties"].as_object();
    let named: Vec<_> = fields
        .expect("fields")
        .iter()
        .filter_map(|(field, schema)| Some((field.as_str(), schema.get("x-bravo-name")?)))
        .collect();
    assert_eq!(named, [("accessToken", &json!("accessToken"))]);
}

#[test]
fn every_request_of_the_guide_is_in_the_file_for_bravo() {
    let paths = &document()["paths"];
    for request in requests() {
        let operation = &paths[request.path][&request.method];
        assert!(operation["summary"].is_string(), "{}", request.path);
        assert_eq!(
            operation["parameters"][0]["in"] == "header",
            request.authorization.is_some()
        );
    }
}

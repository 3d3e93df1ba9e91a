//! The Postman collection: made from `openapi.json`, and sent as Postman would.
//!
//! Ours and not `openapi-to-postmanv2`, Postman's own converter: that one is 85 npm packages
//! (40 MB), invents new ids at each run, and knows nothing of the variables that the answers of one
//! request fill in for the next.

use serde_json::{Map, Value, json};
use tokenkeep::http::method::Method;
use tokenkeep_contract::STATIC_FILES;

use crate::{
    client::{EMAIL, SERVICE_KEY, call, tokens},
    mail::with_mail,
    written::is_current,
};

const DOCUMENT: &str = include_str!("../../public/openapi.json");

/// What answers bring along and other requests need; filled in by [`KEEP_TOKENS`], but for the
/// first and the last.
const VARIABLES: [(&str, &str); 5] = [
    ("baseUrl", "http://127.0.0.1:8787"),
    ("accessToken", ""),
    ("refreshToken", ""),
    ("sessionId", ""),
    ("serviceKey", ""),
];

/// Runs in Postman after each request; other importers leave it out.
const KEEP_TOKENS: [&str; 4] = [
    "const answer = pm.response.code === 200 ? pm.response.json() : {};",
    "for (const name of [\"accessToken\", \"refreshToken\", \"sessionId\"]) {",
    "  if (answer[name]) pm.collectionVariables.set(name, answer[name]);",
    "}",
];

fn collection() -> Value {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let mut operations: Vec<_> = operations(&document).collect();
    operations.sort_by_key(|(_, _, operation)| {
        // In the order of the document, which a parsed object does not keep. Only the deletion of the
        // account comes last: no login works after it.
        let id = &operation["operationId"];
        let is_deletion = id == "deleteAccount";
        (
            is_deletion,
            DOCUMENT.find(&format!("\"operationId\": {id}")),
        )
    });
    let items: Vec<Value> = operations
        .into_iter()
        .map(|(path, method, operation)| item(path, method, operation))
        .collect();
    json!({
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "item": items,
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": KEEP_TOKENS}}],
        "variable": VARIABLES.map(|(key, value)| json!({"key": key, "value": value})),
    })
}

fn object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = value.as_object().into_iter().flat_map(Map::iter);
    fields.map(|(name, value)| (name.as_str(), value))
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    object(&document["paths"]).flat_map(|(path, methods)| {
        object(methods).map(move |(method, operation)| (path, method, operation))
    })
}

fn item(path: &str, method: &str, operation: &Value) -> Value {
    let path = path.replace("{id}", "{{sessionId}}");
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let mut request = json!({
        "method": method.to_uppercase(),
        "header": headers(operation),
        "url": {"raw": format!("{{{{baseUrl}}}}{path}"), "host": ["{{baseUrl}}"], "path": parts},
    });
    if let Some(description) = operation.get("description") {
        request["description"] = description.clone();
    }
    let (kind, content) = content(operation);
    if let Value::Object(fields) = &content["example"] {
        let mut fields = fields.clone();
        fields.values_mut().for_each(fill_in);
        request["body"] = if kind == JSON {
            json!({
                "mode": "raw",
                "raw": serde_json::to_string_pretty(&fields).expect("JSON"),
                "options": {"raw": {"language": "json"}},
            })
        } else {
            let fields = fields.iter();
            let fields = fields.map(|(key, value)| json!({"key": key, "value": value}));
            json!({"mode": "urlencoded", "urlencoded": fields.collect::<Vec<_>>()})
        };
    }
    json!({"name": operation["summary"], "request": request})
}

const JSON: &str = "application/json";

/// What a body is: JSON where that is taken, else a form.
fn content(operation: &Value) -> (&str, &Value) {
    let all = &operation["requestBody"]["content"];
    let form = || object(all).next().unwrap_or((JSON, &Value::Null));
    all.get(JSON).map_or_else(form, |json| (JSON, json))
}

fn headers(operation: &Value) -> Vec<Value> {
    let header = |key: &str, value: &str| json!({"key": key, "value": value});
    let schemes = object(&operation["security"][0]);
    let mut headers: Vec<Value> = schemes
        .map(|(scheme, _)| header("Authorization", &format!("Bearer {{{{{scheme}}}}}")))
        .collect();
    if operation.get("requestBody").is_some() {
        headers.push(header("Content-Type", content(operation).0));
    }
    headers
}

/// Puts a variable in the place of an example that only names what has to be there:
/// `REFRESH_TOKEN` becomes `{{refreshToken}}`.
fn fill_in(value: &mut Value) {
    let Some(text) = value.as_str() else { return };
    let variable = VARIABLES.iter().find(|(name, _)| {
        let flat = text.replace('_', "");
        text.contains('_') && text == text.to_uppercase() && flat.eq_ignore_ascii_case(name)
    });
    if let Some((name, _)) = variable {
        *value = format!("{{{{{name}}}}}").into();
    }
}

#[test]
fn the_collection_in_docs_is_the_one_of_the_openapi_document() {
    is_current(
        "docs/tokenkeep.postman_collection.json",
        &collection(),
        "postman",
    );
}

#[test]
fn every_operation_is_a_request_and_the_deletion_of_the_account_is_the_last() {
    let collection = collection();
    let items = collection["item"].as_array().expect("requests");
    let names: Vec<_> = items.iter().map(|item| item["name"].as_str()).collect();
    let first = ["Sign up", "Log in", "Refresh token", "User info"];
    assert_eq!(names[..4], first.map(Some));
    assert_eq!(names.last(), Some(&Some("Delete account")));
    assert_eq!(names.len(), DOCUMENT.matches("\"operationId\"").count());
}

#[test]
fn the_refresh_sends_the_variable_and_no_credential() {
    let refresh = &collection()["item"][2]["request"];
    let body = refresh["body"]["raw"].as_str().expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body, json!({"refreshToken": "{{refreshToken}}"}));
    assert_eq!(refresh["url"]["raw"], "{{baseUrl}}/auth/token");
    assert_eq!(refresh["header"].as_array().map(Vec::len), Some(1));
}

fn form<'v>(fields: impl Iterator<Item = (&'v Value, String)>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (key, value) in fields {
        form.append_pair(key.as_str().expect("a name"), &value);
    }
    form.finish()
}

#[test]
fn every_request_of_the_collection_works_for_someone_who_has_signed_up() {
    let collection = collection();
    let items = collection["item"].as_array().expect("requests");
    for item in items {
        let request = &item["request"];
        let url = request["url"]["raw"].as_str().expect("an address");
        if STATIC_FILES.contains(&url.trim_start_matches("{{baseUrl}}")) {
            continue;
        }
        let world = with_mail();
        let person = json!({"email": "ada@example.com", "password": "correct horse"});
        let session = tokens(&world.post("/auth/signup", &person));
        // What is typed from the e-mail.
        let sent_by = match url.trim_start_matches("{{baseUrl}}") {
            "/auth/password/reset" => Some("/auth/password/forgot"),
            "/auth/code/login" => Some("/auth/code/send"),
            "/auth/email/verify" => Some("/auth/email/verify/send"),
            _ => None,
        };
        let code = sent_by.map(|path| world.code_by(path, EMAIL));
        let code = if url.ends_with("/confirm") {
            world.code_for(&session, "ada@example.org")
        } else {
            code.unwrap_or_default()
        };
        let filled_in = |text: &Value| {
            let text = text.as_str().unwrap_or_default();
            let values = [
                "",
                &session.access,
                &session.refresh,
                &session.session,
                SERVICE_KEY,
            ];
            let variables = VARIABLES.iter().zip(values);
            let text = variables.fold(text.to_owned(), |text, ((name, _), value)| {
                text.replace(&format!("{{{{{name}}}}}"), value)
            });
            let text = text.replace("123456", &code);
            assert!(
                !text.contains("{{"),
                "a variable that is not declared: {text}"
            );
            text
        };
        let headers = request["header"].as_array().into_iter().flatten();
        let authorization = headers
            .filter(|header| header["key"] == "Authorization")
            .map(|header| filled_in(&header["value"]))
            .next();
        let reply = world.answer(&call(
            Method::from_text(request["method"].as_str().expect("a method")),
            &filled_in(&request["url"]["raw"]),
            authorization.as_deref(),
            &match request["body"]["urlencoded"].as_array() {
                None => filled_in(&request["body"]["raw"]),
                Some(fields) => form(
                    fields
                        .iter()
                        .map(|it| (&it["key"], filled_in(&it["value"]))),
                ),
            },
        ));
        assert_eq!(reply.status, 200, "{}: {}", item["name"], reply.body);
    }
}

//! `cargo xtask postman`: a Postman collection from `public/openapi.json`, for what does not import that.
//!
//! Ours and not `openapi-to-postmanv2`, Postman's own converter: that one is 85 npm packages
//! (40 MB), invents new ids at each run, and knows nothing of the variables that the answers of one
//! request fill in for the next.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{process::step, project::Project, stamp::cannot_write};

const SOURCE: &str = "public/openapi.json";
const COLLECTION: &str = "docs/tokenkeep.postman_collection.json";

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

pub fn run(project: &Project) -> Result<()> {
    let path = project.path(COLLECTION);
    fs::write(&path, collection(&project.path(SOURCE))?).with_context(|| cannot_write(&path))?;
    step("postman", &format!("made {COLLECTION} from {SOURCE}"));
    Ok(())
}

/// The collection as text.
fn collection(source: &Path) -> Result<String> {
    let source =
        fs::read_to_string(source).with_context(|| format!("cannot read {}", source.display()))?;
    let document: Value = serde_json::from_str(&source).context("the document is no JSON")?;
    let mut items: Vec<(Option<usize>, Value)> = operations(&document)
        .map(|(path, verb, operation)| {
            // In the order of the document, which a parsed object does not keep.
            let id = format!("\"operationId\": {}", operation["operationId"]);
            (source.find(&id), item(path, verb, operation))
        })
        .collect();
    items.sort_by_key(|(place, _)| *place);
    let items: Vec<Value> = items.into_iter().map(|(_, item)| item).collect();
    let collection = json!({
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "item": items,
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": KEEP_TOKENS}}],
        "variable": VARIABLES.map(|(key, value)| json!({"key": key, "value": value})),
    });
    Ok(serde_json::to_string_pretty(&collection)? + "\n")
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, verbs)| {
        let verbs = verbs.as_object().into_iter().flatten();
        verbs.map(move |(verb, operation)| (path.as_str(), verb.as_str(), operation))
    })
}

fn item(path: &str, verb: &str, operation: &Value) -> Value {
    let path = path.replace("{id}", "{{sessionId}}");
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let mut request = json!({
        "method": verb.to_uppercase(),
        "header": headers(operation),
        "url": {"raw": format!("{{{{baseUrl}}}}{path}"), "host": ["{{baseUrl}}"], "path": parts},
    });
    if let Some(description) = operation.get("description") {
        request["description"] = description.clone();
    }
    let example = &operation["requestBody"]["content"]["application/json"]["example"];
    if let Value::Object(fields) = example {
        let mut fields = fields.clone();
        fields.values_mut().for_each(fill_in);
        request["body"] = json!({
            "mode": "raw",
            "raw": serde_json::to_string_pretty(&fields).unwrap_or_default(),
            "options": {"raw": {"language": "json"}},
        });
    }
    json!({"name": operation["summary"], "request": request})
}

fn headers(operation: &Value) -> Vec<Value> {
    let header = |key: &str, value: &str| json!({"key": key, "value": value});
    let scheme = operation["security"][0].as_object().into_iter().flatten();
    let mut headers: Vec<Value> = scheme
        .map(|(scheme, _)| header("Authorization", &format!("Bearer {{{{{scheme}}}}}")))
        .collect();
    if operation.get("requestBody").is_some() {
        headers.push(header("Content-Type", "application/json"));
    }
    headers
}

/// Puts a variable in the place of an example that only names what has to be there:
/// `REFRESH_TOKEN` becomes `{{refreshToken}}`.
fn fill_in(value: &mut Value) {
    let Some(text) = value.as_str() else { return };
    let variable = VARIABLES.iter().find(|(name, _)| {
        let flat = text.replace('_', "");
        text.contains('_') && flat.eq_ignore_ascii_case(name)
    });
    if let Some((name, _)) = variable {
        *value = format!("{{{{{name}}}}}").into();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn made() -> Value {
        let text = collection(&Project::locate().path(SOURCE)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_collection_that_is_committed_is_the_one_of_the_document() {
        let project = Project::locate();
        let committed = fs::read_to_string(project.path(COLLECTION)).unwrap();
        let made = collection(&project.path(SOURCE)).unwrap();
        assert_eq!(
            committed.replace("\r\n", "\n"),
            made,
            "cargo xtask postman makes it anew"
        );
    }

    #[test]
    fn every_operation_is_a_request_in_the_order_of_the_document() {
        let made = made();
        let names: Vec<&str> = made["item"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names[..4],
            ["Sign up", "Log in", "Refresh token", "User info"]
        );
        let source = fs::read_to_string(Project::locate().path(SOURCE)).unwrap();
        assert_eq!(names.len(), source.matches("\"operationId\"").count());
    }

    #[test]
    fn the_refresh_sends_the_variable_and_no_credential() {
        let made = made();
        let refresh = &made["item"][2]["request"];
        let body: Value = serde_json::from_str(refresh["body"]["raw"].as_str().unwrap()).unwrap();
        assert_eq!(body, json!({"refreshToken": "{{refreshToken}}"}));
        assert_eq!(refresh["url"]["raw"], "{{baseUrl}}/auth/token");
        assert_eq!(refresh["header"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn every_variable_that_is_used_is_declared() {
        let text = made()["item"].to_string();
        let used = text
            .split("{{")
            .skip(1)
            .filter_map(|rest| rest.split("}}").next());
        for name in used {
            assert!(VARIABLES.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}

//! The Postman collection, sent as Postman would.

use serde_json::{Value, json};
use tokenkeep::http::method::Method;
use tokenkeep_contract::STATIC_FILES;

use crate::world::{SERVICE_KEY, World, call, tokens};

const COLLECTION: &str = include_str!("../../docs/tokenkeep.postman_collection.json");

#[test]
fn every_request_of_the_collection_works_for_someone_who_has_signed_up() {
    let collection: Value = serde_json::from_str(COLLECTION).expect("JSON");
    let items = collection["item"].as_array().expect("requests");
    assert!(!items.is_empty());
    for item in items {
        let request = &item["request"];
        let url = request["url"]["raw"].as_str().expect("an address");
        if STATIC_FILES.contains(&url.trim_start_matches("{{baseUrl}}")) {
            continue;
        }
        let world = World::new();
        let person = json!({"email": "ada@example.com", "password": "correct horse"});
        let session = tokens(&world.post("/auth/signup", &person));
        let filled_in = |text: &Value| {
            let text = text.as_str().unwrap_or_default();
            [
                ("{{baseUrl}}", ""),
                ("{{accessToken}}", &session.access),
                ("{{refreshToken}}", &session.refresh),
                ("{{sessionId}}", &session.session),
                ("{{serviceKey}}", SERVICE_KEY),
            ]
            .iter()
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(name, value)
            })
        };
        let headers = request["header"].as_array().into_iter().flatten();
        let authorization = headers
            .filter(|header| header["key"] == "Authorization")
            .map(|header| filled_in(&header["value"]))
            .next();
        let reply = world.answer(&call(
            Method::from_text(request["method"].as_str().expect("a verb")),
            &filled_in(&request["url"]["raw"]),
            authorization.as_deref(),
            &filled_in(&request["body"]["raw"]),
        ));
        assert_eq!(reply.status, 200, "{}: {}", item["name"], reply.body);
    }
}

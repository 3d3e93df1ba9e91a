//! What bad input gets: a clear answer, and never the end of a session.

use std::iter;

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Answer, Client, Tokens},
    time::{MINUTE, minute_of},
    tokens::{claims, part, sign},
};

use crate::stage::{Chain, Stage};

const KIB: usize = 1024;

fn client() -> &'static Client {
    Stage::shared().client()
}

/// A session that must outlive everything a test does to it.
struct Survivor(Tokens);

impl Survivor {
    fn new() -> Self {
        Self(client().new_session())
    }

    fn token(&self) -> &str {
        &self.0.refresh
    }

    #[track_caller]
    fn assert_alive(&self) {
        let refreshed = client().refresh(self.token()).tokens();
        assert_eq!(refreshed.session, self.0.session);
        assert_eq!(client().me(&self.0.access).status, 200);
    }
}

/// Sends a body to every route that takes a refresh token.
fn post_everywhere(body: &[u8]) -> [Answer; 2] {
    ["/auth/token", "/auth/logout"].map(|path| client().post_bytes(path, body))
}

#[test]
fn a_body_without_a_usable_token_is_a_400_that_names_the_field() {
    let survivor = Survivor::new();
    let token = survivor.token();
    let field = Some("refreshToken");
    let text = |text: &str| text.as_bytes().to_vec();
    let broken_utf8 = [br#"{"refreshToken":""#.as_slice(), b"\xff\xfe", br#""}"#].concat();
    let deep = format!(r#"{{"refreshToken":{}"#, "[".repeat(15 * KIB));
    let deep_beside = format!(
        r#"{{"refreshToken":"{token}","x":{}{}}}"#,
        "[".repeat(7 * KIB),
        "]".repeat(7 * KIB)
    );
    let too_long = json!({"refreshToken": "x".repeat(5 * KIB)}).to_string();
    let too_long_by_one = json!({"refreshToken": "x".repeat(4 * KIB + 1)}).to_string();
    let rows = [
        (text(""), None),
        (text(" "), None),
        (text("refreshToken=x"), None),
        (text(token), None),
        (text(r#"{"refreshToken":"x""#), None),
        (text(r"{'refreshToken':'x'}"), None),
        (text(r#"{"refreshToken":"x"} x"#), None),
        (text(r#"{"refreshToken":"x",}"#), None),
        (text(r#"{"refreshToken":"\ud800"}"#), None),
        (text("{\"refreshToken\":\"a\nb\"}"), None),
        (broken_utf8, None),
        (text("[]"), None),
        (text(&format!(r#"["{token}"]"#)), None),
        (text(&format!(r#"[{{"refreshToken":"{token}"}}]"#)), None),
        (text("null"), None),
        (text("7"), None),
        (text(r#""text""#), None),
        (text(&deep), None),
        (text(&deep_beside), None),
        (
            text(&format!(
                r#"{{"refreshToken":"{token}","refreshToken":"{token}"}}"#
            )),
            None,
        ),
        (
            text(&format!(r#"{{"refreshToken":"{token}","x":1,"x":1}}"#)),
            None,
        ),
        (
            text(&format!(
                r#"{{"refreshToken":"{token}","refresh_token":"{token}"}}"#
            )),
            field,
        ),
        (text("{}"), field),
        (text(&format!(r#"{{"RefreshToken":"{token}"}}"#)), field),
        (text(r#"{"refreshToken":null}"#), field),
        (text(r#"{"refreshToken":7}"#), field),
        (text(r#"{"refreshToken":true}"#), field),
        (text(r#"{"refreshToken":{}}"#), field),
        (text(&format!(r#"{{"refreshToken":["{token}"]}}"#)), field),
        (text(r#"{"refreshToken":""}"#), field),
        (text(r#"{"refresh_token":""}"#), field),
        (text(r#"{"refreshToken":"${refreshToken}"}"#), field),
        (text(r#"{"refreshToken":" ${ anything } "}"#), field),
        (text(r#"{"refreshToken":"Bearer ${refreshToken}"}"#), field),
        (text(&too_long), field),
        (text(&too_long_by_one), field),
    ];
    for (body, field) in rows {
        for answer in post_everywhere(&body) {
            answer.assert_invalid(field);
            assert!(!answer.text.contains(token), "the token is in the answer");
        }
        survivor.assert_alive();
    }
}

#[test]
fn a_placeholder_is_told_what_to_do() {
    let answer = client().refresh("${refreshToken}");
    let message = answer.json()["message"]
        .as_str()
        .expect("a message")
        .to_owned();
    assert!(message.contains("log in first"), "{message}");
    assert!(message.contains("Test Values"), "{message}");
}

#[test]
fn a_refresh_token_may_be_spelled_with_an_underscore() {
    let survivor = Survivor::new();
    let body = json!({"refresh_token": survivor.token(), "unknown": [1, {"x": null}]});
    let refreshed = client().post("/auth/token", &body).tokens();
    assert_eq!(refreshed.session, survivor.0.session);
    let logged_out = client().post("/auth/logout", &body);
    assert_eq!(logged_out.status, 200);
    client()
        .refresh(survivor.token())
        .assert_error(401, "session_revoked");
}

#[test]
fn any_content_type_works_and_none_too() {
    let survivor = Survivor::new();
    let body = json!({"refreshToken": survivor.token()}).to_string();
    for content_type in [
        None,
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data"),
        Some("not a content type"),
    ] {
        let mut request = client().request("POST", "/auth/token");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = client().send(request, body.as_str());
        assert_eq!(answer.status, 200, "{content_type:?}: {}", answer.text);
    }
}

/// A token that is no good: refused by the refresh, and nothing to log out.
#[track_caller]
fn assert_not_ours(token: &str) {
    let answer = client().refresh(token);
    answer.assert_error(401, "refresh_token_invalid");
    assert!(
        token.len() < 8 || !answer.text.contains(token),
        "the token is in the answer"
    );
    let answer = client().log_out(token);
    assert_eq!(answer.status, 200, "{token}");
    assert_eq!(answer.json(), json!({"loggedOut": true}));
}

#[test]
fn a_token_with_any_character_changed_is_refused() {
    let survivor = Survivor::new();
    let token = survivor.token();
    for (index, character) in token.char_indices() {
        for replacement in ["A", "b", "_", "=", "é"] {
            if replacement.starts_with(character) {
                continue;
            }
            let mut changed = token.to_owned();
            changed.replace_range(index..=index, replacement);
            client()
                .refresh(&changed)
                .assert_error(401, "refresh_token_invalid");
        }
        let mut left_out = token.to_owned();
        left_out.remove(index);
        assert_not_ours(&left_out);
    }
    survivor.assert_alive();
}

#[test]
fn a_token_cut_short_or_grown_is_refused() {
    let survivor = Survivor::new();
    let token = survivor.token();
    for end in 1..token.len() {
        assert_not_ours(&token[..end]);
    }
    let (content, signature) = token.rsplit_once('.').expect("three parts");
    for grown in [
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}.e30"),
        format!("{token}="),
        format!("{token}A"),
        format!("{content}..{signature}"),
        format!("{token}{token}"),
        format!("{token},{token}"),
        format!("Bearer {token}"),
        format!("\"{token}\""),
        format!("{token}\u{0}"),
    ] {
        assert_not_ours(&grown);
    }
    survivor.assert_alive();
}

#[test]
fn any_other_text_is_refused() {
    for text in [
        "x",
        "undefined",
        "null",
        ".",
        "..",
        "...",
        "a.b.c",
        "eyJhbGciOiJIUzI1NiJ9.e30.",
        "✓",
        "\u{0}",
        "'; DROP TABLE sessions; --",
        "$refreshToken",
        "x".repeat(4 * KIB).as_str(),
    ] {
        assert_not_ours(text);
    }
}

#[test]
fn an_algorithm_of_the_senders_choice_is_refused() {
    let survivor = Survivor::new();
    let secret = &Stage::shared().refresh_secret;
    let content = claims(survivor.token());
    for algorithm in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!(""),
        json!("hs256"),
        json!("HS384"),
        json!("HS512"),
        json!("RS256"),
        json!("ES256"),
        json!(null),
        json!(["HS256"]),
    ] {
        let header = json!({"alg": algorithm, "typ": "rt+jwt"});
        let signed = sign(&header, &content, secret);
        let (unsigned, _) = signed.rsplit_once('.').expect("three parts");
        assert_not_ours(&signed);
        assert_not_ours(&format!("{unsigned}."));
        assert_not_ours(unsigned);
    }
    assert_not_ours(&sign(&json!({"typ": "rt+jwt"}), &content, secret));
    survivor.assert_alive();
}

#[test]
fn a_token_of_another_type_is_refused_in_spite_of_its_signature() {
    let survivor = Survivor::new();
    let secret = &Stage::shared().refresh_secret;
    let content = claims(survivor.token());
    for header in [
        json!({"alg": "HS256"}),
        json!({"alg": "HS256", "typ": null}),
        json!({"alg": "HS256", "typ": "JWT"}),
        json!({"alg": "HS256", "typ": "at+jwt"}),
        json!({"alg": "HS256", "typ": "RT+JWT"}),
        json!({"alg": "HS256", "typ": ""}),
    ] {
        assert_not_ours(&sign(&header, &content, secret));
    }
    assert_not_ours(&survivor.0.access);
    client()
        .me(survivor.token())
        .assert_error(401, "access_token_invalid");
    survivor.assert_alive();
}

#[test]
fn a_token_signed_by_us_with_impossible_claims_is_refused() {
    let survivor = Survivor::new();
    let good = claims(survivor.token());
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("an object").remove(name);
        claims
    };
    let names = ["sub", "sid", "gen", "iat", "exp"];
    let rows = names
        .into_iter()
        .map(without)
        .chain(names.into_iter().map(|name| changed(name, json!(null))))
        .chain([
            changed("sub", json!("a:b")),
            changed("sub", json!("")),
            changed("sid", json!("short")),
            changed("gen", json!(-1)),
            changed("gen", json!(1.5)),
            changed("gen", json!(u64::MAX)),
            changed("iat", json!("yesterday")),
            changed("exp", json!(-1)),
            json!([]),
            json!("text"),
            json!(null),
        ]);
    let header = json!({"alg": "HS256", "typ": "rt+jwt"});
    for claims in rows {
        let token = sign(&header, &claims, &Stage::shared().refresh_secret);
        client()
            .refresh(&token)
            .assert_error(401, "refresh_token_invalid");
    }
    survivor.assert_alive();
}

#[test]
fn a_token_of_another_secret_is_refused() {
    let chain = Chain::begun_before(10 * MINUTE);
    let claims = chain.claims(0, minute_of(chain.created_at));
    let secret = &Stage::shared().refresh_secret;
    for other in [
        "another secret of 32 bytes or more",
        "",
        &secret[1..],
        &secret.to_uppercase(),
    ] {
        assert_not_ours(&claims.sign(other));
    }
    let header = part(&json!({"alg": "HS256", "typ": "rt+jwt", "jwk": {"kty": "oct", "k": ""}}));
    assert_not_ours(&format!("{header}.{}.", part(&claims.json())));
    assert_eq!(client().refresh(&chain.first_token()).status, 200);
}

#[test]
fn a_body_of_sixteen_kibibytes_is_read_and_a_larger_one_is_not() {
    let survivor = Survivor::new();
    let body = json!({"refreshToken": survivor.token()}).to_string();
    let padded = |length: usize| {
        let padding = iter::repeat_n(' ', length - body.len());
        body.chars().chain(padding).collect::<String>().into_bytes()
    };
    let exact = padded(16 * KIB);
    for answer in [
        client().post_bytes("/auth/token", &exact),
        client().post_chunked("/auth/token", &exact),
    ] {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // Of uploads that are larger by far the runtime cuts the connection.
    for length in [16 * KIB + 1, 20 * KIB, 64 * KIB] {
        let body = padded(length);
        for path in ["/auth/token", "/auth/logout", "/auth/session"] {
            client()
                .post_bytes(path, &body)
                .assert_error(413, "payload_too_large");
            client()
                .post_chunked(path, &body)
                .assert_error(413, "payload_too_large");
        }
    }
    survivor.assert_alive();
}

//! What bad input gets: a clear answer, and never the end of a session.

use std::{
    io::{Read as _, Write as _},
    iter,
    net::TcpStream,
    time::Duration,
};

use serde_json::json;
use tokenkeep_workerd_tests::client::{Answer, Client, Tokens};

use crate::stage::Stage;

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
    let too_long = json!({"refreshToken": "x".repeat(10 * KIB)}).to_string();
    let too_long_by_one = json!({"refreshToken": "x".repeat(9 * KIB + 1)}).to_string();
    let rows = [
        (text(""), None),
        (text(" "), None),
        (text("token=x"), None),
        (text(token), None),
        (text(r#"{"refreshToken":"x""#), None),
        (text(r"{'refreshToken':'x'}"), None),
        (text(r#"{"refreshToken":"x"} x"#), None),
        (text(r#"{"refreshToken":"x",}"#), None),
        (text(r#"{"refreshToken":"\ud800"}"#), field),
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
fn any_other_text_is_refused() {
    for text in [
        "x",
        ".",
        "..",
        "...",
        "a.b.c",
        "eyJhbGciOiJIUzI1NiJ9.e30.",
        "✓",
        "a\u{0}b",
        "'; DROP TABLE sessions; --",
        "$refreshToken",
        "x".repeat(4 * KIB).as_str(),
    ] {
        assert_not_ours(text);
    }
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

#[test]
fn a_body_that_stops_coming_is_a_400_before_the_phone_gives_up() {
    let origin = &client().origin;
    let address = origin.trim_start_matches("http://");
    let head = format!("POST /auth/token HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    let starts = [
        "Content-Length: 100\r\n\r\n{\"refreshT",
        "Transfer-Encoding: chunked\r\n\r\na\r\n{\"refreshT\r\n",
    ];
    let connections = starts.map(|start| {
        let mut connection = TcpStream::connect(address).expect("a connection");
        let timeout = Some(Duration::from_secs(9));
        connection.set_read_timeout(timeout).expect("a timeout");
        write!(connection, "{head}{start}").expect("the start of a request");
        connection
    });
    for mut connection in connections {
        let mut answer = Vec::new();
        // What follows the answer is up to the runtime.
        let _ = connection.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.contains("did not arrive within 5 seconds"),
            "{answer}"
        );
    }
}

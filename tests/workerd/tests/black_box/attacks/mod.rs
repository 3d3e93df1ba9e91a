//! Forged tokens, sent to every place that reads one. None is accepted, none is a fault, none costs
//! a call on the store, and the session that they are about lives on.

mod bits;
mod claims;
mod encoding;
mod headers;

use std::sync::LazyLock;

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Answer, Client},
    time::{MINUTE, now},
    tokens::{self, derived_access_key},
};
use ureq::http::HeaderValue;

use crate::stage::{Chain, LIFETIME, Stage};

/// A stage where nothing but attacks happens: not one call on its store is expected.
fn stage() -> &'static Stage {
    static STAGE: LazyLock<Stage> = LazyLock::new(Stage::start);
    &STAGE
}

/// A good token of one of the two kinds, and the key that it was signed with.
struct Good {
    token: String,
    key: Vec<u8>,
}

impl Good {
    fn header(&self) -> Value {
        tokens::header(&self.token)
    }

    fn claims(&self) -> Value {
        tokens::claims(&self.token)
    }

    fn parts(&self) -> [&str; 3] {
        let mut parts = self.token.split('.');
        [(); 3].map(|()| parts.next().expect("three parts"))
    }

    /// With this header instead, and our signature.
    fn with_header(&self, header: &Value) -> String {
        tokens::sign(header, &self.claims(), &self.key)
    }

    /// With this claim instead, written as it is, and our signature.
    fn with_claim(&self, name: &str, json: &str) -> String {
        let mut claims = self.claims();
        claims[name] = "PLACEHOLDER".into();
        let claims = claims.to_string().replace(r#""PLACEHOLDER""#, json);
        tokens::sign_text(&self.header().to_string(), claims, &self.key)
    }
}

/// A session under attack.
struct Siege {
    client: &'static Client,
    chain: Chain,
    refresh: Good,
    access: Good,
    tried: usize,
}

impl Siege {
    fn begin() -> Self {
        let created_at = now() - 10 * MINUTE;
        let chain = Chain::unstored_on(stage(), created_at, created_at + LIFETIME);
        chain.store();
        let secret = &stage().refresh_secret;
        Self {
            client: stage().client(),
            refresh: Good {
                token: chain.first_token(),
                key: secret.as_bytes().to_vec(),
            },
            access: Good {
                token: chain.access_token(now()),
                key: derived_access_key(secret),
            },
            chain,
            tried: 0,
        }
    }

    /// Forges both kinds of tokens in these ways, and tries each of them everywhere.
    fn forge(&mut self, forgeries: impl Fn(&Good) -> Vec<String>) {
        for token in [forgeries(&self.refresh), forgeries(&self.access)].concat() {
            self.try_everywhere(&token, "invalid");
        }
    }

    /// Sends a token to every place that reads one. The code of its refusal ends so.
    #[track_caller]
    fn try_everywhere(&mut self, token: &str, code: &str) {
        let body = json!({"refreshToken": token}).to_string();
        let answer = self.post("/auth/token", body.as_bytes());
        answer.assert_error(401, &format!("refresh_token_{code}"));
        let answer = self.post("/auth/logout", body.as_bytes());
        assert_eq!(answer.status, 200, "{token}: {}", answer.text);
        assert_eq!(answer.json(), json!({"loggedOut": true}));
        if let Some(answer) = self.bear(token.as_bytes()) {
            answer.assert_error(401, &format!("access_token_{code}"));
        }
    }

    fn post(&mut self, path: &str, body: &[u8]) -> Answer {
        self.tried += 1;
        self.client.post_bytes(path, body)
    }

    /// As the bearer; none where there are bytes in it that can be in no header.
    fn bear(&mut self, token: &[u8]) -> Option<Answer> {
        HeaderValue::from_bytes(token).ok()?;
        self.tried += 1;
        Some(self.client.me_bytes(token))
    }

    /// Nothing came of so many requests: the store was never asked, and both tokens are good.
    #[track_caller]
    fn end(self, expected: usize) {
        println!("{} requests with forged tokens", self.tried);
        assert_eq!(self.tried, expected);
        assert_eq!(self.chain.operations(), []);
        assert_eq!(self.client.refresh(&self.refresh.token).status, 200);
        assert_eq!(self.client.me(&self.access.token).status, 200);
        assert_eq!(self.chain.operations().len(), 2, "the two just now");
    }
}

//! Codes by e-mail, from the request to the tokens: the worker in workerd, the provider on loopback.

use std::{sync::LazyLock, thread, time::Instant};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Answer, Client, random_user},
    provider::{
        Manner::{Closes, Hangs, Html, Json},
        Provider,
    },
    workerd::{Settings, Workerd},
};

use crate::stage::leak;

pub const PASSWORD: &str = "correct horse";
pub const NEW: &str = "better horse 2";
const WRONG: &str = "999999";

/// A worker with a provider of its own.
pub struct Stage {
    pub workerd: Workerd,
    pub provider: Provider,
}

impl Stage {
    fn new(settings: Settings) -> Self {
        let provider = Provider::start();
        let settings = settings.with_accounts().with_internet(provider.port);
        Self {
            workerd: Workerd::start(&[settings]),
            provider,
        }
    }

    pub fn by_resend() -> Self {
        Self::by_resend_with(Settings::fresh())
    }

    fn by_resend_with(settings: Settings) -> Self {
        let settings = settings
            .with("MAIL", "resend")
            .with("MAIL_FROM", "hello@example.com")
            .with("resend_api_key", "re_123456");
        Self::new(settings)
    }

    pub fn client(&self) -> &Client {
        &self.workerd.clients[0]
    }

    /// The address of a new account.
    pub fn sign_up(&self) -> String {
        let email = new_address();
        let person = json!({"email": email, "password": PASSWORD});
        assert_eq!(self.client().post("/auth/signup", &person).status, 200);
        email
    }

    fn forgot(&self, email: &str) {
        self.ask_for_code("/auth/password/forgot", email);
    }

    fn ask_for_code(&self, path: &str, email: &str) {
        let answer = self.client().post(path, &json!({ "email": email }));
        assert_eq!((answer.status, answer.json()), (200, json!({"sent": true})));
    }

    /// The code that this request sends.
    fn code_by(&self, path: &str, email: &str) -> String {
        self.ask_for_code(path, email);
        let (_, body) = self.provider.next();
        assert_eq!(body["to"], json!([email]));
        code_in(&body["text"])
    }

    fn enter(&self, path: &str, body: &Value) -> Answer {
        self.client().post(path, body)
    }

    fn reset(&self, email: &str, code: &str) -> Answer {
        let body = json!({"email": email, "code": code, "newPassword": NEW});
        self.client().post("/auth/password/reset", &body)
    }

    fn log_in(&self, email: &str, password: &str) -> u16 {
        self.try_log_in(email, password).status
    }

    pub fn try_log_in(&self, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        self.client().post("/auth/login", &body)
    }
}

fn shared() -> &'static Stage {
    static SHARED: LazyLock<Stage> = LazyLock::new(Stage::by_resend);
    &SHARED
}

/// An address that nobody has, with a name that mail servers take.
pub fn new_address() -> String {
    let name = random_user().to_lowercase().replace('@', ".");
    format!("{name}@example.com")
}

/// The code in the text of an e-mail.
pub fn code_in(text: &Value) -> String {
    let text = text.as_str().expect("a text");
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().find(is_code).expect("a code").to_owned()
}

#[test]
fn a_forgotten_password_is_reset_by_the_code_of_the_e_mail() {
    let stage = Stage::by_resend();
    let email = stage.sign_up();
    let before = stage.client().post(
        "/auth/login",
        &json!({"email": email, "password": PASSWORD}),
    );
    stage.forgot(&email);
    let (request, body) = stage.provider.next();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/emails")
    );
    assert_eq!(request.header("host"), Some("api.resend.com"));
    assert_eq!(request.header("authorization"), Some("Bearer re_123456"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("user-agent"), Some("tokenkeep"));
    assert!(
        request
            .header("idempotency-key")
            .is_some_and(|key| key.len() == 32)
    );
    assert_eq!(
        (&body["to"], &body["from"]),
        (
            &json!([email]),
            &json!("\"example.com\" <hello@example.com>")
        )
    );
    let code = code_in(&body["text"]);

    let first = stage.reset(&email, &code).tokens();
    let again = stage.reset(&email, &code).tokens();
    assert_eq!(first.session, again.session);
    assert_eq!(stage.client().refresh(&first.refresh).status, 200);
    stage
        .client()
        .refresh(&before.tokens().refresh)
        .assert_error(401, "session_revoked");
    assert_eq!(
        (stage.log_in(&email, PASSWORD), stage.log_in(&email, NEW)),
        (401, 200)
    );
    let verified = stage.workerd.d1.verified(&email);
    assert_eq!(verified, Some(true));
    // Within the minute nothing is sent.
    stage.forgot(&email);
    stage.forgot("nobody@example.com");
    assert_eq!(stage.provider.waiting(), 0);
    let log = stage.workerd.log();
    assert_eq!(leak(&log), None);
    assert!(!log.contains(&email) && !log.contains(&code), "{log}");
}

#[test]
fn a_new_address_logs_in_by_the_code_of_the_e_mail_and_has_no_password() {
    let stage = Stage::by_resend();
    let email = new_address();
    let code = stage.code_by("/auth/code/send", &email);
    let path = "/auth/code/login";
    let login = json!({"email": email, "code": code, "name": "Ada"});
    let wrong = json!({"email": email, "code": WRONG});
    stage.enter(path, &wrong).assert_error(400, "code_invalid");
    let first = stage.enter(path, &login).tokens();
    assert_eq!(stage.enter(path, &login).tokens().session, first.session);
    let me = stage.client().me(&first.access).json();
    assert_eq!(
        (&me["email"], &me["name"], &me["emailVerified"]),
        (&json!(email), &json!("Ada"), &json!(true))
    );
    assert_eq!(stage.workerd.d1.verified(&email), Some(true));
    assert_eq!(stage.log_in(&email, PASSWORD), 401);
    assert_eq!(stage.client().refresh(&first.refresh).status, 200);
    stage.ask_for_code("/auth/code/send", &email);
    assert_eq!(stage.provider.waiting(), 0, "within the minute");
}

#[test]
fn a_code_to_log_in_deletes_the_account() {
    let stage = Stage::by_resend();
    let email = stage.sign_up();
    let session = stage
        .client()
        .post(
            "/auth/login",
            &json!({"email": email, "password": PASSWORD}),
        )
        .tokens();
    let code = stage.code_by("/auth/code/send", &email);
    let delete = |code: &str| {
        let body = json!({ "code": code });
        let path = "/auth/me/delete";
        stage.client().send_as(&session.access, "POST", path, &body)
    };
    delete(WRONG).assert_error(400, "code_invalid");
    assert_eq!(delete(&code).json(), json!({"deleted": true}));
    delete(&code).assert_error(401, "session_revoked");
    assert_eq!(stage.log_in(&email, PASSWORD), 401);
}

#[test]
fn where_verification_is_required_the_code_comes_before_the_tokens() {
    let stage = Stage::by_resend_with(Settings::fresh().with("EMAIL_VERIFICATION", "required"));
    let email = new_address();
    let person = json!({"email": email, "password": PASSWORD});
    let required = json!({"verificationRequired": true});
    let sign_up = || stage.client().post("/auth/signup", &person).json();
    assert_eq!(sign_up(), required);
    let code = code_in(&stage.provider.next().1["text"]);
    assert_eq!(sign_up(), required);
    stage
        .client()
        .post("/auth/login", &person)
        .assert_error(403, "email_unverified");
    assert_eq!(stage.provider.waiting(), 0, "within the minute");
    let verify = json!({"email": email, "code": code, "password": PASSWORD});
    let session = stage.enter("/auth/email/verify", &verify).tokens();
    assert_eq!(stage.client().refresh(&session.refresh).status, 200);
    assert_eq!(stage.log_in(&email, PASSWORD), 200);
}

#[test]
fn whoever_enters_the_code_takes_the_account_over_from_a_stranger() {
    let stage = Stage::by_resend();
    let email = stage.sign_up();
    let stranger = stage
        .client()
        .post(
            "/auth/login",
            &json!({"email": email, "password": PASSWORD}),
        )
        .tokens();
    let code = stage.code_by("/auth/email/verify/send", &email);
    let verify = json!({"email": email, "code": code, "password": NEW});
    let owner = stage.enter("/auth/email/verify", &verify).tokens();
    stage
        .client()
        .refresh(&stranger.refresh)
        .assert_error(401, "session_revoked");
    assert_eq!(stage.client().refresh(&owner.refresh).status, 200);
    let both = (stage.log_in(&email, PASSWORD), stage.log_in(&email, NEW));
    assert_eq!(both, (401, 200));
}

#[test]
fn thirty_wrong_codes_at_once_end_the_code() {
    let stage = Stage::by_resend();
    let email = stage.sign_up();
    stage.forgot(&email);
    let code = code_in(&stage.provider.next().1["text"]);
    thread::scope(|scope| {
        let tries: Vec<_> = (0..30)
            .map(|_| scope.spawn(|| stage.reset(&email, WRONG)))
            .collect();
        for tried in tries {
            tried
                .join()
                .expect("an answer")
                .assert_error(400, "code_invalid");
        }
    });
    stage.reset(&email, &code).assert_error(400, "code_invalid");
    assert_eq!(stage.log_in(&email, PASSWORD), 200);
}

#[test]
fn a_provider_that_fails_is_tried_again_with_the_same_e_mail() {
    for manners in [&[Closes, Html(200)][..], &[Hangs], &[Json(429), Html(502)]] {
        let stage = Stage::by_resend();
        let email = stage.sign_up();
        stage.provider.will(manners);
        let started = Instant::now();
        stage.forgot(&email);
        assert!(
            started.elapsed().as_secs() < 3,
            "the answer waits for nobody"
        );
        let tries: Vec<_> = (0..=manners.len()).map(|_| stage.provider.next()).collect();
        let key = |index: usize| tries[index].0.header("idempotency-key").map(str::to_owned);
        for (index, (_, body)) in tries.iter().enumerate() {
            assert_eq!((body, key(index)), (&tries[0].1, key(0)), "{manners:?}");
        }
        let code = code_in(&tries[0].1["text"]);
        assert_eq!(stage.reset(&email, &code).status, 200);
        assert!(!stage.workerd.log().contains("mail_failed"));
    }
}

#[test]
fn a_provider_that_refuses_for_good_is_asked_once_and_reported() {
    let stage = Stage::by_resend();
    let email = stage.sign_up();
    stage.provider.will(&[Json(403)]);
    stage.forgot(&email);
    let _ = stage.provider.next();
    let told = "within the last hour, an e-mail could not be sent: Resend answered with status 403";
    let health = || stage.client().get("/health").json();
    let started = Instant::now();
    while health()["checks"]["mail"] != told {
        assert!(started.elapsed().as_secs() < 10, "{}", health());
    }
    assert_eq!(stage.provider.waiting(), 0);
    assert!(!stage.workerd.log().contains(&email));
}

#[test]
fn a_known_and_an_unknown_address_are_answered_at_the_same_moment() {
    let stage = shared();
    let milliseconds = |call: &dyn Fn() -> Answer| {
        let started = Instant::now();
        let status = call().status;
        (
            status,
            u64::try_from(started.elapsed().as_millis()).expect("short"),
        )
    };
    let mut of = [vec![], vec![]];
    for _ in 0..5 {
        let known = stage.sign_up();
        for (index, email) in [known.as_str(), "nobody@example.com"]
            .into_iter()
            .enumerate()
        {
            let body = json!({ "email": email });
            let forgot = || stage.client().post("/auth/password/forgot", &body);
            let (status, took) = milliseconds(&forgot);
            assert_eq!(status, 200);
            of[index].push(took);
            let (status, took) = milliseconds(&|| stage.reset(email, WRONG));
            assert_eq!(status, 400);
            of[index].push(took);
        }
    }
    for took in of.iter().flatten() {
        assert!((1_000..1_900).contains(took), "{of:?}");
    }
}

#[test]
fn a_webhook_gets_the_code_as_a_field() {
    let settings = Settings::fresh()
        .with("MAIL", "webhook")
        .with("MAIL_WEBHOOK_URL", "https://hook.example.com/x?y=1")
        .with("mail_webhook_key", "a-key");
    let stage = Stage::new(settings);
    let email = stage.sign_up();
    stage.provider.will(&[Html(204)]);
    stage.forgot(&email);
    let (request, body) = stage.provider.next();
    assert_eq!(request.target, "/x?y=1");
    assert_eq!(request.header("host"), Some("hook.example.com"));
    assert_eq!(
        (&body["kind"], &body["language"]),
        (&json!("reset"), &json!("en"))
    );
    let code = body["code"].as_str().expect("a code");
    assert_eq!(stage.reset(&email, code).status, 200);
}

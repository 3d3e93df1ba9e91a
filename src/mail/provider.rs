//! The request that each provider wants for an e-mail, from its documentation.

use serde_json::Value;

use crate::{
    config::mail::{ApiKey, MailSettings, Mailbox, Transport},
    mail::message::Message,
};

/// A `POST` of JSON. There is a key and a code in it: it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Headers besides `Content-Type`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// What a provider answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Whether the body is JSON by its `Content-Type`.
    pub is_json: bool,
}

/// How an e-mail goes out.
pub enum Delivery {
    /// By a request.
    Post(Post),
    /// By the binding `EMAIL`, which takes this JSON.
    Binding(String),
    /// Not at all: this is written to the log.
    Log(String),
}

/// How this e-mail goes out. `id` is its own, and the same each time it is tried.
#[must_use]
pub fn delivery(settings: &MailSettings, message: &Message, id: &str) -> Delivery {
    let address = |from: &Mailbox| quoted(&from.address);
    let name = |from: &Mailbox| {
        let name = from.name.as_ref().unwrap_or(&settings.app_name);
        quoted(name)
    };
    let to = &quoted(&message.to);
    let subject = &quoted(&message.subject);
    let text = &quoted(&message.text);
    let html = &quoted(&message.html);
    let code = message.code.as_ref();
    let code = &code.map_or_else(|| "null".to_owned(), |code| quoted(code.expose()));
    match &settings.transport {
        // resend.com/docs/api-reference/emails/send-email. Without a User-Agent it answers 403.
        Transport::Resend(key, from) => post(
            "https://api.resend.com/emails",
            vec![bearer(key), ("Idempotency-Key", id.to_owned())],
            &[
                ("from", &named(settings, from)),
                ("to", &["[", to, "]"].concat()),
                ("subject", subject),
                ("text", text),
                ("html", html),
            ],
        ),
        // developers.brevo.com/reference/sendtransacemail
        Transport::Brevo(key, from) => {
            let sender = object(&[("name", &name(from)), ("email", &address(from))]);
            post(
                "https://api.brevo.com/v3/smtp/email",
                vec![("api-key", key.expose().to_owned())],
                &[
                    ("sender", &sender),
                    ("to", &["[", &object(&[("email", to)]), "]"].concat()),
                    ("subject", subject),
                    ("textContent", text),
                    ("htmlContent", html),
                ],
            )
        }
        // postmarkapp.com/developer/api/email-api
        Transport::Postmark(key, from) => post(
            "https://api.postmarkapp.com/email",
            vec![("X-Postmark-Server-Token", key.expose().to_owned())],
            &[
                ("From", &named(settings, from)),
                ("To", to),
                ("Subject", subject),
                ("TextBody", text),
                ("HtmlBody", html),
                ("MessageStream", "\"outbound\""),
            ],
        ),
        Transport::Webhook(key, url) => post(
            url,
            vec![bearer(key)],
            &[
                ("to", to),
                ("subject", subject),
                ("text", text),
                ("html", html),
                ("kind", &quoted(message.kind)),
                ("code", code),
                ("language", &quoted(message.language.code())),
            ],
        ),
        // developers.cloudflare.com/email-service/api/send-emails/workers-api
        Transport::Cloudflare(from) => {
            let sender = object(&[("name", &name(from)), ("email", &address(from))]);
            Delivery::Binding(object(&[
                ("from", &sender),
                ("to", to),
                ("subject", subject),
                ("text", text),
                ("html", html),
            ]))
        }
        Transport::Log => Delivery::Log(object(&[
            ("event", "\"mail\""),
            ("to", to),
            ("subject", subject),
            ("code", code),
        ])),
    }
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// An object of values that are JSON already: a `json!` for each provider is 8 KB of WebAssembly.
fn object(fields: &[(&str, &str)]) -> String {
    let mut json = String::from("{");
    for (name, value) in fields {
        let comma = if json.len() > 1 { "," } else { "" };
        json.extend([comma, "\"", name, "\":", value]);
    }
    json + "}"
}

/// The name of a provider, as the log and `/health` have it.
#[must_use]
pub fn name(transport: &Transport) -> &'static str {
    match transport {
        Transport::Resend(..) => "Resend",
        Transport::Brevo(..) => "Brevo",
        Transport::Postmark(..) => "Postmark",
        Transport::Webhook(..) => "the webhook",
        Transport::Cloudflare(_) => "Cloudflare",
        Transport::Log => "the log",
    }
}

/// Whether a provider's success is JSON. A webhook may answer as it likes.
#[must_use]
pub fn answers_json(transport: &Transport) -> bool {
    !matches!(transport, Transport::Webhook(..))
}

fn post(url: &str, mut headers: Vec<(&'static str, String)>, fields: &[(&str, &str)]) -> Delivery {
    headers.push(("Accept", "application/json".into()));
    headers.push(("User-Agent", "tokenkeep".into()));
    Delivery::Post(Post {
        url: url.to_owned(),
        headers,
        body: object(fields),
    })
}

fn bearer(key: &ApiKey) -> (&'static str, String) {
    ("Authorization", format!("Bearer {}", key.expose()))
}

/// `"My App" <hello@example.com>` (RFC 5322, section 3.4), as JSON: the name as a quoted string.
fn named(settings: &MailSettings, from: &Mailbox) -> String {
    let name = from.name.as_ref().unwrap_or(&settings.app_name);
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    quoted(&["\"", &name, "\" <", &from.address, ">"].concat())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        config::{CheckedSettings, Settings, mail::Language},
        mail::words::Letter,
        token::code::{Code, CodeKind},
    };

    const FROM: (&str, &str) = ("MAIL_FROM", "hello@example.com");

    fn by(values: &[(&str, &str)]) -> Delivery {
        let secret = ("refresh_token_secret", "0123456789abcdef0123456789abcdef");
        let settings = Settings::read(|name| {
            let mut values =
                values
                    .iter()
                    .chain([&secret, &FROM, &("APP_NAME", "My \"App\", Inc")]);
            let found = values.find(|(known, _)| *known == name);
            found.map(|(_, text)| (*text).to_owned())
        });
        let config = CheckedSettings::read(&settings).config.expect("valid");
        let settings = config.mail.expect("valid").expect("on");
        let code = Code::from_random([0; 8]);
        let to = "ada@example.com";
        let message = Message::new(
            &settings,
            to,
            Letter::Code(CodeKind::Reset),
            code,
            Some(Language::En),
        );
        let mut message = message.expect("a plain address");
        (message.text, message.html) = ("T".into(), "H".into());
        delivery(&settings, &message, "an-id")
    }

    fn posted(values: &[(&str, &str)]) -> (String, String, Value) {
        let Delivery::Post(post) = by(values) else {
            panic!("not by a request");
        };
        let headers: Vec<String> = post
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let common = ["Accept: application/json", "User-Agent: tokenkeep"];
        let (own, rest) = headers.split_at(headers.len() - 2);
        assert_eq!(rest, common);
        (
            post.url,
            own.join("\n"),
            serde_json::from_str(&post.body).expect("JSON"),
        )
    }

    #[test]
    fn resend_gets_what_it_wants() {
        let (url, headers, body) = posted(&[("MAIL", "resend"), ("resend_api_key", "re_1")]);
        assert_eq!(url, "https://api.resend.com/emails");
        assert_eq!(
            headers,
            "Authorization: Bearer re_1\nIdempotency-Key: an-id"
        );
        let expected = json!({
            "from": "\"My \\\"App\\\", Inc\" <hello@example.com>", "to": ["ada@example.com"],
            "subject": "100000 is your code for My \"App\", Inc", "text": "T", "html": "H",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn brevo_gets_what_it_wants() {
        let (url, headers, body) = posted(&[("MAIL", "brevo"), ("brevo_api_key", "xkeysib-1")]);
        assert_eq!(url, "https://api.brevo.com/v3/smtp/email");
        assert_eq!(headers, "api-key: xkeysib-1");
        let expected = json!({
            "sender": {"name": "My \"App\", Inc", "email": "hello@example.com"},
            "to": [{"email": "ada@example.com"}],
            "subject": "100000 is your code for My \"App\", Inc", "textContent": "T", "htmlContent": "H",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn postmark_gets_what_it_wants() {
        let (url, headers, body) = posted(&[("MAIL", "postmark"), ("postmark_token", "pm-1")]);
        assert_eq!(url, "https://api.postmarkapp.com/email");
        assert_eq!(headers, "X-Postmark-Server-Token: pm-1");
        let expected = json!({
            "From": "\"My \\\"App\\\", Inc\" <hello@example.com>", "To": "ada@example.com",
            "Subject": "100000 is your code for My \"App\", Inc", "TextBody": "T", "HtmlBody": "H",
            "MessageStream": "outbound",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_webhook_gets_all_there_is() {
        let hook = "https://hook.example.com/x?y=1";
        let settings = [
            ("MAIL", "webhook"),
            ("MAIL_WEBHOOK_URL", hook),
            ("mail_webhook_key", "k"),
        ];
        let (url, headers, body) = posted(&settings);
        assert_eq!(
            (url.as_str(), headers.as_str()),
            (hook, "Authorization: Bearer k")
        );
        let expected = json!({
            "to": "ada@example.com", "subject": "100000 is your code for My \"App\", Inc",
            "text": "T", "html": "H", "kind": "reset", "code": "100000", "language": "en",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn cloudflare_gets_what_it_wants() {
        let Delivery::Binding(email) = by(&[("MAIL", "cloudflare")]) else {
            panic!("not by the binding");
        };
        let expected = json!({
            "from": {"name": "My \"App\", Inc", "email": "hello@example.com"},
            "to": "ada@example.com", "subject": "100000 is your code for My \"App\", Inc",
            "text": "T", "html": "H",
        });
        assert_eq!(
            serde_json::from_str::<Value>(&email).expect("JSON"),
            expected
        );
    }

    #[test]
    fn the_log_shows_the_code_to_the_developer() {
        let Delivery::Log(line) = by(&[("MAIL", "log")]) else {
            panic!("not to the log");
        };
        assert_eq!(
            line,
            r#"{"event":"mail","to":"ada@example.com","subject":"100000 is your code for My \"App\", Inc","code":"100000"}"#
        );
    }
}

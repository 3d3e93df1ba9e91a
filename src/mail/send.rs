//! Sends an e-mail, and tries again when that fails.
//!
//! The Worker does it after its response, and not the address's guard: that would keep an object
//! awake, and paid for, while it waits for a provider. A code is in memory only; if the Worker ends
//! before the e-mail is out, the user asks for another one a minute later.

use crate::{
    config::mail::{MailSettings, Transport},
    mail::{
        Mailer,
        message::Message,
        provider::{Answer, Delivery, answers_json, delivery, name},
    },
    port::{Fault, Runtime, within},
};

/// How long to wait before each try.
const PAUSES_MS: [u64; 3] = [0, 2_000, 10_000];

/// How long one try may take. All of it has to end within the 30 s that a Worker has after its
/// response.
pub const SEND_TIMEOUT_MS: u64 = 5_000;

const _: () = assert!(PAUSES_MS[1] + PAUSES_MS[2] + 3 * SEND_TIMEOUT_MS < 30_000);

/// Sends an e-mail.
///
/// # Errors
/// Why it is not sent: what the provider answered, for the owner. There is no address in it.
pub async fn send<P: Runtime + Mailer>(
    platform: &P,
    settings: &MailSettings,
    message: &Message,
) -> Result<(), String> {
    let id = u128::from_be_bytes(platform.bytes());
    let delivery = delivery(settings, message, &format!("{id:032x}"));
    let transport = &settings.transport;
    let mut failure = String::new();
    for pause_ms in PAUSES_MS {
        if pause_ms > 0 {
            platform.sleep_ms(pause_ms).await;
        }
        let tried = within(SEND_TIMEOUT_MS, platform, deliver(platform, &delivery)).await;
        let Err(outcome) = verdict(transport, tried) else {
            return Ok(());
        };
        failure = format!("{} {}", name(transport), outcome.words);
        if outcome.is_final {
            break;
        }
    }
    Err(failure)
}

async fn deliver<P: Runtime + Mailer>(platform: &P, delivery: &Delivery) -> Result<Answer, Fault> {
    const DONE: Answer = Answer {
        status: 200,
        is_json: true,
    };
    match delivery {
        Delivery::Post(post) => return platform.post(post).await,
        Delivery::Binding(email) => platform.send_by_binding(email).await?,
        Delivery::Log(line) => platform.log(line),
    }
    Ok(DONE)
}

/// Why a try has failed.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    words: String,
    /// The same request would get the same answer.
    is_final: bool,
}

fn verdict(transport: &Transport, tried: Result<Answer, Fault>) -> Result<(), Failure> {
    let failure = |words: &str, is_final| {
        let words = words.to_owned();
        Err(Failure { words, is_final })
    };
    match tried {
        Ok(Answer {
            status: 200..=299,
            is_json,
        }) if is_json || !answers_json(transport) => Ok(()),
        Ok(Answer {
            status: 200..=299, ..
        }) => failure("did not answer with JSON", false),
        Ok(Answer { status, .. }) => {
            let may_pass = matches!(status, 408 | 409 | 425 | 429 | 500..);
            failure(&format!("answered with status {status}"), !may_pass)
        }
        Err(Fault::TimedOut) => failure("did not answer in time", false),
        Err(Fault::NotBound(binding)) => {
            failure(&format!("is not there: {binding} is not bound"), true)
        }
        Err(_) => failure("could not be reached, or refused the e-mail", false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_what_is_refused_for_good_is_not() {
        let webhook = |tried| {
            let settings = crate::config::Settings::read(|name| {
                let text = match name {
                    "refresh_token_secret" => "0123456789abcdef0123456789abcdef",
                    "MAIL" => "webhook",
                    "MAIL_WEBHOOK_URL" => "https://hook.example.com",
                    "mail_webhook_key" => "k",
                    _ => return None,
                };
                Some(text.to_owned())
            });
            let config = crate::config::CheckedSettings::read(&settings).config;
            let mail = config.expect("valid").mail.expect("valid").expect("on");
            verdict(&mail.transport, tried)
        };
        let answer = |status, is_json| Ok(Answer { status, is_json });
        assert_eq!(webhook(answer(200, false)), Ok(()));
        assert_eq!(verdict(&Transport::Log, answer(202, true)), Ok(()));
        let is_final = |tried| {
            verdict(&Transport::Log, tried)
                .expect_err("a failure")
                .is_final
        };
        for status in [400, 401, 403, 404, 413, 422, 301] {
            assert!(is_final(answer(status, true)), "{status}");
        }
        for status in [408, 409, 425, 429, 500, 502, 503, 504, 521] {
            assert!(!is_final(answer(status, true)), "{status}");
        }
        for tried in [answer(200, false), Err(Fault::TimedOut), Err(Fault::Failed)] {
            assert!(!is_final(tried));
        }
    }
}

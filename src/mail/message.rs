//! One e-mail with a code, as text and as HTML.

use std::fmt::Write as _;

use crate::{
    config::mail::{Language, MailSettings, is_plain_address},
    mail::words::{Letter, words},
    token::code::Code,
};

/// The HTML. It is one column with styles in it, as old mail programs want it; the others take their
/// colours for dark mode from the style sheet.
const PAGE: &str = include_str!("message.html");

/// An e-mail. There is a code in it: it cannot be printed.
pub struct Message {
    /// The address that it goes to.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// As text.
    pub text: String,
    /// As HTML.
    pub html: String,
    /// What it is about.
    pub letter: Letter,
    /// The code.
    pub code: Code,
    /// The language that it is in.
    pub language: Language,
}

impl Message {
    /// The e-mail with this code; none for an address that cannot be sent to.
    #[must_use]
    pub fn new(
        settings: &MailSettings,
        to: &str,
        letter: Letter,
        code: Code,
        language: Option<Language>,
    ) -> Option<Self> {
        if !is_plain_address(to) {
            return None;
        }
        let language = language.unwrap_or(settings.language);
        let words = words(language);
        let minutes = (letter.lifetime_ms() / 60_000).to_string();
        let app = isolated(&settings.app_name);
        let fill = |template: &str, app: &str| {
            fill(
                template,
                &[("app", app), ("code", code.expose()), ("minutes", &minutes)],
            )
        };
        let said = words.of(letter);
        let subject = fill(words.subject, &app);
        let [request, validity] = [said.request, words.validity].map(|text| fill(text, &app));
        let text = format!(
            "{request}\n\n{}\n\n{validity}\n\n{}\n\n{app}\n",
            code.expose(),
            said.unasked
        );
        let safe_app = format!("<bdi>{}</bdi>", escaped(&settings.app_name));
        let html = |template: &str| fill(&escaped(template), &safe_app);
        let html = self::fill(
            PAGE,
            &[
                ("language", language.code()),
                ("subject", &escaped(&subject)),
                ("app", &safe_app),
                ("request", &html(said.request)),
                ("code", code.expose()),
                ("validity", &html(words.validity)),
                ("unasked", &escaped(said.unasked)),
            ],
        );
        Some(Self {
            to: to.to_owned(),
            subject,
            text,
            html,
            letter,
            code,
            language,
        })
    }
}

/// A template with its values, each `{{name}}` replaced once: what looks like a name in a value stays.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        text += value.map_or("", |(_, value)| value);
        text += rest;
    }
    text
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let _ = match character {
            '&' | '<' | '>' | '"' | '\'' => write!(safe, "&#{};", u32::from(character)),
            other => safe.write_char(other),
        };
    }
    safe
}

/// A name in a line of text. One that is written from right to left is isolated, else it would take
/// the punctuation beside it along. (Others are not: old mail programs show boxes for these marks.)
fn isolated(name: &str) -> String {
    let is_from_right = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    if name.contains(is_from_right) {
        format!("\u{2068}{name}\u{2069}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::mail::Transport, token::code::CodeKind};

    const RESET: Letter = Letter::Code(CodeKind::Reset);
    const LETTERS: [Letter; 4] = [
        RESET,
        Letter::Code(CodeKind::Login),
        Letter::Code(CodeKind::Verify),
        Letter::Known,
    ];

    fn message(app_name: &str, language: Language) -> Message {
        message_of(RESET, app_name, language)
    }

    fn message_of(letter: Letter, app_name: &str, language: Language) -> Message {
        let settings = MailSettings {
            transport: Transport::Log,
            app_name: app_name.into(),
            language: Language::En,
        };
        let code = Code::from_random([0; 8]);
        let to = "ada@example.com";
        Message::new(&settings, to, letter, code, Some(language)).expect("a plain address")
    }

    #[test]
    fn the_text_is_complete_in_every_language() {
        for (language, letter) in Language::ALL
            .into_iter()
            .flat_map(|language| LETTERS.map(|letter| (language, letter)))
        {
            let message = message_of(letter, "Ada's Shop", language);
            let code = language.code();
            assert!(message.subject.contains("100000"), "{code}");
            let minutes = (letter.lifetime_ms() / 60_000).to_string();
            for part in [&message.text, &message.html] {
                assert!(
                    part.contains("100000") && part.contains(&minutes),
                    "{code}: {part}"
                );
                assert!(
                    !part.contains("{{") && !part.contains("}}"),
                    "{code}: {part}"
                );
            }
            assert!(message.text.contains("Ada's Shop") && message.html.contains("Ada&#39;s Shop"));
            assert!(message.html.contains(&format!("lang=\"{code}\"")));
            assert!(!message.html.contains("http"), "a link");
        }
    }

    #[test]
    fn the_english_text_is_pinned() {
        let message = message("Shop", Language::En);
        assert_eq!(message.subject, "100000 is your code for Shop");
        assert_eq!(
            message.text,
            "Enter this code in Shop to choose a new password:\n\n100000\n\nIt is valid for 15 minutes and works once. Do not give it to anyone.\n\nIf you did not ask for it, you can ignore this e-mail: your password stays as it is.\n\nShop\n"
        );
    }

    #[test]
    fn a_name_stays_a_name() {
        let odd = "<img src=x onerror=\"a\">&{{code}}'";
        let message = message(odd, Language::De);
        assert!(message.text.contains(odd));
        assert!(!message.html.contains("<img") && !message.html.contains("onerror=\""));
        assert_eq!(
            message.html.matches("100000").count(),
            2,
            "the subject and the code"
        );
    }

    #[test]
    fn a_name_from_right_to_left_takes_no_punctuation_along() {
        let message = message("متجر", Language::En);
        assert!(message.text.contains("in \u{2068}متجر\u{2069} to"));
        assert!(message.html.contains("<bdi>متجر</bdi>"));
    }

    #[test]
    fn there_is_no_e_mail_to_what_is_not_one_plain_address() {
        let settings = MailSettings {
            transport: Transport::Log,
            app_name: "x".into(),
            language: Language::En,
        };
        for to in [
            "ada@example.com,eve@example.com",
            "a\r\nb@example.com",
            "ada@localhost",
        ] {
            let code = Code::from_random([0; 8]);
            assert!(Message::new(&settings, to, RESET, code, None).is_none());
        }
    }
}

//! One e-mail, as text and as HTML.

use std::fmt::Write as _;

use crate::{
    config::mail::{Language, MailSettings, is_plain_address},
    mail::words::{Letter, words},
    token::code::Code,
};

/// The HTML. It is one column with styles in it, as old mail programs want it; the others take their
/// colours for dark mode from the style sheet.
const PAGE: &str = include_str!("message.html");

/// The rows of its table.
const PLAIN: &str = "<tr><td style=\"padding:16px 24px 0\">{{content}}</td></tr>\n";
const QUIET: &str = "<tr><td class=\"quiet\" style=\"padding:16px 24px 0;color:#5a616c;font-size:14px\">{{content}}</td></tr>\n";
const CODE: &str = "<tr><td style=\"padding:16px 24px 0\"><div class=\"code\" dir=\"ltr\" style=\"padding:12px 8px;background:#f2f3f5;border-radius:8px;color:#1d2025;font-family:Menlo,Consolas,monospace;font-size:32px;font-weight:bold;letter-spacing:4px;line-height:1.3;text-align:center\">{{content}}</div></td></tr>\n";

/// An e-mail. There may be a code in it: it cannot be printed.
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
    pub kind: &'static str,
    /// The code, if there is one.
    pub code: Option<Code>,
    /// The language that it is in.
    pub language: Language,
}

/// A part of an e-mail, below the name of the app.
enum Part<'a> {
    /// What its reader has to know.
    Plain(&'a str),
    /// What matters only if they have not asked for it.
    Quiet(&'a str),
    /// The code.
    Code,
}

/// What an e-mail says, as templates.
struct Draft<'a> {
    kind: &'static str,
    subject: &'a str,
    parts: &'a [Part<'a>],
    code: Option<(Code, u64)>,
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
        let language = language.unwrap_or(settings.language);
        let words = words(language);
        let said = words.of(letter);
        let parts = [
            Part::Plain(said.request),
            Part::Code,
            Part::Plain(words.validity),
            Part::Quiet(said.unasked),
        ];
        let draft = Draft {
            kind: letter.name(),
            subject: words.subject,
            parts: &parts,
            code: Some((code, letter.lifetime_ms() / 60_000)),
        };
        draft.message(settings, to, language)
    }

    /// The notice to the address that an account is about to leave; none for one that cannot be sent
    /// to.
    #[must_use]
    pub fn of_change(
        settings: &MailSettings,
        to: &str,
        language: Option<Language>,
    ) -> Option<Self> {
        let language = language.unwrap_or(settings.language);
        let said = words(language).change_notice();
        let draft = Draft {
            kind: "change_notice",
            subject: said.subject,
            parts: &[Part::Plain(said.news), Part::Plain(said.unasked)],
            code: None,
        };
        draft.message(settings, to, language)
    }
}

impl Draft<'_> {
    fn message(self, settings: &MailSettings, to: &str, language: Language) -> Option<Message> {
        if !is_plain_address(to) {
            return None;
        }
        let (code, minutes) = match &self.code {
            Some((code, minutes)) => (code.expose(), minutes.to_string()),
            None => ("", String::new()),
        };
        let fill = |template: &str, app: &str| {
            let values = [("app", app), ("code", code), ("minutes", &minutes)];
            fill(template, &values)
        };
        let app = isolated(&settings.app_name);
        let subject = fill(self.subject, &app);
        let texts = self.parts.iter().map(|part| match part {
            Part::Plain(text) | Part::Quiet(text) => fill(text, &app),
            Part::Code => code.to_owned(),
        });
        let text = texts.collect::<Vec<_>>().join("\n\n");
        let safe_app = format!("<bdi>{}</bdi>", escaped(&settings.app_name));
        let rows = self.parts.iter().map(|part| match part {
            Part::Plain(text) => row(PLAIN, &fill(&unbroken(text), &safe_app)),
            Part::Quiet(text) => row(QUIET, &fill(&unbroken(text), &safe_app)),
            Part::Code => row(CODE, code),
        });
        let html = self::fill(
            PAGE,
            &[
                ("language", language.code()),
                ("subject", &escaped(&subject)),
                ("app", &safe_app),
                ("rows", &rows.collect::<String>()),
            ],
        );
        Some(Message {
            to: to.to_owned(),
            text: format!("{text}\n\n{app}\n"),
            subject,
            html,
            kind: self.kind,
            code: self.code.map(|(code, _)| code),
            language,
        })
    }
}

fn row(template: &str, content: &str) -> String {
    fill(template, &[("content", content)])
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

/// Our own words as HTML. Their hyphens break no line: none ends with "E-" and goes on with "Mail".
fn unbroken(text: &str) -> String {
    escaped(text).replace('-', "&#8209;")
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

    const ADA: &str = "ada@example.com";
    const RESET: Letter = Letter::Code(CodeKind::Reset);
    const LETTERS: [Letter; 5] = [
        RESET,
        Letter::Code(CodeKind::Change),
        Letter::Code(CodeKind::Login),
        Letter::Code(CodeKind::Verify),
        Letter::Known,
    ];

    fn message(app_name: &str, language: Language) -> Message {
        message_of(RESET, app_name, language)
    }

    fn message_of(letter: Letter, app_name: &str, language: Language) -> Message {
        let code = Code::from_random([0; 8]);
        Message::new(&settings(app_name), ADA, letter, code, Some(language)).expect("plain")
    }

    fn settings(app_name: &str) -> MailSettings {
        MailSettings {
            transport: Transport::Log,
            app_name: app_name.into(),
            language: Language::En,
        }
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
    fn a_name_that_ends_with_a_full_stop_ends_no_sentence() {
        for language in Language::ALL {
            let letters = LETTERS.map(|letter| message_of(letter, "Shop Inc.", language));
            let notice = Message::of_change(&settings("Shop Inc."), ADA, Some(language));
            for message in letters.into_iter().chain(notice) {
                assert!(!message.text.contains("Inc.."), "{}", message.text);
            }
        }
    }

    #[test]
    fn no_line_of_the_html_ends_within_a_word_but_the_name_stays_as_it_is() {
        let message = message("e-Shop", Language::De);
        assert!(
            message.html.contains("E&#8209;Mail") && message.html.contains("<bdi>e-Shop</bdi>")
        );
        assert!(message.text.contains("E-Mail"));
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
        for to in [
            "ada@example.com,eve@example.com",
            "a\r\nb@example.com",
            "ada@localhost",
        ] {
            let code = Code::from_random([0; 8]);
            assert!(Message::new(&settings("x"), to, RESET, code, None).is_none());
        }
    }
}

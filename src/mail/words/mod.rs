//! What e-mails say, a file for each language. `{{app}}`, `{{code}}` and `{{minutes}}` are filled in.

mod de;
mod en;
mod es;
mod fr;
mod it;
mod pt;

use crate::{config::mail::Language, token::code::CodeKind};

/// The words of one language.
pub struct Words {
    /// The subject. It begins with the code: a phone shows its first words in a notification, and
    /// mail programs put e-mails with one subject together.
    pub subject: &'static str,
    /// For how long a code is valid.
    pub validity: &'static str,
    reset: Said,
    change: Said,
    change_notice: Notice,
}

/// What is said of one kind of code.
pub struct Said {
    /// What to do with the code.
    pub request: &'static str,
    /// What to do if somebody else has asked for it.
    pub unasked: &'static str,
}

/// What an e-mail without a code says.
pub struct Notice {
    /// The subject.
    pub subject: &'static str,
    /// What has happened.
    pub news: &'static str,
    /// What to do if it was somebody else.
    pub unasked: &'static str,
}

impl Words {
    /// What is said of this kind of code.
    #[must_use]
    pub fn of(&self, kind: CodeKind) -> &Said {
        match kind {
            CodeKind::Reset => &self.reset,
            CodeKind::Change => &self.change,
        }
    }

    /// What the owner of the earlier address is told.
    #[must_use]
    pub fn change_notice(&self) -> &Notice {
        &self.change_notice
    }
}

/// The words of a language.
#[must_use]
pub fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &en::WORDS,
        Language::Es => &es::WORDS,
        Language::Fr => &fr::WORDS,
        Language::De => &de::WORDS,
        Language::It => &it::WORDS,
        Language::Pt => &pt::WORDS,
    }
}

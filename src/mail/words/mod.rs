//! What e-mails say, a file for each language. `{{app}}`, `{{code}}` and `{{minutes}}` are filled in.
//! No sentence ends with `{{app}}`, which may itself end with a full stop: "Shop Inc.".

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
    login: Said,
    verify: Said,
    known: Said,
    change: Said,
    change_notice: Notice,
}

/// What an e-mail with a code is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    /// What the code is for.
    Code(CodeKind),
    /// A code to verify an address, for somebody who signs up with it and has an account already.
    Known,
}

impl Letter {
    /// Its name, in e-mails for a webhook.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Code(kind) => kind.name(),
            Self::Known => "known",
        }
    }

    /// For how long its code is valid.
    #[must_use]
    pub fn lifetime_ms(self) -> u64 {
        match self {
            Self::Code(kind) => kind.lifetime_ms(),
            Self::Known => CodeKind::Verify.lifetime_ms(),
        }
    }
}

/// What is said in one kind of e-mail.
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
    /// What is said in this kind of e-mail.
    #[must_use]
    pub fn of(&self, letter: Letter) -> &Said {
        match letter {
            Letter::Code(CodeKind::Reset) => &self.reset,
            Letter::Code(CodeKind::Login) => &self.login,
            Letter::Code(CodeKind::Verify) => &self.verify,
            Letter::Code(CodeKind::Change) => &self.change,
            Letter::Known => &self.known,
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

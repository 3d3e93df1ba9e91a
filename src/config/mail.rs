//! The settings of e-mail: who sends it, from which address, in whose name, and in which language.

use std::fmt;

use zeroize::Zeroizing;

use super::{ConfigError, name, reader::Reader};
use crate::text::{is_invisible, trim};

/// What `MAIL` may be.
pub const PROVIDERS: &str = "off, resend, brevo, postmark, webhook, cloudflare, log";

/// What `MAIL_LANGUAGE` may be.
pub const LANGUAGES: &str = "en, es, fr, de, it, pt";

/// Maximum size of `APP_NAME`, in bytes.
const APP_NAME_BYTES: usize = 256;

/// In whose name e-mails are written where nothing says so.
const NO_NAME: &str = "Tokenkeep";

/// How e-mails are sent.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Who delivers them.
    pub transport: Transport,
    /// What the app is called.
    pub app_name: String,
    /// The language of a request that names none, or one that is not there.
    pub language: Language,
}

impl MailSettings {
    /// The settings, if e-mails can be sent from here: a log that others can read gets no codes.
    ///
    /// # Errors
    /// Why they cannot.
    pub fn usable<'s>(
        settings: Result<&'s Option<Self>, &ConfigError>,
        is_local: bool,
    ) -> Result<&'s Self, ConfigError> {
        match settings {
            Err(error) => Err(*error),
            Ok(None) => Err(ConfigError::MailOff),
            Ok(Some(settings)) if matches!(settings.transport, Transport::Log) && !is_local => {
                Err(ConfigError::MailLogged)
            }
            Ok(Some(settings)) => Ok(settings),
        }
    }
}

/// Who delivers e-mails.
#[derive(Debug, Clone)]
pub enum Transport {
    /// resend.com
    Resend(ApiKey, Mailbox),
    /// brevo.com
    Brevo(ApiKey, Mailbox),
    /// postmarkapp.com
    Postmark(ApiKey, Mailbox),
    /// A URL of the owner's, which gets everything as JSON.
    Webhook(ApiKey, String),
    /// The binding `EMAIL`.
    Cloudflare(Mailbox),
    /// Nobody: they are written to the log, on the developer's computer.
    Log,
}

/// A key for somebody's API. Redacted when printed, zeroed on drop.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    fn parse(text: &str) -> Option<Self> {
        let text = trim(text);
        let fits = text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The key itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(_)")
    }
}

/// Whom e-mails come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The name; none where it is the app's.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

impl Mailbox {
    /// `hello@example.com`, or `Example <hello@example.com>`.
    fn parse(text: &str) -> Option<Self> {
        let text = trim(text);
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
            Some((name, address)) => (one_line(name.trim().trim_matches('"')), address.trim()),
            None => (String::new(), text),
        };
        is_plain_address(address).then(|| Self {
            name: Some(name).filter(|name| !name.is_empty()),
            address: address.to_owned(),
        })
    }
}

/// Whether a text is one address, of the kind that every mail server takes, and nothing that an API
/// could read as two, as a name, or as a header.
#[must_use]
pub fn is_plain_address(text: &str) -> bool {
    let is_plain = |part: &str| {
        let is_odd = |c: char| {
            c.is_whitespace() || c.is_control() || is_invisible(c) || "@,;:<>()[]\\\"".contains(c)
        };
        !part.is_empty() && !part.contains(is_odd)
    };
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        let is_domain = domain.is_ascii() && domain.contains('.') && !domain.starts_with('.');
        is_plain(local) && local.len() <= 64 && is_plain(domain) && is_domain
    })
}

/// A text without line breaks and what else no name has.
fn one_line(text: &str) -> String {
    let plain = text.split(|c: char| c.is_control() || c.is_whitespace());
    let words = plain.filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// A language that e-mails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named by their code (ISO 639-1)")]
pub enum Language {
    En,
    Es,
    Fr,
    De,
    It,
    Pt,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 6] = [Self::En, Self::Es, Self::Fr, Self::De, Self::It, Self::Pt];

    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::Fr => "fr",
            Self::De => "de",
            Self::It => "it",
            Self::Pt => "pt",
        }
    }

    /// The language of a tag such as `pt-BR` or `de_AT` (RFC 5646), if there is one.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let code = trim(tag).split(['-', '_']).next()?.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }
}

impl Reader<'_> {
    /// How e-mails are sent; none where they are not.
    pub(super) fn mail(&mut self) -> Result<Option<MailSettings>, ConfigError> {
        let resend = self.api_key(name::RESEND_API_KEY);
        let brevo = self.api_key(name::BREVO_API_KEY);
        let postmark = self.api_key(name::POSTMARK_TOKEN);
        let webhook_key = self.api_key(name::MAIL_WEBHOOK_KEY);
        let url = self.webhook_url();
        let from = self.sender();
        let app_name = self.app_name();
        let language = self.language();

        let off = Ok(None);
        let choice = self.settings.get(name::MAIL).map(str::trim);
        let sender = |reader: &mut Self| reader.needed(name::MAIL_FROM, from.clone());
        let transport = match choice.map(str::to_ascii_lowercase).as_deref() {
            None => return self.note(name::MAIL, off, |_| false),
            Some("off" | "false") => return self.note(name::MAIL, off, |_| true),
            Some("log") => Ok(Transport::Log),
            Some("cloudflare") => sender(self).map(Transport::Cloudflare),
            Some("resend") => {
                let key = self.needed(name::RESEND_API_KEY, resend);
                key.and_then(|key| Ok(Transport::Resend(key, sender(self)?)))
            }
            Some("brevo") => {
                let key = self.needed(name::BREVO_API_KEY, brevo);
                key.and_then(|key| Ok(Transport::Brevo(key, sender(self)?)))
            }
            Some("postmark") => {
                let key = self.needed(name::POSTMARK_TOKEN, postmark);
                key.and_then(|key| Ok(Transport::Postmark(key, sender(self)?)))
            }
            Some("webhook") => {
                let url = self.needed(name::MAIL_WEBHOOK_URL, url);
                let key = self.needed(name::MAIL_WEBHOOK_KEY, webhook_key);
                url.and_then(|url| Ok(Transport::Webhook(key?, url)))
            }
            Some(_) => {
                let one_of = ConfigError::NotOneOf(name::MAIL, PROVIDERS);
                return self.note(name::MAIL, Err(one_of), |_| true);
            }
        };
        let _ = self.note(name::MAIL, Ok(()), |()| true);
        let domain = |from: Mailbox| from.address.rsplit('@').next().map(str::to_owned);
        let unnamed = || from.clone().ok().flatten().and_then(domain);
        Ok(Some(MailSettings {
            transport: transport?,
            app_name: app_name?.or_else(unnamed).unwrap_or_else(|| NO_NAME.into()),
            language: language?,
        }))
    }

    /// What the chosen way of sending cannot do without.
    fn needed<T>(
        &mut self,
        name: &'static str,
        read: Result<Option<T>, ConfigError>,
    ) -> Result<T, ConfigError> {
        match read {
            Ok(Some(value)) => Ok(value),
            Ok(None) => self.note(name, Err(ConfigError::MailNeeds(name)), |_| true),
            Err(error) => Err(error),
        }
    }

    fn api_key(&mut self, name: &'static str) -> Result<Option<ApiKey>, ConfigError> {
        let parse = |text| ApiKey::parse(text).ok_or(ConfigError::NotAnApiKey(name));
        let key = self.settings.get(name).map(parse).transpose();
        self.note(name, key, Option::is_some)
    }

    fn sender(&mut self) -> Result<Option<Mailbox>, ConfigError> {
        let name = name::MAIL_FROM;
        let parse = |text| Mailbox::parse(text).ok_or(ConfigError::NotASender(name));
        let sender = self.settings.get(name).map(parse).transpose();
        self.note(name, sender, Option::is_some)
    }

    fn webhook_url(&mut self) -> Result<Option<String>, ConfigError> {
        let name = name::MAIL_WEBHOOK_URL;
        let parse = |text: &str| {
            let url = trim(text);
            let is_odd = |c: char| !c.is_ascii_graphic();
            let is_url = url.starts_with("https://") && !url.contains(is_odd);
            is_url
                .then(|| url.to_owned())
                .ok_or(ConfigError::NotAUrl(name))
        };
        let url = self.settings.get(name).map(parse).transpose();
        self.note(name, url, Option::is_some)
    }

    fn app_name(&mut self) -> Result<Option<String>, ConfigError> {
        let name = name::APP_NAME;
        let app_name = match self.settings.get(name).map(one_line) {
            Some(text) if text.len() > APP_NAME_BYTES => Err(ConfigError::TooLong(name)),
            other => Ok(other),
        };
        self.note(name, app_name, Option::is_some)
    }

    fn language(&mut self) -> Result<Language, ConfigError> {
        let name = name::MAIL_LANGUAGE;
        let language = match self.settings.get(name) {
            None => Ok(Language::En),
            Some(tag) => Language::of_tag(tag).ok_or(ConfigError::NotOneOf(name, LANGUAGES)),
        };
        self.note(name, language, |_| true)
    }
}

#[cfg(test)]
mod tests;

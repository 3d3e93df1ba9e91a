//! How a setting of each kind is read.

use std::{collections::BTreeMap, ops::RangeInclusive};

use super::{
    AllowedOrigins, ConfigError, MailSettings, SessionStore, Settings, Verdict, Verification,
    location::location,
};
use crate::token::{
    access::{AccessType, ISSUER_BYTES},
    template::ClaimsTemplate,
};

/// Reads settings by kind, and notes how each of them does.
pub(super) struct Reader<'a> {
    pub(super) settings: &'a Settings,
    pub(super) verdicts: BTreeMap<&'static str, Verdict>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            verdicts: BTreeMap::new(),
        }
    }

    /// Notes what the owner reads of a setting.
    pub(super) fn note<T>(
        &mut self,
        name: &'static str,
        read: Result<T, ConfigError>,
        is_set: impl FnOnce(&T) -> bool,
    ) -> Result<T, ConfigError> {
        let verdict = match &read {
            Ok(value) if is_set(value) => Verdict::Ok,
            Ok(_) => Verdict::NotSet,
            Err(error) => Verdict::Wrong(*error),
        };
        self.verdicts.insert(name, verdict);
        read
    }

    /// A whole number of seconds.
    pub(super) fn seconds(
        &mut self,
        name: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let text = self.settings.get(name);
        let number = text.map_or(Some(default), |text| text.trim().parse().ok());
        let (min, max) = (*range.start(), *range.end());
        let number = number
            .filter(|number| range.contains(number))
            .ok_or(ConfigError::OutOfRange { name, min, max });
        self.note(name, number, |_| true)
    }

    /// A whole number, if it is set.
    pub(super) fn count(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ConfigError> {
        let (min, max) = (*range.start(), *range.end());
        let parse = |text: &str| {
            let number = text
                .trim()
                .parse()
                .ok()
                .filter(|number| range.contains(number));
            number.ok_or(ConfigError::NotACount { name, min, max })
        };
        let number = self.settings.get(name).map(parse).transpose();
        self.note(name, number, Option::is_some)
    }

    pub(super) fn access_token_type(
        &mut self,
        name: &'static str,
    ) -> Result<AccessType, ConfigError> {
        let typ = match self.settings.get(name).map(str::trim) {
            None => Ok(AccessType::default()),
            Some(text) => [AccessType::AtJwt, AccessType::Jwt]
                .into_iter()
                .find(|typ| text.eq_ignore_ascii_case(typ.name()))
                .ok_or(ConfigError::NotOneOf(name, "at+jwt, JWT")),
        };
        self.note(name, typ, |_| true)
    }

    /// The claims that are added to access tokens, the role among them.
    pub(super) fn claims_template(
        &mut self,
        name: &'static str,
        role: &'static str,
    ) -> Result<ClaimsTemplate, ConfigError> {
        let parse = |text| {
            ClaimsTemplate::parse(text).map_err(|problem| ConfigError::Claims(name, problem))
        };
        let template = self.settings.get(name).map(parse).transpose();
        let template = self.note(name, template, Option::is_some);
        let text = self.settings.get(role).map(str::trim);
        let with_role = template.clone().unwrap_or_default().unwrap_or_default();
        let with_role = text.map_or(Ok(with_role.clone()), |text| {
            let problem = |problem| ConfigError::Claims(role, problem);
            with_role.with_role(text).map_err(problem)
        });
        let with_role = self.note(role, with_role, |_| text.is_some());
        template.and(with_role)
    }

    /// The name of a store; KV where it is not set.
    pub(super) fn session_store(
        &mut self,
        name: &'static str,
    ) -> Result<SessionStore, ConfigError> {
        let store = match self.settings.get(name).map(str::trim) {
            None | Some("kv") => Ok(SessionStore::Kv),
            Some("durable_objects") => Ok(SessionStore::DurableObjects),
            Some(_) => Err(ConfigError::NotAStore(name)),
        };
        self.note(name, store, |_| true)
    }

    /// A var that is on unless it is set to off. A TOML boolean arrives as `true` or `false`.
    pub(super) fn switch(&mut self, name: &'static str) -> Result<bool, ConfigError> {
        let text = self.settings.get(name).map(str::trim);
        let is_on = match text.map(str::to_ascii_lowercase).as_deref() {
            None | Some("on" | "true") => Ok(true),
            Some("off" | "false") => Ok(false),
            Some(_) => Err(ConfigError::NotASwitch(name)),
        };
        self.note(name, is_on, |_| true)
    }

    /// Whether addresses are verified, which takes e-mails.
    pub(super) fn verification(
        &mut self,
        name: &'static str,
        mail: &Result<Option<MailSettings>, ConfigError>,
    ) -> Result<Verification, ConfigError> {
        let text = self.settings.get(name).map(str::trim);
        let wanted = match text.map(str::to_ascii_lowercase).as_deref() {
            None | Some("off" | "false") => Ok(Verification::Off),
            Some("on" | "true") => Ok(Verification::On),
            Some("required") => Ok(Verification::Required),
            Some(_) => Err(ConfigError::NotOneOf(name, "off, on, required")),
        };
        let verification = match (wanted, mail) {
            (Ok(Verification::On | Verification::Required), Ok(None)) => {
                Err(ConfigError::VerificationNeedsMail)
            }
            (wanted, _) => wanted,
        };
        self.note(name, verification, |_| true)
    }

    /// A name that stands in every access token: measured as it stands there.
    pub(super) fn party(&mut self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let text = self.settings.get(name).map(str::trim);
        let fits = |text: &str| {
            serde_json::to_string(text).is_ok_and(|json| json.len() <= ISSUER_BYTES + r#""""#.len())
        };
        let party = match text {
            Some(text) if !fits(text) => Err(ConfigError::TooLong(name)),
            other => Ok(other.map(|text| text.trim_end_matches('/').to_owned())),
        };
        self.note(name, party, Option::is_some)
    }

    /// A region. A wrong one is no hint, and fails nothing but the health check.
    pub(super) fn location(&mut self, name: &'static str) -> Result<(), ConfigError> {
        let text = self.settings.get(name);
        let is_known = text.is_none_or(|text| location(text).is_some());
        let checked = is_known
            .then_some(())
            .ok_or(ConfigError::NotALocation(name));
        self.note(name, checked, |()| true)
    }

    /// The origins, and whether each of them can match.
    pub(super) fn origins(
        &mut self,
        name: &'static str,
    ) -> (AllowedOrigins, Result<(), ConfigError>) {
        let origins = AllowedOrigins::parse(self.settings.get(name).unwrap_or("*"));
        let can_all_match = origins.can_all_match();
        let checked = can_all_match
            .then_some(())
            .ok_or(ConfigError::NotAnOrigin(name));
        (origins, self.note(name, checked, |()| true))
    }
}

//! The owner's settings: read, checked and named in one place.
//!
//! Nothing is guessed. A value that is missing, weak or out of range becomes an error that names
//! it and says how to fix it; the rest of the worker only ever sees valid values.

mod error;
mod location;
pub mod mail;
mod origins;
mod settings;

use std::{collections::BTreeMap, ops::RangeInclusive};

use crate::{
    text::trim,
    token::{
        access::{AccessType, ISSUER_BYTES},
        code::CodeKeys,
        key::{Keyring, SigningKey},
        key_pair::{KeyPairs, PrivateKey, PublicKey},
        secret::{Secret, SecretProblem},
        template::ClaimsTemplate,
        time::LONGEST_SESSION_SECONDS,
    },
};

pub use error::ConfigError;
pub use location::location;
pub use mail::MailSettings;
pub use origins::AllowedOrigins;
pub use settings::{NAMES, Settings, name};

/// Shortest idle window that may be configured, in seconds. The store may be a minute or two
/// behind: with a window of that size, a user who was just here would look idle from elsewhere.
pub const MIN_IDLE_SECONDS: u64 = 600;

/// How many sessions an account may have, unless that is configured.
pub const DEFAULT_SESSIONS_PER_USER: usize = 1_000;

/// Where sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStore {
    /// In Workers KV.
    #[default]
    Kv,
    /// In a Durable Object for each user.
    DurableObjects,
}

impl SessionStore {
    /// Whether it is the one that need not be named.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether people have to show that an address is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verification {
    /// They do not.
    #[default]
    Off,
    /// They are asked to: a code is sent at sign-up.
    On,
    /// There are no tokens before.
    Required,
}

/// What is read from the settings, once for as long as they stay the same.
#[derive(Debug)]
pub struct CheckedSettings {
    /// Valid settings, or the first thing that is wrong.
    pub config: Result<Config, ConfigError>,
    /// Which web pages may call. It depends on nothing else: a page must be able to read our errors.
    pub origins: AllowedOrigins,
    /// What the owner may read.
    pub report: Report,
}

/// How a setting does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Valid: set, or left to its default.
    Ok,
    /// Not used.
    NotSet,
    /// What is wrong.
    Wrong(ConfigError),
}

/// How each setting does: names and verdicts, never values.
#[derive(Debug)]
pub struct Report {
    /// By name. Without `ISSUER` and `AUDIENCE`, tokens name whatever host was called.
    pub settings: BTreeMap<&'static str, Verdict>,
    /// What fails the health check, if anything does.
    pub failure: Option<ConfigError>,
    /// Lifetime of an access token in seconds, where it is valid.
    pub access_token_seconds: Option<u64>,
    /// Where sessions are kept: the default where that is not valid.
    pub session_store: SessionStore,
}

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Sign and verify refresh tokens.
    pub refresh_keys: Keyring,
    /// Verify access tokens, and sign them where there is no key pair.
    pub access_keys: Keyring,
    /// The key pairs that sign and verify access tokens.
    pub key_pairs: KeyPairs,
    /// Whether `access_token_secret` is set: other servers verify with it.
    pub has_access_secret: bool,
    /// Make what is stored of codes.
    pub code_keys: CodeKeys,
    /// How e-mails are sent; none where they are not. A mistake closes only the routes that send some.
    pub mail: Result<Option<MailSettings>, ConfigError>,
    /// Whether addresses are verified. A mistake closes only what depends on it: users who are logged in
    /// stay so, and whoever is verified can log in.
    pub verification: Result<Verification, ConfigError>,
    /// What the owner's back end shows; without it the routes that need it are closed. A weak one
    /// closes only those routes: no user should suffer for it.
    pub service_key: Result<Option<Secret>, ConfigError>,
    /// Lifetime of an access token.
    pub access_token_seconds: u64,
    /// `typ` of access tokens.
    pub access_token_type: AccessType,
    /// What is added to their claims.
    pub claims_template: ClaimsTemplate,
    /// How long a session lives without being used.
    pub idle_ms: u64,
    /// How long a session lives at most.
    pub session_ms: u64,
    /// Where sessions are kept.
    pub session_store: SessionStore,
    /// How many sessions an account may have.
    pub sessions_per_user: usize,
    /// Whether new accounts can be created.
    pub sign_up: bool,
    /// How many accounts may be created in an hour, in total; any number where not set.
    pub sign_ups_per_hour: Option<u64>,
    /// `iss` of access tokens; the address of the request where not set.
    pub issuer: Option<String>,
    /// `aud` of access tokens; the issuer where not set.
    pub audience: Option<String>,
}

impl CheckedSettings {
    /// Reads every setting. This is the table of their names, parsers and defaults.
    #[must_use]
    pub fn read(settings: &Settings) -> Self {
        let mut reader = Reader::new(settings);
        let refresh = reader.required_secret(name::REFRESH_SECRET);
        let refresh_previous =
            reader.earlier_secrets(name::REFRESH_SECRET, name::REFRESH_SECRET_PREVIOUS);
        let of_refresh = [name::REFRESH_SECRET, name::REFRESH_SECRET_PREVIOUS];
        let of_access = [name::ACCESS_SECRET, name::ACCESS_SECRET_PREVIOUS];
        let access = reader.secret(name::ACCESS_SECRET);
        let access = reader.other_than(&of_refresh, name::ACCESS_SECRET, access);
        let access_previous =
            reader.earlier_secrets(name::ACCESS_SECRET, name::ACCESS_SECRET_PREVIOUS);
        let access_previous =
            reader.other_than(&of_refresh, name::ACCESS_SECRET_PREVIOUS, access_previous);
        let key_pair = reader.key_pair(name::ACCESS_PRIVATE_KEY);
        let key_pairs_previous = reader.public_keys(name::ACCESS_PRIVATE_KEY_PREVIOUS);
        let service_key = reader.secret(name::SERVICE_KEY);
        let of_tokens = [of_refresh, of_access].concat();
        let service_key = reader.other_than(&of_tokens, name::SERVICE_KEY, service_key);
        let service_key_checked = reader.for_headers(name::SERVICE_KEY, service_key.as_ref());
        let longest = LONGEST_SESSION_SECONDS;
        let session = reader.seconds(name::SESSION_MAX_SECONDS, 31_536_000, 60..=longest);
        let idle = reader.seconds(
            name::SESSION_IDLE_SECONDS,
            7_776_000,
            MIN_IDLE_SECONDS..=longest,
        );
        let access_token = reader.seconds(name::ACCESS_TOKEN_SECONDS, 3_600, 60..=86_400);
        let access_token_type = reader.access_token_type(name::ACCESS_TOKEN_TYP);
        let claims_template =
            reader.claims_template(name::ACCESS_TOKEN_CLAIMS, name::ACCESS_TOKEN_ROLE);
        let session_store = reader.session_store(name::SESSION_STORE);
        let sessions_per_user = reader.count(name::SESSIONS_PER_USER, 1..=10_000);
        let sign_up = reader.switch(name::SIGN_UP);
        let sign_ups_per_hour = reader.count(name::SIGN_UPS_PER_HOUR, 1..=1_000_000);
        let issuer = reader.party(name::ISSUER);
        let audience = reader.party(name::AUDIENCE);
        let mail = reader.mail();
        let verification = reader.verification(name::EMAIL_VERIFICATION, &mail);
        let location_checked = reader.location(name::ACCOUNT_LOCATION);
        let (origins, origins_checked) = reader.origins(name::CORS_ALLOWED_ORIGINS);

        let access_token_seconds = access_token.ok();
        let weak_service_key = service_key.as_ref().err().copied();
        let bad_mail = mail.as_ref().err().or(verification.as_ref().err()).copied();
        let config = (|| {
            let (refresh, refresh_previous) = (refresh?, refresh_previous?);
            let (access, access_previous) = (access?, access_previous?);
            Ok(Config {
                access_keys: access_keys(
                    access.as_ref(),
                    &access_previous,
                    &refresh,
                    &refresh_previous,
                ),
                has_access_secret: access.is_some(),
                key_pairs: KeyPairs {
                    current: key_pair?,
                    previous: key_pairs_previous?,
                },
                code_keys: CodeKeys {
                    current: refresh.derived_code_key(),
                    previous: refresh_previous
                        .iter()
                        .map(Secret::derived_code_key)
                        .collect(),
                },
                refresh_keys: Keyring {
                    current: refresh.signing_key(),
                    previous: signing_keys(&refresh_previous),
                },
                mail,
                verification,
                service_key,
                session_ms: session? * 1000,
                idle_ms: idle? * 1000,
                access_token_seconds: access_token?,
                access_token_type: access_token_type?,
                claims_template: claims_template?,
                session_store: session_store?,
                sessions_per_user: sessions_per_user?.map_or(DEFAULT_SESSIONS_PER_USER, small),
                sign_up: sign_up?,
                sign_ups_per_hour: sign_ups_per_hour?,
                issuer: issuer?,
                audience: audience?,
            })
        })();
        let failure = config.as_ref().err().copied();
        Self {
            report: Report {
                settings: reader.verdicts,
                failure: failure
                    .or(weak_service_key)
                    .or(bad_mail)
                    .or(service_key_checked.err())
                    .or(origins_checked.err())
                    .or(location_checked.err()),
                access_token_seconds,
                session_store: session_store.unwrap_or_default(),
            },
            config,
            origins,
        }
    }
}

/// A number that its range keeps small.
fn small(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Without a secret of their own, access tokens are signed with a key derived from the refresh
/// secret. The derived keys of earlier refresh secrets still verify.
fn access_keys(
    access: Option<&Secret>,
    access_previous: &[Secret],
    refresh: &Secret,
    refresh_previous: &[Secret],
) -> Keyring {
    let mut previous = signing_keys(access_previous);
    previous.extend(refresh_previous.iter().map(Secret::derived_access_key));
    Keyring {
        current: access.map_or_else(|| refresh.derived_access_key(), Secret::signing_key),
        previous,
    }
}

fn signing_keys(secrets: &[Secret]) -> Vec<SigningKey> {
    secrets.iter().map(Secret::signing_key).collect()
}

/// Reads settings by kind, and notes how each of them does.
struct Reader<'a> {
    settings: &'a Settings,
    verdicts: BTreeMap<&'static str, Verdict>,
}

impl<'a> Reader<'a> {
    fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            verdicts: BTreeMap::new(),
        }
    }

    /// Notes what the owner reads of a setting.
    fn note<T>(
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

    fn parse_secret(&self, name: &'static str) -> Result<Option<Secret>, ConfigError> {
        let parse =
            |text| Secret::parse(text).map_err(|problem| ConfigError::Secret(name, problem));
        self.settings.get(name).map(parse).transpose()
    }

    fn secret(&mut self, name: &'static str) -> Result<Option<Secret>, ConfigError> {
        let secret = self.parse_secret(name);
        self.note(name, secret, Option::is_some)
    }

    fn required_secret(&mut self, name: &'static str) -> Result<Secret, ConfigError> {
        let secret = self.parse_secret(name);
        let secret = secret.and_then(|secret| secret.ok_or(ConfigError::Missing(name)));
        self.note(name, secret, |_| true)
    }

    /// The private key of a pair.
    fn key_pair(&mut self, name: &'static str) -> Result<Option<PrivateKey>, ConfigError> {
        let parse =
            |text| PrivateKey::parse(text).map_err(|problem| ConfigError::Key(name, problem));
        let key = self.settings.get(name).map(parse).transpose();
        self.note(name, key, Option::is_some)
    }

    /// The keys before or after the current one, public or private.
    fn public_keys(&mut self, name: &'static str) -> Result<Vec<PublicKey>, ConfigError> {
        let keys = PublicKey::parse_list(self.settings.get(name).unwrap_or_default())
            .map_err(|problem| ConfigError::Key(name, problem));
        self.note(name, keys, |keys| !keys.is_empty())
    }

    /// Fails what was read of a setting if it shares a secret with one of these. A list may repeat the
    /// current secret of its own kind.
    fn other_than<T>(
        &mut self,
        taken: &[&'static str],
        name: &'static str,
        read: Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let own = self.all_secrets(name);
        let shares = |other: &&&'static str| {
            let others = self.all_secrets(other);
            own.iter().any(|secret| others.contains(secret))
        };
        match taken.iter().find(shares) {
            Some(other) if read.is_ok() => {
                let same = ConfigError::SameSecret(name, other);
                self.note(name, Err(same), |_| true)
            }
            _ => read,
        }
    }

    /// The secrets in a setting, whether it is one, in which there may be spaces, or a list.
    fn all_secrets(&self, name: &'static str) -> Vec<Secret> {
        let mut secrets = self.parse_secrets(name).unwrap_or_default();
        secrets.extend(self.parse_secret(name).ok().flatten());
        secrets
    }

    fn parse_secrets(&self, name: &'static str) -> Result<Vec<Secret>, ConfigError> {
        Secret::parse_list(self.settings.get(name).unwrap_or_default())
            .map_err(|problem| ConfigError::Secret(name, problem))
    }

    /// The secrets before the current one; among them is the current one as an earlier version read
    /// it, if that differs.
    fn earlier_secrets(
        &mut self,
        current: &'static str,
        name: &'static str,
    ) -> Result<Vec<Secret>, ConfigError> {
        let secrets = self.parse_secrets(name);
        let mut secrets = self.note(name, secrets, |secrets| !secrets.is_empty())?;
        secrets.extend(self.settings.get(current).and_then(Secret::as_read_before));
        Ok(secrets)
    }

    /// Whether a header can carry this secret. It fails nothing but the health check: some client may
    /// manage.
    fn for_headers(
        &mut self,
        name: &'static str,
        read: Result<&Option<Secret>, &ConfigError>,
    ) -> Result<(), ConfigError> {
        match read {
            Ok(Some(secret)) if !secret.fits_into_header() && !self.is_jwk(name) => {
                let problem = ConfigError::Secret(name, SecretProblem::NotForHeaders);
                self.note(name, Err(problem), |()| true)
            }
            _ => Ok(()),
        }
    }

    /// A JWK is sent as its JSON, on one line.
    fn is_jwk(&self, name: &'static str) -> bool {
        let text = self.settings.get(name).unwrap_or_default();
        trim(text).starts_with('{')
    }

    /// A whole number of seconds.
    fn seconds(
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
    fn count(
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

    fn access_token_type(&mut self, name: &'static str) -> Result<AccessType, ConfigError> {
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
    fn claims_template(
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
    fn session_store(&mut self, name: &'static str) -> Result<SessionStore, ConfigError> {
        let store = match self.settings.get(name).map(str::trim) {
            None | Some("kv") => Ok(SessionStore::Kv),
            Some("durable_objects") => Ok(SessionStore::DurableObjects),
            Some(_) => Err(ConfigError::NotAStore(name)),
        };
        self.note(name, store, |_| true)
    }

    /// A var that is on unless it is set to off. A TOML boolean arrives as `true` or `false`.
    fn switch(&mut self, name: &'static str) -> Result<bool, ConfigError> {
        let text = self.settings.get(name).map(str::trim);
        let is_on = match text.map(str::to_ascii_lowercase).as_deref() {
            None | Some("on" | "true") => Ok(true),
            Some("off" | "false") => Ok(false),
            Some(_) => Err(ConfigError::NotASwitch(name)),
        };
        self.note(name, is_on, |_| true)
    }

    /// Whether addresses are verified, which takes e-mails.
    fn verification(
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
    fn party(&mut self, name: &'static str) -> Result<Option<String>, ConfigError> {
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
    fn location(&mut self, name: &'static str) -> Result<(), ConfigError> {
        let text = self.settings.get(name);
        let is_known = text.is_none_or(|text| location(text).is_some());
        let checked = is_known
            .then_some(())
            .ok_or(ConfigError::NotALocation(name));
        self.note(name, checked, |()| true)
    }

    /// The origins, and whether each of them can match.
    fn origins(&mut self, name: &'static str) -> (AllowedOrigins, Result<(), ConfigError>) {
        let origins = AllowedOrigins::parse(self.settings.get(name).unwrap_or("*"));
        let can_all_match = origins.can_all_match();
        let checked = can_all_match
            .then_some(())
            .ok_or(ConfigError::NotAnOrigin(name));
        (origins, self.note(name, checked, |()| true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{
        id::{Realm, SessionId, SessionRef, UserId},
        refresh::{Position, RefreshToken},
        time::{UnixMillis, UnixSeconds},
    };

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const TWO: &str = "another secret of at least 32 bytes";

    fn check(given: &[(&str, &str)]) -> Result<Config, ConfigError> {
        CheckedSettings::read(&settings(given)).config
    }

    fn settings(given: &[(&str, &str)]) -> Settings {
        Settings::read(|name| {
            given
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn a_refresh_secret_is_all_that_is_needed() {
        let config = check(&[(name::REFRESH_SECRET, ONE)]).expect("valid");
        assert_eq!(config.access_token_seconds, 3600);
        assert_eq!(config.idle_ms, 7_776_000_000);
        assert_eq!(config.session_ms, 31_536_000_000);
        assert!(matches!(config.service_key, Ok(None)));
    }

    #[test]
    fn a_missing_blank_or_short_secret_is_named() {
        let missing = Some(ConfigError::Missing(name::REFRESH_SECRET));
        assert_eq!(check(&[]).err(), missing);
        assert_eq!(check(&[(name::REFRESH_SECRET, " \n")]).err(), missing);
        for name in [
            name::REFRESH_SECRET,
            name::ACCESS_SECRET,
            name::REFRESH_SECRET_PREVIOUS,
            name::ACCESS_SECRET_PREVIOUS,
        ] {
            let given = [(name, "short"), (name::REFRESH_SECRET, ONE)];
            assert_eq!(
                check(&given).err(),
                Some(ConfigError::Secret(name, SecretProblem::TooShort))
            );
        }
    }

    #[test]
    fn a_weak_service_key_closes_nothing_else() {
        let config = check(&[(name::REFRESH_SECRET, ONE), (name::SERVICE_KEY, "short")]);
        assert_eq!(
            config.expect("users are served").service_key,
            Err(ConfigError::Secret(
                name::SERVICE_KEY,
                SecretProblem::TooShort
            ))
        );
    }

    #[test]
    fn a_service_key_that_no_header_can_carry_is_reported_and_closes_nothing() {
        for key in [
            "a service key with an é, of 32 bytes or more",
            "a service key with\na line break, of 32 bytes",
        ] {
            let given = [(name::REFRESH_SECRET, ONE), (name::SERVICE_KEY, key)];
            let checked = CheckedSettings::read(&settings(&given));
            let problem = ConfigError::Secret(name::SERVICE_KEY, SecretProblem::NotForHeaders);
            assert_eq!(checked.report.failure, Some(problem));
            let verdict = checked.report.settings[name::SERVICE_KEY];
            assert_eq!(verdict, Verdict::Wrong(problem));
            assert!(problem.to_string().contains("header"));
            assert!(matches!(
                checked.config.expect("valid").service_key,
                Ok(Some(_))
            ));
        }
    }

    #[test]
    fn invisible_characters_at_the_ends_of_a_secret_are_ignored_and_log_nobody_out() {
        let pasted = format!("\u{feff}{ONE}\u{200b}\n");
        let config = check(&[(name::REFRESH_SECRET, &pasted)]).expect("valid");
        let plain = check(&[(name::REFRESH_SECRET, ONE)]).expect("valid");
        let token = |key: &SigningKey| {
            RefreshToken {
                session_ref: SessionRef {
                    realm: Realm::Account,
                    user: UserId::parse("ada").expect("a user id"),
                    session: SessionId::from_random([7; 16]),
                },
                position: Position::first(UnixMillis(0)),
                session_end: UnixSeconds(60),
            }
            .sign(key)
        };
        let (new, old) = (&config.refresh_keys, &plain.refresh_keys);
        assert_eq!(token(&new.current), token(&old.current));
        assert!(old.previous.is_empty());
        // What an earlier version has signed.
        let before = SigningKey::clone(&new.previous[0]);
        assert_ne!(token(&before), token(&new.current));
        assert_eq!(
            (new.previous.len(), config.access_keys.previous.len()),
            (1, 1)
        );
    }

    #[test]
    fn a_switch_may_be_a_toml_boolean() {
        for (text, sign_up) in [
            ("on", true),
            ("true", true),
            (" Off", false),
            ("false", false),
        ] {
            let config = check(&[(name::REFRESH_SECRET, ONE), (name::SIGN_UP, text)]);
            assert_eq!(config.expect("valid").sign_up, sign_up, "{text}");
        }
        let given = [(name::REFRESH_SECRET, ONE), (name::SIGN_UP, "[1]")];
        let error = Some(ConfigError::NotASwitch(name::SIGN_UP));
        assert_eq!(check(&given).err(), error);
    }

    #[test]
    fn one_secret_for_two_purposes_is_rejected() {
        let three = "the-third-secret-of-thirty-two-bytes-or-more";
        let base = [(name::REFRESH_SECRET, ONE), (name::ACCESS_SECRET, TWO)];
        assert!(check(&base).is_ok());
        for (name, text, other) in [
            (
                name::ACCESS_SECRET,
                format!("{ONE}\n"),
                name::REFRESH_SECRET,
            ),
            (
                name::ACCESS_SECRET_PREVIOUS,
                format!("{three} {ONE}"),
                name::REFRESH_SECRET,
            ),
            (
                name::ACCESS_SECRET,
                three.into(),
                name::REFRESH_SECRET_PREVIOUS,
            ),
            (
                name::ACCESS_SECRET_PREVIOUS,
                three.into(),
                name::REFRESH_SECRET_PREVIOUS,
            ),
        ] {
            let mut given = vec![
                (name, text.as_str()),
                (name::REFRESH_SECRET_PREVIOUS, three),
            ];
            given.extend(base);
            let error = check(&given).err();
            assert_eq!(error, Some(ConfigError::SameSecret(name, other)));
        }
        // While a secret is changed, the new one is listed, too.
        let both = format!("{three} {ONE}");
        assert!(
            check(&[
                (name::REFRESH_SECRET, ONE),
                (name::REFRESH_SECRET_PREVIOUS, &both)
            ])
            .is_ok()
        );
    }

    #[test]
    fn a_service_key_that_is_a_secret_of_tokens_closes_its_own_routes_only() {
        let three = "the-third-secret-of-thirty-two-bytes-or-more";
        for (name, key) in [
            (name::REFRESH_SECRET, ONE),
            (name::REFRESH_SECRET_PREVIOUS, three),
            (name::ACCESS_SECRET, TWO),
            (name::ACCESS_SECRET_PREVIOUS, three),
        ] {
            let given = [
                (name, key),
                (name::REFRESH_SECRET, ONE),
                (name::SERVICE_KEY, key),
            ];
            let config = check(&given).expect("users are served");
            let error = ConfigError::SameSecret(name::SERVICE_KEY, name);
            assert_eq!(config.service_key, Err(error));
        }
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        for (var, bad) in [
            (
                name::ACCESS_TOKEN_SECONDS,
                ["59", "86401", "1.5", "-60", "1h"],
            ),
            (
                name::SESSION_IDLE_SECONDS,
                ["599", "34560001", "", "x", "99999999999999999999"],
            ),
            (
                name::SESSION_MAX_SECONDS,
                ["59", "34560001", "6e1", "0x60", "60s"],
            ),
        ] {
            for text in bad.into_iter().filter(|text| !text.is_empty()) {
                let error = check(&[(name::REFRESH_SECRET, ONE), (var, text)]).expect_err(text);
                assert!(error.to_string().contains(var), "{error}");
            }
        }
        let good = [
            (name::REFRESH_SECRET, ONE),
            (name::SESSION_MAX_SECONDS, " 34560000 "),
        ];
        assert_eq!(check(&good).expect("valid").session_ms, 34_560_000_000);
    }

    #[test]
    fn an_error_never_holds_a_value() {
        for name in [
            name::ACCESS_SECRET,
            name::REFRESH_SECRET_PREVIOUS,
            name::SESSION_MAX_SECONDS,
        ] {
            let error = check(&[(name::REFRESH_SECRET, ONE), (name, "hunter2")]).expect_err(name);
            assert!(!error.to_string().contains("hunter2"));
        }
        assert!(!format!("{:?}", settings(&[(name::SERVICE_KEY, "hunter2")])).contains("hunter2"));
    }
}

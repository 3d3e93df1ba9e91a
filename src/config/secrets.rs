//! How secrets and keys are read, and what is made of them.

use super::{ConfigError, reader::Reader};
use crate::{
    text::trim,
    token::{
        key::{Keyring, SigningKey},
        key_pair::{PrivateKey, PublicKey},
        secret::{Secret, SecretProblem},
    },
};

/// Without a secret of their own, access tokens are signed with a key derived from the refresh
/// secret. The derived keys of earlier refresh secrets still verify.
pub(super) fn access_keys(
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

pub(super) fn signing_keys(secrets: &[Secret]) -> Vec<SigningKey> {
    secrets.iter().map(Secret::signing_key).collect()
}

impl Reader<'_> {
    fn parse_secret(&self, name: &'static str) -> Result<Option<Secret>, ConfigError> {
        let parse =
            |text| Secret::parse(text).map_err(|problem| ConfigError::Secret(name, problem));
        self.settings.get(name).map(parse).transpose()
    }

    pub(super) fn secret(&mut self, name: &'static str) -> Result<Option<Secret>, ConfigError> {
        let secret = self.parse_secret(name);
        self.note(name, secret, Option::is_some)
    }

    pub(super) fn required_secret(&mut self, name: &'static str) -> Result<Secret, ConfigError> {
        let secret = self.parse_secret(name);
        let secret = secret.and_then(|secret| secret.ok_or(ConfigError::Missing(name)));
        self.note(name, secret, |_| true)
    }

    /// The private key of a pair.
    pub(super) fn key_pair(
        &mut self,
        name: &'static str,
    ) -> Result<Option<PrivateKey>, ConfigError> {
        let parse =
            |text| PrivateKey::parse(text).map_err(|problem| ConfigError::Key(name, problem));
        let key = self.settings.get(name).map(parse).transpose();
        self.note(name, key, Option::is_some)
    }

    /// The keys before or after the current one, public or private.
    pub(super) fn public_keys(
        &mut self,
        name: &'static str,
    ) -> Result<Vec<PublicKey>, ConfigError> {
        let keys = PublicKey::parse_list(self.settings.get(name).unwrap_or_default())
            .map_err(|problem| ConfigError::Key(name, problem));
        self.note(name, keys, |keys| !keys.is_empty())
    }

    /// Fails what was read of a setting if it shares a secret with one of these. A list may repeat the
    /// current secret of its own kind.
    pub(super) fn other_than<T>(
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
    pub(super) fn earlier_secrets(
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
    pub(super) fn for_headers(
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
}

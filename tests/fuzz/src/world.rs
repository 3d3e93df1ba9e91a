//! A platform that has nothing but what a check gives it, and a clock that stands still.

use std::future::{Future, pending};

use tokenkeep::{
    account::{
        Account, Name,
        email::Email,
        message::{Answer, Ask},
        password::PasswordHash,
    },
    app::{App, Setup},
    config::{Settings, name},
    http::{reply::Reply, request::Call},
    port::{Accounts, Clock, Fault, Guard, KeyValue, Page, Platform, Rng, Write},
    token::{id::UserId, time::UnixMillis},
};

/// `refresh_token_secret`.
pub const REFRESH_SECRET: &str = "0123456789abcdef0123456789abcdef";
/// `access_token_secret`.
pub const ACCESS_SECRET: &str = "fedcba9876543210fedcba9876543210";
/// `service_key`.
pub const SERVICE_KEY: &str = "a service key of 32 bytes or more";
/// The time.
pub const NOW: UnixMillis = UnixMillis(1_800_000_030_000);

/// The platform.
#[derive(Clone, Default)]
pub struct World {
    /// What every read of the store finds, key by key; absent from the end of it on.
    pub stored: Vec<Option<String>>,
}

impl World {
    /// The whole worker on this platform.
    #[must_use]
    pub fn handle(self, call: &Call) -> Reply {
        let settings = Settings::read(|setting| {
            let text = match setting {
                name::REFRESH_SECRET => REFRESH_SECRET,
                name::ACCESS_SECRET => ACCESS_SECRET,
                name::SERVICE_KEY => SERVICE_KEY,
                name::CORS_ALLOWED_ORIGINS => "https://a.example, http://localhost:3000",
                _ => return None,
            };
            Some(text.to_owned())
        });
        let setup = Setup::of(&settings);
        let app = App {
            platform: self,
            setup: &setup,
        };
        pollster::block_on(app.handle(call))
    }
}

impl Clock for World {
    fn now(&self) -> UnixMillis {
        NOW
    }

    async fn sleep_ms(&self, _: u64) {
        pending::<()>().await;
    }
}

impl Rng for World {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl Platform for World {
    type Sessions = Self;
    type Accounts = Self;
    type Guard = Self;

    fn sessions(&self) -> Result<Self, Fault> {
        Ok(self.clone())
    }

    fn accounts(&self) -> Result<Self, Fault> {
        Ok(self.clone())
    }

    fn guard(&self) -> Result<Self, Fault> {
        Ok(self.clone())
    }

    fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        pollster::block_on(work);
    }

    fn log(&self, line: &str) {
        assert!(
            serde_json::from_str::<serde_json::Value>(line).is_ok(),
            "a line of the log is JSON: {line}"
        );
    }
}

impl KeyValue for World {
    async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        let mut found = self.stored.clone();
        found.resize(keys.len(), None);
        Ok(found)
    }

    async fn write(&self, write: &Write) -> Result<(), Fault> {
        assert!(write.key.len() <= 512, "the longest key of Workers KV");
        assert!(
            (60..=u64::from(u32::MAX)).contains(&write.ttl_seconds),
            "{}",
            write.ttl_seconds
        );
        assert!(write.metadata.as_ref().is_none_or(|it| it.len() <= 1024));
        Ok(())
    }

    async fn list(&self, _: &str, _: Option<&str>, _: u32) -> Result<Page, Fault> {
        Ok(Page::default())
    }

    async fn delete(&self, _: &str) -> Result<(), Fault> {
        Ok(())
    }
}

impl Accounts for World {
    async fn check(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn by_email(&self, _: &Email) -> Result<Option<(Account, PasswordHash)>, Fault> {
        Ok(None)
    }

    async fn by_id(&self, _: &UserId) -> Result<Option<Account>, Fault> {
        Ok(None)
    }

    async fn insert(&self, _: &Account, _: &PasswordHash) -> Result<bool, Fault> {
        Ok(true)
    }

    async fn set_password(
        &self,
        _: &UserId,
        _: &PasswordHash,
        _: &PasswordHash,
    ) -> Result<bool, Fault> {
        Ok(true)
    }

    async fn set_name(&self, _: &UserId, _: Option<&Name>) -> Result<(), Fault> {
        Ok(())
    }

    async fn delete(&self, _: &UserId) -> Result<(), Fault> {
        Ok(())
    }
}

impl Guard for World {
    /// As for a password that is wrong: the check of passwords is another matter, and takes long.
    async fn ask(&self, _: &Email, _: &Ask) -> Result<Answer, Fault> {
        Ok(Answer::Wrong)
    }
}

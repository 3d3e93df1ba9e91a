//! The worker in a cloud that has nothing but what a check puts there.

use tokenkeep::{
    app::App,
    config::{CheckedSettings, name},
    http::{reply::Reply, request::Call},
    token::time::UnixMillis,
};
use tokenkeep_world::{Cloud, Conditions, Place, client::settings, conditions::Guarding};

/// `refresh_token_secret`.
pub const REFRESH_SECRET: &str = "0123456789abcdef0123456789abcdef";
/// `access_token_secret`.
pub const ACCESS_SECRET: &str = "fedcba9876543210fedcba9876543210";
/// `service_key`.
pub const SERVICE_KEY: &str = "a service key of 32 bytes or more";
/// The time.
pub const NOW: UnixMillis = UnixMillis(1_800_000_030_000);

/// The whole worker's reply to a call, where this is stored under these keys. There are no
/// accounts, and every password is wrong: hashing is another matter, and takes long.
///
/// # Panics
/// The call hangs, or a line of the log is not JSON.
#[must_use]
pub fn handle(call: &Call, stored: &[(&str, &str)]) -> Reply {
    let conditions = Conditions {
        guarding: Guarding::AnyPassword,
        ..Conditions::default()
    };
    let cloud = Cloud::new(NOW.0, conditions);
    for (key, value) in stored {
        cloud.put(key, value);
    }
    let checked = CheckedSettings::read(&settings(&[
        (name::REFRESH_SECRET, REFRESH_SECRET),
        (name::ACCESS_SECRET, ACCESS_SECRET),
        (name::SERVICE_KEY, SERVICE_KEY),
        (
            name::CORS_ALLOWED_ORIGINS,
            "https://a.example, http://localhost:3000",
        ),
    ]));
    let app = App {
        platform: Place::new(cloud.clone(), 0, 7),
        settings: &checked,
    };
    let reply = cloud.timeline.answer(app.handle(call)).expect("a reply");
    cloud.settle();
    for line in cloud.log() {
        let json = serde_json::from_str::<serde_json::Value>(&line);
        assert!(json.is_ok(), "a line of the log is JSON: {line}");
    }
    reply
}

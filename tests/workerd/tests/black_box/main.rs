//! What Tokenkeep promises, asked of the built worker in workerd.

mod access_tokens;
mod accounts;
mod bad_input;
mod configuration;
mod counts;
mod faults;
mod floods;
mod log;
mod outages;
mod revocation;
mod rotation;
mod routes;
mod sessions;
mod soak;
mod stage;
mod story;

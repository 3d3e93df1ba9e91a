//! What Tokenkeep guarantees, asked of the built worker in workerd.

mod access_tokens;
mod accounts;
mod attacks;
mod bad_input;
mod bundle;
mod change_email;
mod configuration;
mod counts;
mod faults;
mod floods;
mod hang_up;
mod keys;
mod log;
mod mail;
mod objects;
mod outages;
mod panic;
mod revocation;
mod rotation;
mod routes;
mod sessions;
mod soak;
mod stage;
mod static_files;
mod story;
mod tables;

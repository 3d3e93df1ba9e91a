//! The worker without Cloudflare: the real code from call to reply, on a store in memory, with a
//! clock that is moved by hand.

mod accounts;
mod bearer;
mod codes;
mod cors;
mod docs;
mod faults;
mod log;
mod openapi;
mod postman;
mod page;
mod refresh;
mod revocation;
mod sessions;
mod setup;
mod world;

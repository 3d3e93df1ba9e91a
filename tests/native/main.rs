//! The worker without Cloudflare: the real code from call to reply, on a store in memory, with a
//! clock that is moved by hand.

mod abuse;
mod accounts;
mod bearer;
mod birth;
mod bravo;
mod client;
mod codes;
mod cors;
mod docs;
mod emails;
mod faults;
mod flows;
mod guards;
mod guessing;
mod input;
mod late;
mod limits;
mod log;
mod mail;
mod messages;
mod migrations;
mod objects;
mod openapi;
mod postman;
mod realms;
mod refresh;
mod reset;
mod revocation;
mod routes;
mod security;
mod sessions;
mod setup;
mod sweep;
mod world;
mod written;

//! HTTP types that all routes share.

pub mod body;
pub mod cors;
pub mod error;
pub mod example;
pub mod fields;
pub mod method;
pub mod oauth;
pub mod reply;
pub mod request;
pub mod token_text;

//! HTTP types that all routes share.

pub mod cors;
pub mod error;
pub mod fields;
pub mod method;
pub mod reply;
pub mod request;
pub mod token_text;

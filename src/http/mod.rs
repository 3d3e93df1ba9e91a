//! The words that all requests speak.

pub mod cors;
pub mod error;
pub mod fields;
pub mod method;
pub mod reply;
pub mod request;

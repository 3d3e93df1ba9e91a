//! The words that all requests speak.

pub mod answers;
pub mod cors;
pub mod error;
pub mod fields;
pub mod method;
pub mod reply;
pub mod request;
pub mod scope;

//! For the owner: is everything in order, and what is missing?

pub mod generate_secret;
pub mod health;

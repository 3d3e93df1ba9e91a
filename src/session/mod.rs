//! Sessions, kept in a key-value store: the [`rule`], what is stored and how, and the requests that
//! open, refresh, list and end them.

pub mod bearer;
pub mod cursor;
pub mod device;
pub mod end;
pub mod issue;
pub mod list;
pub mod log_out;
pub mod open;
pub mod port;
pub mod record;
pub mod refresh;
pub mod rule;
pub mod store;

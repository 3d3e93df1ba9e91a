//! Sessions: the [`rule`], the two [`store`]s, and the requests that open, refresh, list and end them.

pub mod access;
pub mod bearer;
pub mod cursor;
pub mod device;
pub mod end;
pub mod issue;
pub mod list;
pub mod log_out;
pub mod object;
pub mod open;
pub mod port;
pub mod record;
pub mod refresh;
pub mod rule;
pub mod store;

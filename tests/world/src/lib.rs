//! What Tokenkeep needs from outside, in memory and in virtual time.
//!
//! The native tests, the simulator and the fuzzing checks run the worker's own code on this
//! platform, from a request to the keys of the store. A [`Cloud`] is everything that all requests
//! share; a [`Place`] is what one data centre sees of it, and implements the worker's ports.
//! [`Conditions`] say what the cloud is like: calm by default, with one consistent store; or one
//! that lags, refuses and fails by chance. Tests make single calls fail with a [`trouble::Plan`].
//!
//! | Module | What it is |
//! |---|---|
//! | [`timeline`] | Virtual time, and the executor that runs on it |
//! | [`conditions`] | What a cloud is like |
//! | [`cloud`], [`place`] | What all places share, and what one of them sees |
//! | [`kv`], `sessions` | The store of sessions, and how a place uses it |
//! | `objects` | The objects with users' sessions |
//! | `pairs` | Signatures of key pairs |
//! | [`accounts`], `guards` | The table of accounts, and who checks passwords |
//! | [`trouble`] | Every call on a store, and how it goes wrong |
//! | [`client`] | Requests as clients send them, and what they read in replies |

pub mod accounts;
pub mod client;
pub mod cloud;
pub mod conditions;
mod guards;
pub mod kv;
mod objects;
mod pairs;
pub mod place;
mod sessions;
pub mod timeline;
pub mod trouble;
mod unicode;

pub use cloud::Cloud;
pub use conditions::Conditions;
pub use place::Place;
pub use unicode::Unicode;

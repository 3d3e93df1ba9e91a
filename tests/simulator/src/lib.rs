//! A world in virtual time that tries to break the guarantees of Tokenkeep's sessions.
//!
//! The worker's own code runs in it, from the JSON body of a request to the keys of the store.
//! Around it are played: places whose copies of the store are old, clocks that differ, a store
//! that refuses and fails, clients that repeat, lose, sleep and roam, and thieves. One seed gives
//! one course of events, so that whatever breaks can be played again.
//!
//! | Module | What it is |
//! |---|---|
//! | [`world`] | The worker, in a [`Cloud`](tokenkeep_world::Cloud) with these conditions |
//! | [`rule`] | Rules to compare with the product's, broken ones among them |
//! | [`schedule`], [`story`] | Stories as data, and their making |
//! | [`request`] | What clients send and read |
//! | [`client`] | What a client holds, and what is honest |
//! | [`play`], [`session`], [`outcome`] | A story played, its guarantees watched |
//! | [`run`], [`report`] | Many of them, and what came of them |
//! | [`shrink`] | A story that broke a guarantee, made short |

pub mod client;
pub mod outcome;
pub mod play;
pub mod report;
pub mod request;
pub mod rule;
pub mod run;
pub mod schedule;
pub mod session;
pub mod shrink;
pub mod story;
pub mod world;

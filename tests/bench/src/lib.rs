//! # Tokenkeep beside others
//!
//! `cargo xtask bench` runs Tokenkeep and other ways to refresh a session in one workerd, each on
//! its own port, all on one Workers KV in the memory of the bench, and tells what each costs.
//!
//! | Module | What it is |
//! |---|---|
//! | [`contender`] | Who takes part, how each is asked, and what it may ask of KV. |
//! | [`session`], [`right`] | Sessions to refresh, and what a right answer is. |
//! | [`bundle`] | The others' code, from `tests/bench/workers` to one file each. |
//! | [`stage`] | workerd with all of them on it, each checked before anything is measured. |
//! | [`driver`] | The load: so many connections, each with one request under way. |
//! | [`process`] | What a process used: CPU time and memory. |
//! | [`refresh`], [`start`], [`growth`], [`login`] | What is measured. |
//! | [`price`] | From counts and CPU time to dollars. |
//! | [`machine`] | What it was measured on. |
//! | [`report`] | Tables, on the screen and in `docs/performance.md`. |
//! | [`profile`] | Where the CPU time of Tokenkeep goes, function by function. |

pub mod bundle;
pub mod contender;
pub mod driver;
pub mod growth;
pub mod login;
pub mod machine;
pub mod price;
pub mod process;
pub mod profile;
pub mod refresh;
pub mod report;
pub mod right;
pub mod session;
pub mod stage;
pub mod start;

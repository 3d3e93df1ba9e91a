//! Where the next page of a list starts, as a client carries it.
//!
//! It is the store's own cursor behind a checksum, so that a text that is none is a clear 400. The
//! checksum is no signature: who makes one up gets a page of their own sessions, or a 503.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::{problem::Problem, token::id::UserId};

/// Maximum size of a cursor, in bytes: those of KV have about 100.
pub const CURSOR_BYTES: usize = 1024;

const CHECKSUM_BYTES: usize = 6;

/// The cursor that a page of this user's sessions is answered with.
pub(super) fn write(user: &UserId, of_store: &str) -> String {
    let mut bytes = checksum(user, of_store.as_bytes()).to_vec();
    bytes.extend(of_store.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The store's cursor in it.
///
/// # Errors
/// It is not one that this user was given.
pub(super) fn read(user: &UserId, text: &str) -> Result<String, Problem> {
    const NONE: Problem = Problem("must be a nextCursor as an answer gave it");
    if text.len() > CURSOR_BYTES {
        return Err(NONE);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NONE)?;
    match bytes.split_at_checked(CHECKSUM_BYTES) {
        Some((sum, of_store)) if sum == checksum(user, of_store) => {
            String::from_utf8(of_store.to_vec()).map_err(|_| NONE)
        }
        _ => Err(NONE),
    }
}

fn checksum(user: &UserId, of_store: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = Sha256::new()
        .chain_update(user.as_str())
        .chain_update([0])
        .chain_update(of_store)
        .finalize();
    std::array::from_fn(|index| hash[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nothing_else_is_taken_for_one() {
        let [ada, eve] = ["ada", "eve"].map(|id| UserId::parse(id).expect("a user id"));
        let cursor = write(&ada, "AAAAxyz/+==");
        assert_eq!(read(&ada, &cursor).as_deref(), Ok("AAAAxyz/+=="));
        for text in [
            "",
            "garbage",
            "AAAAxyz",
            &cursor[1..],
            &(cursor.clone() + "A"),
        ] {
            assert!(read(&ada, text).is_err(), "{text}");
        }
        assert!(read(&eve, &cursor).is_err());
    }
}

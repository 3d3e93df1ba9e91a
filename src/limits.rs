//! Every number that a client or an owner can run into, with its reason.

/// Most bytes of a request's body. The largest that makes sense is a token (4 KiB) beside claims
/// (2 KiB).
pub const BODY_BYTES: usize = 16 * 1024;

/// Most bytes of a token that is looked at: ours have about 300, an access token with full claims
/// about 3,100, with the longest [`ISSUER_BYTES`] too about 3,900.
pub const TOKEN_BYTES: usize = 4 * 1024;

/// Most bytes of `ISSUER`, and of `AUDIENCE`, as JSON. With both, a user's id of 128 characters and
/// 2 KiB of claims, an access token still has no more than [`TOKEN_BYTES`]. Without them, the
/// worker's address takes their place, which ends at about as much.
pub const ISSUER_BYTES: usize = 256;

/// Most characters of a device's name: it is kept in KV metadata, which ends at 1,024 bytes.
pub const DEVICE_CHARACTERS: usize = 100;

/// How long a `GET` may take in all. Bravo gives it up after 5 s, and a clear 503 must come before.
pub const GET_MS: u64 = 4_500;

/// How long any other request may take in all. Bravo gives it up after 10 s.
pub const REQUEST_MS: u64 = 8_500;

/// How long a read of the store may take.
pub const READ_MS: u64 = 2_500;

/// How long a write that the answer waits for may take, with its second try; and each try of one
/// that no answer waits for.
pub const WRITE_MS: u64 = 5_000;

/// The pause before a refused write is tried once more: KV takes one write a second for a key.
pub const WRITE_AGAIN_MS: u64 = 1_100;

/// What `Retry-After` says after a fault of ours, in seconds.
pub const RETRY_AFTER_SECONDS: u64 = 2;

/// Longest lifetime of a session that may be configured: browsers cap cookies at 400 days, and a
/// cut-off must be remembered for as long.
pub const LONGEST_SESSION_SECONDS: u64 = 400 * 24 * 60 * 60;

/// How many sessions are erased in one go: a request on the free plan may make 50 calls.
pub const ERASED_AT_ONCE: u32 = 25;

/// How long each time may take.
pub const ERASE_MS: u64 = 3_000;

/// How long a guard may take. A password costs it well under a second, but several may wait for
/// their turn; the phone gives up at 10 s.
pub const GUARD_MS: u64 = 6_000;

/// How long a guard may take for one attempt: a question to the table or two, and a password. Less
/// than [`GUARD_MS`], so that the next in the queue still has a chance.
pub const ATTEMPT_MS: u64 = 4_000;

/// How long a question to the table of accounts may take.
pub const ACCOUNTS_MS: u64 = 2_500;

/// For how long after the deletion of an account no session of it can begin. Longer than a login
/// may be under way, so that a token of an erased session is known to be over and not early.
pub const DELETION_MS: u64 = 10 * 60_000;

/// Shortest idle window that may be configured. The store may be a minute or two behind: with a
/// window of that size, a user who was just here would look idle from elsewhere.
pub const LEAST_IDLE_SECONDS: u64 = 600;

/// How much of a body that is too large is still read, so that the connection stays good.
pub const DISCARDED_BYTES: usize = 1024 * 1024;

/// Most sessions of one page of a list: each takes two keys of the 100 that one read may have.
pub const SESSIONS_A_PAGE: u32 = 50;

/// Most sessions of an account whose ids begin with the same of 64 characters: 1,024 in all. It is
/// far above what people have devices, because some apps log in at every start. With ten logins a
/// day, five in a month fall into the drawer of a device that is seen but noted only once in a third
/// of the idle window; that sixteen do, which would end its session, is a chance of 1 in 30,000.
pub const SESSIONS_A_DRAWER: usize = 16;

/// One login in so many looks whether there are too many sessions: each page of a listing costs as
/// much as the login's own write.
pub const LOGINS_A_LOOK: u8 = 8;

/// Most pages of a drawer that one login looks through: five hundred keys, of which most are of
/// sessions that were ended. A drawer that is fuller takes logins by the tens of thousands.
pub const PAGES_A_LOOK: usize = 10;

/// How long work after the answer may take. Nobody waits for it, but the runtime ends it after
/// 30 s, without a word.
pub const AFTER_ANSWER_MS: u64 = 20_000;

/// Most bytes of `CF-Connecting-IP`: an IPv6 address has 45 at most.
pub const IP_BYTES: usize = 64;

/// Most bytes of `Access-Control-Request-Headers` that are answered: browsers ask for a few names.
pub const WANTED_HEADERS_BYTES: usize = 1024;

/// How long a wrong password, or a sign-up, waits for its answer during a flood of them.
pub const FLOOD_PAUSE_MS: u64 = 2_000;

/// How long that may take together with the question whether there is a flood.
pub const FLOOD_MS: u64 = FLOOD_PAUSE_MS + 500;

/// Most bytes of a listing's cursor: those of KV have about 100.
pub const CURSOR_BYTES: usize = 1024;

/// How long a change of the settings may take to be seen where the runtime does not say that there
/// was one.
pub const SETTINGS_MS: u64 = 10_000;

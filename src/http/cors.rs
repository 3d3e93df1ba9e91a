//! Web pages that call (CORS).

/// Most bytes of `Access-Control-Request-Headers` that are answered: browsers ask for a few names.
pub const WANTED_HEADERS_BYTES: usize = 1024;

//! A rate limit of Cloudflare's over all addresses together. It counts in each data centre for
//! itself, in memory, and costs nothing.

use worker::{Env, RateLimiter};

use crate::{cloudflare::fault, port::Fault};

/// The name of the binding in `wrangler.toml`. A worker without it sees no flood.
const ATTEMPTS: &str = "ATTEMPTS";

/// One count for all addresses.
const KEY: &str = "all";

fn bound(env: &Env) -> Result<RateLimiter, Fault> {
    env.rate_limiter(ATTEMPTS)
        .map_err(|_| Fault::NotBound(ATTEMPTS))
}

/// Whether there is a limit.
pub fn is_bound(env: &Env) -> bool {
    bound(env).is_ok()
}

/// Counts an attempt; true when there are more than `wrangler.toml` says.
pub async fn is_flooded(env: &Env) -> Result<bool, Fault> {
    let limit = bound(env)?;
    let outcome = limit.limit(KEY.to_owned()).await;
    Ok(!outcome.map_err(fault)?.success)
}

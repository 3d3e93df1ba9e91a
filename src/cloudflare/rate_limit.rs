//! Rate limits of Cloudflare's. They count in each data centre for itself, in memory, and cost
//! nothing.

use worker::{Env, RateLimiter};

use crate::{
    cloudflare::fault,
    port::{Fault, RateLimit},
};

fn bound(env: &Env, limit: RateLimit) -> Result<RateLimiter, Fault> {
    let name = limit.binding();
    env.rate_limiter(name).map_err(|_| Fault::NotBound(name))
}

/// Whether there is such a limit.
pub fn is_bound(env: &Env, limit: RateLimit) -> bool {
    bound(env, limit).is_ok()
}

/// Counts one for this key; true when there are more than `wrangler.toml` says.
pub async fn is_over(env: &Env, limit: RateLimit, key: &str) -> Result<bool, Fault> {
    let limit = bound(env, limit)?;
    let outcome = limit.limit(key.to_owned()).await;
    Ok(!outcome.map_err(fault)?.success)
}

//! `GET /version`: which version this is.

use serde::Serialize;

use crate::{http::error::Error, setup::OwnerRequest};

/// The response.
#[derive(Serialize)]
pub struct Version {
    version: &'static str,
}

/// The version of this worker.
#[expect(clippy::unused_async, reason = "the shape of a handler")]
pub async fn version<P>(_: &OwnerRequest<'_, P>) -> Result<Version, Error> {
    Ok(Version {
        version: env!("CARGO_PKG_VERSION"),
    })
}

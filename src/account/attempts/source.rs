//! Who tries.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::account::email::Email;

/// Bytes of a caller's hash: among 128 callers, two alike are a chance in 10^15.
const SOURCE_BYTES: usize = 8;

/// Who tries: the network that an attempt comes from.
///
/// An IP address is personal data, and here it need only be told from others. So it is kept as a
/// short hash, which differs for each e-mail address: what is stored for two accounts does not
/// show that one person has both. Whoever can read the storage and tries all addresses of IPv4 can
/// undo it; that it is forgotten after a day has to be enough.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(String);

impl Source {
    /// The caller with this IP address. IPv6 counts by its first 48 bits, the
    /// largest block that one customer gets (RFC 6177): with more bits, one line would be many callers. All callers
    /// whose address cannot be read count as one.
    #[must_use]
    pub fn new(email: &Email, ip: &str) -> Self {
        let network = match ip.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V4(ip)) => ip.octets().to_vec(),
            Ok(IpAddr::V6(ip)) => ip.octets()[..6].to_vec(),
            Err(_) => Vec::new(),
        };
        let hash = Sha256::new()
            .chain_update("tokenkeep attempts v1\0")
            .chain_update(email.as_str())
            .chain_update([0])
            .chain_update(network)
            .finalize();
        Self(URL_SAFE_NO_PAD.encode(&hash[..SOURCE_BYTES]))
    }
}

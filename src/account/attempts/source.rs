//! Who tries.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{account::email::Email, token::id::SessionId};

/// Bytes of a caller's hash: among 128 callers, two alike are a chance in 10^15.
const SOURCE_BYTES: usize = 8;

/// Whose attempts are counted together: a network, or a device that was logged in.
///
/// An IP address is personal data, and here it need only be told from others. So it is kept as a
/// short hash, which differs for each e-mail address: what is stored for two accounts does not
/// show that one person has both. Whoever can read the storage and tries all addresses of IPv4 can
/// undo it; that it is forgotten after a day, or 30 days after the last login, has to be enough.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(String);

impl Source {
    /// The network with this IP address. IPv6 counts by its first 48 bits, the largest
    /// block that one customer gets (RFC 6177): with more bits, one line would be many callers. All
    /// callers whose address cannot be read count as one.
    #[must_use]
    pub fn new(email: &Email, ip: &str) -> Self {
        let network = match ip.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V4(ip)) => ip.octets().to_vec(),
            Ok(IpAddr::V6(ip)) => ip.octets()[..6].to_vec(),
            Err(_) => Vec::new(),
        };
        Self::hash(email, &network)
    }

    /// The device that had this session. An id has 22 characters, an IP address at most six bytes
    /// here: no device is taken for a network.
    #[must_use]
    pub fn device(email: &Email, session: &SessionId) -> Self {
        Self::hash(email, session.as_str().as_bytes())
    }

    fn hash(email: &Email, of: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update("tokenkeep attempts v1\0")
            .chain_update(email.as_str())
            .chain_update([0])
            .chain_update(of)
            .finalize();
        Self(URL_SAFE_NO_PAD.encode(&hash[..SOURCE_BYTES]))
    }
}

/// Who makes one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The network that it comes from.
    pub network: Source,
    /// The device, if it has shown a token of a session of this account.
    pub device: Option<Source>,
}

impl Caller {
    /// Whose count it goes to.
    #[must_use]
    pub fn counted(&self) -> &Source {
        self.device.as_ref().unwrap_or(&self.network)
    }
}

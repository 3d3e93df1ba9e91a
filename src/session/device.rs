//! The name that a client gives its device.

use crate::problem::Problem;

/// Maximum length of a device's name, in characters: it is also kept in KV metadata, which is limited
/// to 1,024 bytes.
pub const DEVICE_CHARACTERS: usize = 100;

/// A device's name: at most 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// The name as text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Device {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        if text.chars().count() > DEVICE_CHARACTERS {
            return Err(Problem("must be at most 100 characters"));
        }
        Ok(Self(text))
    }
}

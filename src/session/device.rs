//! The name that a client gives its device.

use crate::http::fields::Fields;

/// Maximum length of a device's name, in characters: it is also kept in KV metadata, which is limited
/// to 1,024 bytes.
pub const DEVICE_CHARACTERS: usize = 100;

/// `device`: its first 100 characters. It only helps to recognize a session in a list, so it is never
/// a reason to refuse a login.
pub fn device(fields: &mut Fields) -> Option<String> {
    let text = fields.if_usable("device")?;
    Some(text.chars().take(DEVICE_CHARACTERS).collect())
}

//! The pieces that hash strings are made of: numbers, named parameters, base64, and the hash
//! itself.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Minimum size of a hash, in bytes: with fewer than 128 bits, other passwords would match by
/// chance.
const MIN_DIGEST_BYTES: usize = 16;

/// Maximum size of a hash that any system makes, in bytes.
const MAX_DIGEST_BYTES: usize = 64;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Splits text into exactly so many pieces.
pub fn pieces<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    let mut rest = text.split(separator);
    let mut pieces = [""; N];
    for piece in &mut pieces {
        *piece = rest.next()?;
    }
    rest.next().is_none().then_some(pieces)
}

/// The values of `name=value,name=value`, in the order that the scheme gives its parameters.
pub fn parameters<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Option<[&'a str; N]> {
    let mut values = pieces(text, ',')?;
    for (value, name) in values.iter_mut().zip(names) {
        *value = value.strip_prefix(name)?.strip_prefix('=')?;
    }
    Some(values)
}

/// A decimal number without a sign.
pub fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// Base64 in any of its spellings, which do not contradict each other: standard, URL-safe, and
/// passlib's with `.` for `+`; with padding or without.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let standard = text.replace(['-', '.'], "+").replace('_', "/");
    BASE64.decode(standard).ok()
}

/// A salt in base64; an empty one is a part that is missing.
pub fn salt_bytes(text: &str) -> Option<Vec<u8>> {
    bytes(text).filter(|salt| !salt.is_empty())
}

/// Base64 without padding, as PHC strings have it.
pub fn text(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Hexadecimal in either case.
pub fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |character: u8| char::from(character).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

/// The hash itself, 16 to 64 bytes.
#[derive(Clone)]
pub struct Digest(Vec<u8>);

impl Digest {
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (MIN_DIGEST_BYTES..=MAX_DIGEST_BYTES)
            .contains(&bytes.len())
            .then_some(Self(bytes))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `derive` fills as many bytes with the same values, in a time that does not depend
    /// on where they differ.
    pub fn is_what(&self, derive: impl FnOnce(&mut [u8])) -> bool {
        let mut derived = Zeroizing::new([0; MAX_DIGEST_BYTES]);
        let derived = &mut derived[..self.len()];
        derive(derived);
        self.0.ct_eq(derived).into()
    }
}

//! What V8 does with text.

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;
use tokenkeep::port::Normalizer;

/// `String.prototype.normalize` and `URL`, natively.
pub struct Unicode;

impl Normalizer for Unicode {
    fn nfc(&self, text: &str) -> String {
        ComposingNormalizerBorrowed::new_nfc()
            .normalize(text)
            .into_owned()
    }

    fn nfkc(&self, text: &str) -> String {
        ComposingNormalizerBorrowed::new_nfkc()
            .normalize(text)
            .into_owned()
    }

    fn domain(&self, name: &str) -> Option<String> {
        let domain = idna::domain_to_ascii_cow(name.as_bytes(), AsciiDenyList::URL).ok()?;
        // A URL takes a last label of digits for the end of an IPv4 address.
        let last = domain.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
        (!is_number).then(|| domain.into_owned())
    }
}

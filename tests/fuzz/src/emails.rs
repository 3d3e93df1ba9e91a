//! E-mail addresses, and the ids of users beside them.

use tokenkeep::{
    account::email::Email,
    token::id::{SessionId, UserId},
};
use tokenkeep_world::Unicode;

/// An address that is taken has one spelling, which is taken too; an id can be in no way confused
/// within a key.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(email) = Email::parse_new(&text, &Unicode) {
        assert!((3..=254).contains(&email.as_str().len()));
        assert!(!email.as_str().contains(char::is_whitespace));
        assert_eq!(
            Email::parse_new(email.as_str(), &Unicode).as_ref(),
            Ok(&email)
        );
        assert_eq!(Email::parse(email.as_str()), Ok(email));
    }
    if let Ok(id) = UserId::parse(text.as_ref()) {
        assert!(
            id.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b':' && byte != b'/')
        );
    }
    if let Ok(id) = SessionId::parse(text.as_ref()) {
        assert_eq!(id.as_str().len(), 22);
    }
}

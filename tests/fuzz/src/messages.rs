//! What a guard is asked, what it answers and what it remembers, as JSON.

use tokenkeep::account::{
    attempts::{Attempts, Caller, Outcome, Source},
    email::Email,
    message::{GuardReply, GuardRequest},
};

use crate::world::NOW;

/// No message makes a reader panic; what is remembered can be counted on, whatever it says.
pub fn check(bytes: &[u8]) {
    if let Ok(ask) = serde_json::from_slice::<GuardRequest>(bytes) {
        let again = serde_json::to_string(&ask).expect("JSON");
        assert!(serde_json::from_str::<GuardRequest>(&again).is_ok());
    }
    if let Ok(reply) = serde_json::from_slice::<GuardReply>(bytes) {
        let again = serde_json::to_string(&reply).expect("JSON");
        assert_eq!(serde_json::from_str::<GuardReply>(&again).ok(), Some(reply));
    }
    if let Ok(mut attempts) = serde_json::from_slice::<Attempts>(bytes) {
        let email = Email::parse("ada@example.com").expect("an address");
        let caller = Caller {
            network: Source::new(&email, "192.0.2.1"),
            device: None,
        };
        attempts.forget(NOW);
        if let Ok(ticket) = attempts.admit(&caller, NOW) {
            attempts.settle(ticket, Outcome::Failure, NOW);
        }
        let _ = (attempts.is_empty(), attempts.next_cleanup(NOW));
        assert!(serde_json::to_string(&attempts).is_ok());
    }
}

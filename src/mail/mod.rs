//! E-mails: what they say, and how they are handed to somebody who delivers them.
//!
//! [`words`] has the languages, [`message`] makes text and HTML of them, [`provider`] makes the
//! request that each provider wants, and [`send`] sends it, with two more tries. All but the last are
//! pure; what is needed from outside is [`Mailer`].
//!
//! Nothing that a stranger can choose is in an e-mail: no name of a user, who may be anybody that has
//! signed up with somebody else's address. An address is sent to only if it is one plain address:
//! nothing in it can be read as a second one, or as a header.

pub mod message;
pub mod provider;
pub mod send;
pub mod words;

use crate::port::Fault;

/// What delivers e-mails.
pub trait Mailer {
    /// Sends a request to a provider.
    ///
    /// # Errors
    /// It could not be reached.
    async fn post(&self, post: &provider::Post) -> Result<provider::Answer, Fault>;

    /// Whether there is a binding `EMAIL`.
    fn has_mail_binding(&self) -> bool {
        false
    }

    /// Hands an e-mail, as JSON, to that binding.
    ///
    /// # Errors
    /// There is none, or it refused the e-mail.
    async fn send_by_binding(&self, _email: &str) -> Result<(), Fault> {
        Err(Fault::NotBound("EMAIL"))
    }
}

//! Whoever delivers e-mails: a server that remembers what it gets, and answers as it is told.
//!
//! workerd sends here whatever the worker sends to the internet, so the worker calls the addresses of
//! real providers.

use std::{
    collections::VecDeque,
    io::{self, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::http::Request;

/// How long a test waits for an e-mail: longer than all tries take.
const PATIENCE: Duration = Duration::from_secs(40);

/// How a request is answered.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// With this status and JSON.
    Json(u16),
    /// With this status and a page.
    Html(u16),
    /// Not at all.
    Hangs,
    /// The connection is closed.
    Closes,
}

/// A running server.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The port of this computer that it listens on.
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    manners: VecDeque<Manner>,
    received: VecDeque<Request>,
}

impl Provider {
    /// Starts a server. It runs until the process ends.
    ///
    /// # Panics
    /// The computer has no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let provider = Self {
            port: listener.local_addr().expect("an address").port(),
            state: Arc::default(),
        };
        let this = provider.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let this = this.clone();
                // A connection that breaks is one that workerd has given up.
                thread::spawn(move || drop(this.serve(connection)));
            }
        });
        provider
    }

    /// The next requests are answered like this, each in one way; those after them with success.
    pub fn will(&self, manners: &[Manner]) {
        let mut state = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.manners = manners.iter().copied().collect();
    }

    /// The next request, with its body.
    ///
    /// # Panics
    /// None comes.
    #[must_use]
    pub fn next(&self) -> (Request, Value) {
        let (state, arrival) = &*self.state;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(request) = state.received.pop_front() {
                let body = serde_json::from_str(&request.body).expect("JSON");
                return (request, body);
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no e-mail came");
            let waited = arrival.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many requests nobody has looked at.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let state = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.received.len()
    }

    fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        let mut incoming = BufReader::new(connection.try_clone()?);
        while let Some(request) = Request::read(&mut incoming)? {
            let (state, arrival) = &*self.state;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let manner = state.manners.pop_front().unwrap_or(Manner::Json(200));
            state.received.push_back(request);
            arrival.notify_all();
            drop(state);
            let (status, kind, body) = match manner {
                Manner::Json(status) => (status, "application/json", r#"{"id":"x"}"#),
                Manner::Html(status) => (status, "text/html", "<html></html>"),
                Manner::Closes => return Ok(()),
                Manner::Hangs => {
                    // Until workerd gives up.
                    io::copy(&mut incoming, &mut io::sink())?;
                    return Ok(());
                }
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} \r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            connection.write_all(answer.as_bytes())?;
        }
        Ok(())
    }
}

//! Callers who are gone before their answer.

use std::{
    io::Write as _,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use socket2::SockRef;
use tokenkeep_workerd_tests::{
    kv::{Calls, Failure},
    workerd::{Settings, Workerd},
};

const SLOW: Duration = Duration::from_millis(800);

/// Begins a request, and resets the connection while the store is being asked: what is left of
/// the request is cut off at once.
fn begin_and_hang_up(workerd: &Workerd, path: &str, body: &str, user: &str) {
    let before = workerd.kv.operations(&[user]).len();
    let address = workerd.clients[0].origin.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).expect("a connection");
    let length = body.len();
    write!(
        connection,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("a request");
    let begun_at = Instant::now();
    while workerd.kv.operations(&[user]).len() == before {
        assert!(
            begun_at.elapsed() < Duration::from_secs(20),
            "no call of the store"
        );
        thread::sleep(Duration::from_millis(5));
    }
    SockRef::from(&connection)
        .set_linger(Some(Duration::ZERO))
        .expect("a socket that can be reset");
}

#[test]
fn what_was_begun_is_ended_even_if_the_caller_hangs_up() {
    let workerd = Workerd::start(&[Settings::fresh()]);
    let session = workerd.clients[0].new_session();
    workerd
        .kv
        .fail(Calls::Reads, &session.user, Failure::Delay(SLOW), 1);
    let body = json!({"refreshToken": session.refresh}).to_string();
    begin_and_hang_up(&workerd, "/auth/logout", &body, &session.user);
    // The login's own write, and the tombstone.
    let writes = workerd.kv.wait_for_writes(&session.session, 2);
    assert!(writes[1].json()["revoked_at"].is_u64(), "{writes:?}");
}

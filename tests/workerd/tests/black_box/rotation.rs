//! The rule of sessions, where it meets the runtime: requests at once, and a tombstone in the store.
//!
//! Objects take these sessions over from KV. Times are far from every limit of the rule, so that no test hangs on how fast it runs.

use std::{
    collections::HashSet,
    thread::{self, ScopedJoinHandle},
};

use rstest::rstest;
use tokenkeep_workerd_tests::{
    client::{Answer, Client, Tokens},
    time::{HOUR, MINUTE, SECOND, minute_of, now},
    workerd::SessionsIn::{self, Kv, Objects},
};

use crate::stage::{Chain, Stage, use_sessions_in};

fn client() -> &'static Client {
    Stage::shared().client()
}

fn refresh(token: &str) -> Answer {
    client().refresh(token)
}

/// A session whose generation 1 was taken up so long ago, and the token of generation 1.
fn moved_on(before: u64) -> (Chain, String) {
    let taken_up_at = now() - before;
    let chain = Chain::begun_before(HOUR).taken_up(1, taken_up_at);
    let in_force = chain.token(1, minute_of(taken_up_at));
    (chain, in_force)
}

#[rstest]
fn twenty_calls_at_once_get_twenty_answers_and_one_successor(
    #[values(Kv, Objects)] sessions: SessionsIn,
) {
    use_sessions_in(sessions);
    let chain = Chain::begun_before(10 * MINUTE);
    let token = chain.first_token();
    let since = now();
    let answers: Vec<Tokens> = thread::scope(|scope| {
        let client = client();
        let call = || scope.spawn(|| client.refresh(&token).tokens());
        let calls: Vec<_> = (0..20).map(|_| call()).collect();
        let done = calls.into_iter().map(ScopedJoinHandle::join);
        done.map(|answer| answer.expect("an answer")).collect()
    });
    assert_eq!(answers.len(), 20);
    let successors: HashSet<&str> = answers.iter().map(|answer| &*answer.refresh).collect();
    let minutes = (minute_of(now()) - minute_of(since)) / 60 + 1;
    assert!(successors.len() as u64 <= minutes, "{successors:?}");
    let access: HashSet<&str> = answers.iter().map(|answer| &*answer.access).collect();
    assert_eq!(access.len(), 20, "each access token has its own `jti`");
    for successor in successors {
        assert_eq!(refresh(successor).tokens().session, chain.session);
    }
}

#[rstest]
fn an_old_copy_ends_the_session_for_everyone(#[values(Kv, Objects)] sessions: SessionsIn) {
    use_sessions_in(sessions);
    let (chain, in_force) = moved_on(90 * SECOND);
    let live = refresh(&in_force).tokens();
    assert_eq!(live.session, chain.session);

    refresh(&chain.first_token()).assert_error(401, "refresh_token_reused");

    if sessions == Kv {
        let tombstone = Stage::shared().kv().value(&chain.session_key());
        let tombstone = tombstone.expect("a tombstone");
        assert!(tombstone["revoked_at"].is_u64(), "{tombstone}");
        assert_eq!(tombstone.as_object().map(serde_json::Map::len), Some(2));
    }
    let newest = chain.token(2, minute_of(now()));
    for token in [&in_force, &live.refresh, &newest, &chain.first_token()] {
        refresh(token).assert_error(401, "session_revoked");
    }
    client()
        .me(&live.access)
        .assert_error(401, "session_revoked");
}

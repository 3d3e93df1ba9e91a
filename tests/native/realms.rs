//! Accounts and users of the owner's own back end are different people, even with the same id.

use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep::config::SessionStore::{self, DurableObjects, Kv};
use tokenkeep::token::{
    id::{Realm, SessionId, SessionRef, UserId},
    refresh::{Position, RefreshToken},
    secret::Secret,
    time::UnixMillis,
};

use crate::{
    client::{BCRYPT, EMAIL, PASSWORD, REFRESH_SECRET, Tokens, body, expect_error},
    codes::{NOT_FOUND, REVOKED},
    world::{DAY, HOUR, World, use_store},
};

/// An account, and a user of another back end with the account's id, both logged in.
fn namesakes() -> (World, Tokens, Tokens) {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    let account = world.log_in_with(PASSWORD);
    let namesake = world.open_for("u1");
    world.pass(1_000);
    (world, account, namesake)
}

/// Every id that all pages of this bearer's list show.
fn listed(world: &World, tokens: &Tokens) -> Vec<String> {
    let mut ids = Vec::new();
    let mut path = "/auth/sessions".to_owned();
    loop {
        let page = body(&world.get(&path, &tokens.access));
        let sessions = page["sessions"].as_array().expect("a list").iter();
        ids.extend(sessions.map(|session| text(&session["id"])));
        let Some(next) = page["nextCursor"].as_str() else {
            ids.sort();
            return ids;
        };
        path = format!("/auth/sessions?cursor={next}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// A session of another back end as an earlier version has stored it, and its refresh token.
fn earlier_session(world: &World) -> (String, String) {
    let now = UnixMillis(world.now());
    let session = SessionId::from_random([9; 16]);
    let end = now.plus_ms(365 * DAY);
    let record = json!({"v": 1, "created_at": now, "expires_at": end, "claims": {}});
    let id = session.as_str().to_owned();
    world.put(&format!("session:u1:{id}"), &record);
    let token = RefreshToken {
        session_ref: SessionRef {
            realm: Realm::Account,
            user: UserId::parse("u1").expect("a user id"),
            session,
        },
        position: Position::first(now),
        session_end: end.seconds(),
    };
    let secret = Secret::parse(REFRESH_SECRET).expect("long enough");
    (id, token.sign(&secret.signing_key()))
}

#[rstest]
fn namesakes_neither_see_nor_end_each_others_sessions(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, account, namesake) = namesakes();
    for (one, other) in [(&account, &namesake), (&namesake, &account)] {
        assert_eq!(listed(&world, one), [one.session.as_str()]);
        expect_error(&world.end_session(one, &other.session), NOT_FOUND);
    }
    for (one, other) in [(&account, &namesake), (&namesake, &account)] {
        let copy = world.copy();
        assert_eq!(copy.log_out_all(one).status, 200);
        copy.refuses(one, REVOKED);
        copy.refresh(other);
        assert_eq!(copy.me(other).status, 200);
    }
    let changed = world.change_password(&account, PASSWORD, "better horse");
    assert_eq!(changed.status, 200);
    world.refresh_after(HOUR, &namesake);
}

#[rstest]
fn the_owner_ends_the_sessions_of_both_namesakes(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, account, namesake) = namesakes();
    assert_eq!(world.revoke(&json!({"userId": "u1"})).status, 200);
    world.refuses(&account, REVOKED);
    world.refuses(&namesake, REVOKED);

    let (world, account, namesake) = namesakes();
    for (ended, id) in [(&account, &account.session), (&namesake, &namesake.session)] {
        let one = json!({"userId": "u1", "sessionId": id});
        assert_eq!(world.revoke(&one).status, 200);
        world.refuses(ended, REVOKED);
    }
}

#[rstest]
fn a_session_that_an_earlier_version_has_stored_belongs_to_the_users_of_the_back_end(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, account, namesake) = namesakes();
    let (id, token) = earlier_session(&world);
    let earlier = world.refresh(&token);
    assert_eq!(world.me(&earlier).status, 200);
    assert_eq!(listed(&world, &account), [account.session.as_str()]);
    let mut both = [id.clone(), namesake.session.clone()];
    both.sort();
    assert_eq!(listed(&world, &namesake), both);
    assert_eq!(listed(&world, &earlier), both);

    expect_error(&world.end_session(&account, &id), NOT_FOUND);
    let copy = world.copy();
    assert_eq!(copy.end_session(&namesake, &id).status, 200);
    copy.refuses(&token, REVOKED);
    copy.refresh(&namesake);

    for bearer in [&namesake, &earlier] {
        let copy = world.copy();
        assert_eq!(copy.log_out_all(bearer).status, 200);
        copy.refuses(&token, REVOKED);
        expect_error(&copy.me(&earlier), REVOKED);
        copy.refuses(&namesake, REVOKED);
        copy.refresh(&account);
    }
}

//! Every flow, as the sweep of faults sends it: what it starts from, and what has to be true
//! once it was acknowledged.

use serde_json::{Value, json};
use tokenkeep::{
    http::{method::Method, request::Call},
    session::trim::SESSIONS_PER_SHARD,
    token::id::SessionId,
};

use crate::world::{
    DAY, HOUR, SERVICE_KEY, Tokens, World, body, call, expect_error, has_looked, tokens,
};

pub const ADA: &str = "ada@example.com";
pub const EVE: &str = "eve@example.com";
pub const PASSWORD: &str = "correct horse";
pub const NEW_PASSWORD: &str = "better horse";

/// A world with people in it.
pub struct Scene {
    pub world: World,
    /// Two devices of Ada, who has an account.
    pub here: Tokens,
    pub there: Tokens,
    pub user: Value,
    /// The hash of Ada's password.
    pub hash: String,
    /// Somebody else.
    pub bob: Tokens,
    /// The refresh token that the flow sends, where it is not the one of `here`.
    pub shown: String,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let account = json!({"email": ADA, "password": PASSWORD, "name": "Ada"});
        let here = tokens(&world.post("/auth/signup", &account));
        let there = tokens(&world.post("/auth/login", &account));
        let bob = tokens(&world.open(&json!({"userId": "bob"})));
        // Whoever falls asleep wakes up later.
        world.pass(10_000);
        let shown = here.refresh.clone();
        let user = body(&world.get("/auth/me", &here.access))["id"].clone();
        Self {
            here,
            there,
            user,
            hash: world.password_hash(ADA).expect("just made"),
            world,
            bob,
            shown,
        }
    }

    /// `here` is an hour old, and has been given a successor.
    fn an_hour_later() -> Self {
        let mut scene = Self::new();
        scene.world.pass(HOUR);
        let answer = scene.world.refresh(&scene.here.refresh);
        scene.shown = answer.refresh;
        scene.here.access = answer.access;
        scene
    }

    /// `here` has moved on to it, and an old copy comes back.
    fn with_a_thief() -> Self {
        let mut scene = Self::an_hour_later();
        scene.world.refresh(&scene.shown);
        scene.world.pass(HOUR);
        scene.shown = scene.here.refresh.clone();
        scene
    }

    /// Ada's account is gone; of its sessions all is still there.
    fn half_deleted() -> Self {
        let scene = Self::new();
        scene.world.accounts.borrow_mut().remove(ADA);
        scene
    }

    /// Ada has as many sessions as there may be, and the next login is one that looks.
    fn crowded() -> Self {
        let scene = Self::new();
        let user = scene.user.as_str().expect("text");
        // Each shard is full.
        for shard in 0..64 {
            for session in 0..SESSIONS_PER_SHARD {
                let id = [
                    &[shard << 2, u8::try_from(session).expect("few")][..],
                    &[0; 14],
                ]
                .concat();
                let id = SessionId::from_random(id.try_into().expect("16 bytes"));
                let begun = scene.world.now();
                let record = json!({"v": 1, "created_at": begun, "expires_at": begun + 365 * DAY, "claims": {}});
                scene
                    .world
                    .put(&format!("session:{user}:{}", id.as_str()), &record);
            }
        }
        scene.world.pass(HOUR);
        scene.with_a_look(&log_in(ADA, PASSWORD))
    }

    /// With such luck that this request looks whether there are too many sessions.
    fn with_a_look(self, call: &Call) -> Self {
        self.world
            .set_chance_so_that(call, |copy, _| has_looked(copy));
        self
    }

    pub fn copy(&self) -> Self {
        Self {
            world: self.world.copy(),
            here: self.here.clone(),
            there: self.there.clone(),
            user: self.user.clone(),
            hash: self.hash.clone(),
            bob: self.bob.clone(),
            shown: self.shown.clone(),
        }
    }
}

/// A flow.
pub struct Flow {
    pub name: &'static str,
    pub begin: fn() -> Scene,
    pub call: fn(&Scene) -> Call,
    /// What is answered when nothing goes wrong.
    pub good: u16,
    /// What a repetition may answer besides, once it is known that the first request had its effect.
    pub done_before: Option<u16>,
    /// What must be true after a good answer with this body.
    pub holds: fn(&Scene, &Value),
}

fn log_in(email: &str, password: &str) -> Call {
    let body = json!({"email": email, "password": password});
    call(Method::Post, "/auth/login", None, &body.to_string())
}

fn sign_up(email: &str) -> Call {
    let body = json!({"email": email, "password": PASSWORD, "name": "Ada"});
    call(Method::Post, "/auth/signup", None, &body.to_string())
}

fn refresh(token: &str) -> Call {
    let body = json!({ "refreshToken": token });
    call(Method::Post, "/auth/token", None, &body.to_string())
}

fn as_bearer(method: Method, path: &str, bearer: &str, body: &Value) -> Call {
    let bearer = format!("Bearer {bearer}");
    call(method, path, Some(&bearer), &body.to_string())
}

/// The tokens of the answer work.
fn works(scene: &Scene, answer: &Value) {
    let token = answer["refreshToken"].as_str().expect("a refresh token");
    scene.world.refresh(token);
}

/// Both sessions of the account are over.
fn both_ended(scene: &Scene) {
    is_ended(&scene.world, &scene.here);
    is_ended(&scene.world, &scene.there);
}

fn is_ended(world: &World, tokens: &Tokens) {
    world.refuses(&tokens.refresh, 401, "session_revoked");
    let me = world.get("/auth/me", &tokens.access);
    expect_error(&me, 401, "session_revoked");
}

pub const FLOWS: [Flow; 23] = [
    Flow {
        name: "POST /auth/token",
        begin: Scene::new,
        call: |scene| refresh(&scene.shown),
        good: 200,
        done_before: None,
        holds: works,
    },
    Flow {
        name: "POST /auth/token, adopting a successor",
        begin: Scene::an_hour_later,
        call: |scene| refresh(&scene.shown),
        good: 200,
        done_before: None,
        holds: works,
    },
    Flow {
        name: "POST /auth/token with an old copy",
        begin: Scene::with_a_thief,
        call: |scene| refresh(&scene.shown),
        good: 401,
        done_before: None,
        holds: |scene, _| scene.world.refuses(&scene.shown, 401, "session_revoked"),
    },
    Flow {
        name: "POST /auth/signup",
        begin: || Scene::new().with_a_look(&sign_up(EVE)),
        call: |_| sign_up(EVE),
        good: 200,
        done_before: None,
        holds: |scene, answer| {
            works(scene, answer);
            assert!(scene.world.password_hash(EVE).is_some());
        },
    },
    Flow {
        name: "POST /auth/signup, repeated",
        begin: Scene::new,
        call: |_| sign_up(ADA),
        good: 200,
        done_before: None,
        holds: works,
    },
    Flow {
        name: "POST /auth/login",
        begin: Scene::new,
        call: |_| log_in(ADA, PASSWORD),
        good: 200,
        done_before: None,
        holds: works,
    },
    Flow {
        name: "POST /auth/login with one session too many",
        begin: Scene::crowded,
        call: |_| log_in(ADA, PASSWORD),
        good: 200,
        done_before: None,
        holds: works,
    },
    Flow {
        name: "POST /auth/login with a wrong password",
        begin: Scene::new,
        call: |_| log_in(ADA, "wrong horse"),
        good: 401,
        done_before: None,
        holds: |scene, _| drop(scene.world.refresh(&scene.here.refresh)),
    },
    Flow {
        name: "POST /auth/login with an unknown address",
        begin: Scene::new,
        call: |_| log_in(EVE, PASSWORD),
        good: 401,
        done_before: None,
        holds: |scene, _| assert_eq!(scene.world.password_hash(EVE), None),
    },
    Flow {
        name: "POST /auth/logout",
        begin: Scene::new,
        call: |scene| {
            let body = json!({ "refreshToken": scene.shown }).to_string();
            call(Method::Post, "/auth/logout", None, &body)
        },
        good: 200,
        done_before: None,
        holds: |scene, _| is_ended(&scene.world, &scene.here),
    },
    Flow {
        name: "POST /auth/logout/all",
        begin: Scene::new,
        call: |scene| {
            as_bearer(
                Method::Post,
                "/auth/logout/all",
                &scene.here.access,
                &json!({}),
            )
        },
        good: 200,
        done_before: Some(401),
        holds: |scene, _| both_ended(scene),
    },
    Flow {
        name: "POST /auth/session",
        begin: Scene::new,
        call: |_| {
            let user = json!({"userId": "eve"});
            as_bearer(Method::Post, "/auth/session", SERVICE_KEY, &user)
        },
        good: 200,
        done_before: None,
        holds: works,
    },
    Flow {
        name: "GET /auth/sessions",
        begin: Scene::new,
        call: |scene| {
            as_bearer(
                Method::Get,
                "/auth/sessions",
                &scene.here.access,
                &json!({}),
            )
        },
        good: 200,
        done_before: None,
        holds: |scene, answer| works(scene, &json!({"refreshToken": scene.shown, "": answer})),
    },
    Flow {
        name: "DELETE /auth/sessions/{id}",
        begin: Scene::new,
        call: |scene| {
            let path = format!("/auth/sessions/{}", scene.there.session);
            as_bearer(Method::Delete, &path, &scene.here.access, &json!({}))
        },
        good: 200,
        done_before: None,
        holds: |scene, _| {
            is_ended(&scene.world, &scene.there);
            scene.world.refresh(&scene.here.refresh);
        },
    },
    Flow {
        name: "GET /auth/me",
        begin: Scene::new,
        call: |scene| as_bearer(Method::Get, "/auth/me", &scene.here.access, &json!({})),
        good: 200,
        done_before: None,
        holds: |_, answer| assert_eq!(answer["email"], ADA),
    },
    Flow {
        name: "GET /auth/me after an interrupted deletion",
        begin: Scene::half_deleted,
        call: |scene| as_bearer(Method::Get, "/auth/me", &scene.here.access, &json!({})),
        good: 401,
        done_before: None,
        holds: |scene, _| both_ended(scene),
    },
    Flow {
        name: "PATCH /auth/me",
        begin: Scene::new,
        call: |scene| {
            let name = json!({"name": "Ada L."});
            as_bearer(Method::Patch, "/auth/me", &scene.here.access, &name)
        },
        good: 200,
        done_before: None,
        holds: |scene, _| {
            let me = body(&scene.world.get("/auth/me", &scene.here.access));
            assert_eq!(me["name"], "Ada L.");
        },
    },
    Flow {
        name: "POST /auth/password/change",
        begin: Scene::new,
        call: |scene| {
            let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
            let path = "/auth/password/change";
            as_bearer(Method::Post, path, &scene.here.access, &body)
        },
        good: 200,
        done_before: None,
        holds: |scene, answer| {
            works(scene, answer);
            scene.world.refresh(&scene.here.refresh);
            is_ended(&scene.world, &scene.there);
            let hash = scene.world.password_hash(ADA).expect("there");
            assert_ne!(hash, scene.hash, "the new password");
        },
    },
    Flow {
        name: "DELETE /auth/me",
        begin: Scene::new,
        call: |scene| {
            let password = json!({ "password": PASSWORD });
            as_bearer(Method::Delete, "/auth/me", &scene.here.access, &password)
        },
        good: 200,
        done_before: Some(401),
        holds: |scene, _| {
            both_ended(scene);
            assert_eq!(scene.world.password_hash(ADA), None);
            let left = scene.world.keys("session:");
            assert_eq!(left, [format!("session:bob:{}", scene.bob.session)]);
        },
    },
    Flow {
        name: "POST /auth/revoke, one session",
        begin: Scene::new,
        call: |scene| {
            let body = json!({"userId": scene.user, "sessionId": scene.there.session});
            as_bearer(Method::Post, "/auth/revoke", SERVICE_KEY, &body)
        },
        good: 200,
        done_before: None,
        holds: |scene, _| {
            is_ended(&scene.world, &scene.there);
            scene.world.refresh(&scene.here.refresh);
        },
    },
    Flow {
        name: "POST /auth/revoke, all sessions",
        begin: Scene::new,
        call: |scene| {
            let body = json!({ "userId": scene.user });
            as_bearer(Method::Post, "/auth/revoke", SERVICE_KEY, &body)
        },
        good: 200,
        done_before: None,
        holds: |scene, _| both_ended(scene),
    },
    Flow {
        name: "GET /health",
        begin: Scene::new,
        call: |_| call(Method::Get, "/health", None, ""),
        good: 200,
        done_before: None,
        holds: |_, answer| assert_eq!(answer["status"], "ok"),
    },
    Flow {
        name: "GET /generate_jwt_secret",
        begin: Scene::new,
        call: |_| call(Method::Get, "/generate_jwt_secret", None, ""),
        good: 200,
        done_before: None,
        holds: |_, answer| assert!(answer["secret"].is_string()),
    },
];

//! Every flow, as the sweep of faults sends it: what it starts from, and what has to be true
//! once it was acknowledged.

use serde_json::{Value, json};
use tokenkeep::{
    http::{method::Method, request::Call},
    session::store::SESSIONS_PER_SHARD,
    token::{id::SessionId, time::UnixMillis},
};

use crate::{
    client::{EMAIL, PASSWORD, SERVICE_KEY, Tokens, body, call, expect_error, post, with_bearer},
    codes::REVOKED,
    mail::{RESEND, with_mail},
    world::{DAY, HOUR, MINUTE, World, has_looked, is_in_objects},
};

const EVE: &str = "eve@example.com";
const NEW: &str = "ada@new.example";

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
    /// The code that Ada was sent.
    pub code: String,
    /// The refresh token that the flow sends, where it is not the one of `here`.
    pub shown: String,
    /// When the flow begins.
    began: u64,
}

impl Scene {
    fn new() -> Self {
        Self::of(World::new())
    }

    /// E-mail is on, and Ada has forgotten her password.
    fn forgetful() -> Self {
        let mut scene = Self::of(with_mail());
        scene.code = scene.world.code();
        scene.world.pass(60_000);
        scene
    }

    /// E-mail is on, and Ada wants another address.
    fn moving() -> Self {
        let mut scene = Self::of(with_mail());
        scene.code = scene.world.code_for(&scene.here, NEW);
        scene.world.pass(60_000);
        scene
    }

    /// E-mail is on, and this address was sent a code to log in with.
    fn with_login_code(email: &str) -> Self {
        let mut scene = Self::of(with_mail());
        scene.code = scene.world.code_by("/auth/code/send", email);
        scene.world.pass(60_000);
        scene
    }

    fn of(world: World) -> Self {
        let here = world.sign_up();
        let there = world.log_in_with(PASSWORD);
        let bob = world.open_for("bob");
        // Whoever falls asleep wakes up later.
        world.pass(10_000);
        let shown = here.refresh.clone();
        let user = body(&world.me(&here))["id"].clone();
        Self {
            here,
            there,
            user,
            hash: world.password_hash(EMAIL).expect("just made"),
            began: world.now(),
            world,
            bob,
            shown,
            code: String::new(),
        }
    }

    /// `here` is an hour old, and has been given a successor.
    fn an_hour_later() -> Self {
        let mut scene = Self::new();
        let answer = scene.world.refresh_after(HOUR, &scene.here);
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
        let mut accounts = scene.world.accounts.borrow_mut();
        let id = accounts.row(EMAIL).expect("just made").0.id.clone();
        accounts.delete(&id, UnixMillis(scene.world.now()));
        drop(accounts);
        scene
    }

    /// Ada has as many sessions as there may be, and the next login is one that looks.
    fn crowded() -> Self {
        if is_in_objects() {
            return Self::with_as_many_as_may_be();
        }
        let scene = Self::new();
        let user = scene.user.as_str().expect("text");
        // Each shard is full.
        for shard in 0..64 {
            for session in 0..SESSIONS_PER_SHARD {
                let mut id = [0; 16];
                id[..2].copy_from_slice(&[shard << 2, u8::try_from(session).expect("few")]);
                let id = SessionId::from_random(id);
                let begun = scene.world.now();
                let record = json!({"v": 1, "created_at": begun, "expires_at": begun + 365 * DAY, "claims": {}, "account": true});
                scene
                    .world
                    .put(&format!("session:{user}:{}", id.as_str()), &record);
            }
        }
        scene.world.pass(HOUR);
        scene.with_a_look(&log_in(EMAIL, PASSWORD))
    }

    /// The same in objects, where four are allowed.
    fn with_as_many_as_may_be() -> Self {
        let mut scene = Self::new();
        scene.world = scene.world.here_with(&[("SESSIONS_PER_USER", "4")]);
        for _ in 0..2 {
            scene.world.log_in_with(PASSWORD);
            scene.world.pass(HOUR);
        }
        for tokens in [&scene.here, &scene.there] {
            scene.world.refresh_after(40 * DAY, tokens);
        }
        scene
    }

    /// With such luck that this request looks whether there are too many sessions: an object always does.
    fn with_a_look(self, call: &Call) -> Self {
        if is_in_objects() {
            return self;
        }
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
            code: self.code.clone(),
            shown: self.shown.clone(),
            began: self.began,
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
    /// What is answered when the guard cannot read what it has stored: then it starts again.
    pub if_forgotten: Option<u16>,
    /// What must be true after a good answer with this body.
    pub holds: fn(&Scene, &Value),
}

/// Most of them: where nothing is special, and the answer has tokens.
const FLOW: Flow = Flow {
    name: "",
    begin: Scene::new,
    call: |_| unreachable!("each flow has a call"),
    good: 200,
    done_before: None,
    if_forgotten: None,
    holds: works,
};

fn log_in(email: &str, password: &str) -> Call {
    post(
        "/auth/login",
        &json!({"email": email, "password": password}),
    )
}

fn sign_up(email: &str) -> Call {
    let person = json!({"email": email, "password": PASSWORD, "name": "Ada"});
    post("/auth/signup", &person)
}

fn refresh(scene: &Scene) -> Call {
    post("/auth/token", &json!({ "refreshToken": scene.shown }))
}

/// A request of `here`.
fn from_here(scene: &Scene, method: Method, path: &str, body: &Value) -> Call {
    with_bearer(method, path, &scene.here.access, body)
}

/// The code that was sent to this address is entered.
fn enter(path: &str, email: &str, scene: &Scene) -> Call {
    post(path, &json!({"email": email, "code": scene.code}))
}

fn verification_required() -> Vec<(&'static str, &'static str)> {
    [RESEND, &[("EMAIL_VERIFICATION", "required")]].concat()
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
    world.refuses(tokens, REVOKED);
    expect_error(&world.me(tokens), REVOKED);
}

/// Ada has another address, and her sessions go on.
fn has_moved(scene: &Scene, _: &Value) {
    let me = body(&scene.world.me(&scene.here));
    assert_eq!(me["email"], NEW);
    for device in [&scene.here, &scene.there] {
        scene.world.refresh(device);
    }
    assert_eq!(scene.world.password_hash(EMAIL), None);
    assert_eq!(scene.world.try_log_in(NEW, PASSWORD).status, 200);
}

fn change_email(scene: &Scene) -> Call {
    let body = json!({"password": PASSWORD, "newEmail": NEW});
    from_here(scene, Method::Post, "/auth/email/change", &body)
}

pub const FLOWS: [Flow; 35] = [
    Flow {
        name: "POST /auth/token",
        call: refresh,
        ..FLOW
    },
    Flow {
        name: "POST /auth/token, adopting a successor",
        begin: Scene::an_hour_later,
        call: refresh,
        ..FLOW
    },
    Flow {
        name: "POST /auth/token with an old copy",
        begin: Scene::with_a_thief,
        call: refresh,
        good: 401,
        holds: |scene, _| scene.world.refuses(&scene.shown, REVOKED),
        ..FLOW
    },
    Flow {
        name: "POST /auth/signup",
        begin: || Scene::new().with_a_look(&sign_up(EVE)),
        call: |_| sign_up(EVE),
        holds: |scene, answer| {
            works(scene, answer);
            assert!(scene.world.password_hash(EVE).is_some());
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/signup, repeated",
        call: |_| sign_up(EMAIL),
        ..FLOW
    },
    Flow {
        name: "POST /auth/login",
        call: |_| log_in(EMAIL, PASSWORD),
        ..FLOW
    },
    Flow {
        name: "POST /auth/login with one session too many",
        begin: Scene::crowded,
        call: |_| log_in(EMAIL, PASSWORD),
        ..FLOW
    },
    Flow {
        name: "POST /auth/login with a wrong password",
        call: |_| log_in(EMAIL, "wrong horse"),
        good: 401,
        holds: |scene, _| drop(scene.world.refresh(&scene.here)),
        ..FLOW
    },
    Flow {
        name: "POST /auth/login with an unknown address",
        call: |_| log_in(EVE, PASSWORD),
        good: 401,
        holds: |scene, _| assert_eq!(scene.world.password_hash(EVE), None),
        ..FLOW
    },
    Flow {
        name: "POST /auth/logout",
        call: |scene| post("/auth/logout", &json!({ "refreshToken": scene.shown })),
        holds: |scene, _| is_ended(&scene.world, &scene.here),
        ..FLOW
    },
    Flow {
        name: "POST /auth/logout/all",
        call: |scene| from_here(scene, Method::Post, "/auth/logout/all", &json!({})),
        done_before: Some(401),
        holds: |scene, _| both_ended(scene),
        ..FLOW
    },
    Flow {
        name: "POST /auth/session",
        call: |_| {
            let user = json!({"userId": "eve"});
            with_bearer(Method::Post, "/auth/session", SERVICE_KEY, &user)
        },
        ..FLOW
    },
    Flow {
        name: "GET /auth/sessions",
        call: |scene| from_here(scene, Method::Get, "/auth/sessions", &json!({})),
        holds: |scene, answer| works(scene, &json!({"refreshToken": scene.shown, "": answer})),
        ..FLOW
    },
    Flow {
        name: "DELETE /auth/sessions/{id}",
        call: |scene| {
            let path = format!("/auth/sessions/{}", scene.there.session);
            from_here(scene, Method::Delete, &path, &json!({}))
        },
        holds: |scene, _| {
            is_ended(&scene.world, &scene.there);
            scene.world.refresh(&scene.here);
        },
        ..FLOW
    },
    Flow {
        name: "GET /auth/me",
        call: |scene| from_here(scene, Method::Get, "/auth/me", &json!({})),
        holds: |_, answer| assert_eq!(answer["email"], EMAIL),
        ..FLOW
    },
    Flow {
        name: "GET /auth/me after an interrupted deletion",
        begin: Scene::half_deleted,
        call: |scene| from_here(scene, Method::Get, "/auth/me", &json!({})),
        good: 401,
        holds: |scene, _| drop(scene.world.refresh(&scene.here)),
        ..FLOW
    },
    Flow {
        name: "PATCH /auth/me after an interrupted deletion",
        begin: Scene::half_deleted,
        call: |scene| from_here(scene, Method::Patch, "/auth/me", &json!({"name": "x"})),
        good: 401,
        holds: |scene, _| both_ended(scene),
        ..FLOW
    },
    Flow {
        name: "PATCH /auth/me",
        call: |scene| {
            let name = json!({"name": "Ada L."});
            from_here(scene, Method::Patch, "/auth/me", &name)
        },
        holds: |scene, _| {
            let me = body(&scene.world.me(&scene.here));
            assert_eq!(me["name"], "Ada L.");
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/password/change",
        call: |scene| {
            let body = json!({"currentPassword": PASSWORD, "newPassword": "better horse"});
            let path = "/auth/password/change";
            from_here(scene, Method::Post, path, &body)
        },
        holds: |scene, answer| {
            works(scene, answer);
            // A storage that takes 20 s for each call outlives the grace.
            if scene.world.now() - scene.began < MINUTE {
                scene.world.refresh(&scene.here);
            }
            is_ended(&scene.world, &scene.there);
            let hash = scene.world.password_hash(EMAIL).expect("there");
            assert_ne!(hash, scene.hash, "the new password");
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/password/forgot",
        begin: Scene::forgetful,
        call: |_| post("/auth/password/forgot", &json!({ "email": EMAIL })),
        holds: |_, answer| assert_eq!(answer["sent"], true),
        ..FLOW
    },
    Flow {
        name: "POST /auth/password/reset",
        begin: Scene::forgetful,
        call: |scene| {
            let body = json!({"email": EMAIL, "code": scene.code, "newPassword": "better horse"});
            post("/auth/password/reset", &body)
        },
        if_forgotten: Some(400),
        holds: |scene, answer| {
            works(scene, answer);
            both_ended(scene);
            let hash = scene.world.password_hash(EMAIL).expect("there");
            assert_ne!(hash, scene.hash, "the new password");
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/email/change",
        begin: Scene::moving,
        call: change_email,
        holds: |_, answer| assert_eq!(answer["sent"], true),
        ..FLOW
    },
    Flow {
        name: "POST /auth/email/change without e-mail",
        call: change_email,
        holds: has_moved,
        ..FLOW
    },
    Flow {
        name: "POST /auth/email/change/confirm",
        begin: Scene::moving,
        call: |scene| {
            let code = json!({ "code": scene.code });
            from_here(scene, Method::Post, "/auth/email/change/confirm", &code)
        },
        if_forgotten: Some(400),
        holds: has_moved,
        ..FLOW
    },
    Flow {
        name: "POST /auth/code/send to a new address",
        begin: || Scene::of(with_mail()),
        call: |_| post("/auth/code/send", &json!({ "email": EVE })),
        holds: |_, answer| assert_eq!(answer["sent"], true),
        ..FLOW
    },
    Flow {
        name: "POST /auth/code/login from a new address",
        begin: || Scene::with_login_code(EVE),
        call: |scene| enter("/auth/code/login", EVE, scene),
        if_forgotten: Some(400),
        holds: |scene, answer| {
            works(scene, answer);
            assert!(scene.world.password_hash(EVE).is_some());
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/code/login, taking the account over",
        begin: || Scene::with_login_code(EMAIL),
        call: |scene| enter("/auth/code/login", EMAIL, scene),
        if_forgotten: Some(400),
        holds: |scene, answer| {
            works(scene, answer);
            both_ended(scene);
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/signup where verification is required",
        begin: || {
            let mut scene = Scene::of(with_mail());
            scene.world = scene.world.here_with(&verification_required());
            scene
        },
        call: |_| sign_up(EVE),
        holds: |scene, answer| {
            assert_eq!(answer["verificationRequired"], true);
            assert!(scene.world.password_hash(EVE).is_some());
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/email/verify with an access token",
        begin: || {
            let mut scene = Scene::of(with_mail());
            scene.code = scene.world.code_by("/auth/email/verify/send", EMAIL);
            scene.world.pass(60_000);
            scene
        },
        call: |scene| {
            let body = json!({"email": EMAIL, "code": scene.code});
            from_here(scene, Method::Post, "/auth/email/verify", &body)
        },
        if_forgotten: Some(400),
        holds: |scene, answer| {
            works(scene, answer);
            scene.world.refresh(&scene.here);
            assert_eq!(scene.world.password_hash(EMAIL), Some(scene.hash.clone()));
            let me = body(&scene.world.me(&scene.here));
            assert_eq!(me["emailVerified"], true);
        },
        ..FLOW
    },
    Flow {
        name: "DELETE /auth/me with a code",
        begin: || Scene::with_login_code(EMAIL),
        call: |scene| {
            let code = json!({ "code": scene.code });
            from_here(scene, Method::Delete, "/auth/me", &code)
        },
        done_before: Some(401),
        if_forgotten: Some(400),
        holds: |scene, _| {
            both_ended(scene);
            assert_eq!(scene.world.password_hash(EMAIL), None);
        },
        ..FLOW
    },
    Flow {
        name: "DELETE /auth/me",
        call: |scene| {
            let password = json!({ "password": PASSWORD });
            from_here(scene, Method::Delete, "/auth/me", &password)
        },
        done_before: Some(401),
        holds: |scene, _| {
            both_ended(scene);
            assert_eq!(scene.world.password_hash(EMAIL), None);
            let (left, bob) = (scene.world.stored_sessions(), &scene.bob.session);
            assert!(left.len() == 1 && left[0].ends_with(bob), "{left:?}");
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/revoke, one session",
        call: |scene| {
            let body = json!({"userId": scene.user, "sessionId": scene.there.session});
            with_bearer(Method::Post, "/auth/revoke", SERVICE_KEY, &body)
        },
        holds: |scene, _| {
            is_ended(&scene.world, &scene.there);
            scene.world.refresh(&scene.here);
        },
        ..FLOW
    },
    Flow {
        name: "POST /auth/revoke, all sessions",
        call: |scene| {
            let body = json!({ "userId": scene.user });
            with_bearer(Method::Post, "/auth/revoke", SERVICE_KEY, &body)
        },
        holds: |scene, _| both_ended(scene),
        ..FLOW
    },
    Flow {
        name: "GET /health",
        call: |_| call(Method::Get, "/health", None, ""),
        holds: |_, answer| assert_eq!(answer["status"], "ok"),
        ..FLOW
    },
    Flow {
        name: "GET /generate_jwt_secret",
        call: |_| call(Method::Get, "/generate_jwt_secret", None, ""),
        holds: |_, answer| assert!(answer["secret"].is_string()),
        ..FLOW
    },
];

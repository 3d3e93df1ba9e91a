//! The guards as Durable Objects: [`crate::account::guard`] says why. One object for each address, found
//! by its name. `entry.js` holds the object itself and hands its storage and its calls to here.

use futures_util::lock::Mutex;
use js_sys::Promise;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{Env, console_log};

use crate::{
    account::{
        attempts::Attempts,
        email::Email,
        guard::{Memory, World, answer},
        message::{Answer, Ask},
        port::Guard,
    },
    cloudflare::{ACCOUNTS, binding, clock, d1::D1Accounts, promise::settled},
    log::Line,
    port::{Clock, Fault, Rng},
    token::time::UnixMillis,
};

#[wasm_bindgen]
extern "C" {
    /// A namespace of objects:
    /// <https://developers.cloudflare.com/durable-objects/api/namespace/>.
    type Namespace;
    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn by_name(this: &Namespace, name: &str) -> Result<Stub, JsValue>;

    /// An object from afar: `AccountGuard` in `entry.js`.
    type Stub;
    #[wasm_bindgen(method, catch)]
    fn ask(this: &Stub, question: &str) -> Result<Promise, JsValue>;

    /// An object's storage:
    /// <https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/>.
    pub type Storage;
    #[wasm_bindgen(method, catch)]
    async fn get(this: &Storage, key: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn put(this: &Storage, key: &str, value: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    async fn delete_all(this: &Storage) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    async fn set_alarm(this: &Storage, at_ms: f64) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAlarm)]
    async fn delete_alarm(this: &Storage) -> Result<JsValue, JsValue>;
}

/// The guards of all addresses.
pub struct Guards(Namespace);

impl Guards {
    /// The objects of this binding.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn bound(env: &Env, name: &'static str) -> Result<Self, Fault> {
        Ok(Self(binding(env, name)?.unchecked_into()))
    }
}

impl Guard for Guards {
    async fn ask(&self, email: &Email, ask: &Ask) -> Result<Answer, Fault> {
        let question = serde_json::to_string(ask).map_err(|_| Fault::Unreadable)?;
        let guard = self.0.by_name(email.as_str()).map_err(failed)?;
        let answer = settled(guard.ask(&question)).await.map_err(failed)?;
        let answer = answer.as_string().ok_or(Fault::Unreadable)?;
        serde_json::from_str(&answer).map_err(|_| Fault::Unreadable)
    }
}

/// Where the attempts are stored.
const ATTEMPTS: &str = "attempts";

/// One guard, inside its object.
#[wasm_bindgen]
pub struct GuardInside {
    storage: Storage,
    env: Env,
    /// Held while a question is answered: one after the other. None until the storage was read.
    memory: Mutex<Option<Memory>>,
}

#[wasm_bindgen]
impl GuardInside {
    /// The guard that keeps its memory in this storage.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(storage: Storage, env: Env) -> Self {
        Self {
            storage,
            env,
            memory: Mutex::new(None),
        }
    }

    /// Answers a question.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn ask(&self, question: String) -> Result<String, JsValue> {
        let answer = match serde_json::from_str::<Ask>(&question) {
            Ok(ask) => self.answer(ask).await?,
            Err(_) => Answer::Fault,
        };
        Ok(serde_json::to_string(&answer).expect("an answer is text and numbers"))
    }

    /// Clears what is too old to count.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn alarm(&self) -> Result<(), JsValue> {
        let mut memory = self.memory.lock().await;
        let stays = self.remember(&mut memory).await?.clear(clock::now());
        self.store(stays.unwrap_or(&Attempts::default())).await
    }
}

impl GuardInside {
    async fn answer(&self, ask: Ask) -> Result<Answer, JsValue> {
        let came_at = clock::now();
        let mut memory = self.memory.lock().await;
        let memory = self.remember(&mut memory).await?;
        let before = memory.attempts.clone();
        let answer = answer(&Here(&self.env), memory, ask, came_at).await;
        if memory.is_worth_storing(&before) {
            self.store(&memory.attempts).await?;
        }
        Ok(answer.unwrap_or(Answer::Fault))
    }

    async fn remember<'m>(
        &self,
        memory: &'m mut Option<Memory>,
    ) -> Result<&'m mut Memory, JsValue> {
        if memory.is_none() {
            let attempts = match self.storage.get(ATTEMPTS).await?.as_string() {
                // Of a newer release, perhaps: nobody must be locked out for ever.
                Some(json) => serde_json::from_str(&json).unwrap_or_else(|_| {
                    console_log!("{}", Line::of("attempts_unreadable").json());
                    Attempts::default()
                }),
                None => Attempts::default(),
            };
            *memory = Some(Memory::of(attempts));
        }
        Ok(memory.as_mut().expect("it was just put there"))
    }

    /// Stores what there is, and sets the alarm that will clear it; or leaves nothing behind.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds stay far below 2^53"
    )]
    async fn store(&self, attempts: &Attempts) -> Result<(), JsValue> {
        if let Some(cleanup) = attempts.next_cleanup(clock::now()) {
            let json = serde_json::to_string(attempts).expect("text and numbers");
            self.storage.put(ATTEMPTS, &json).await?;
            self.storage.set_alarm(cleanup.0 as f64).await?;
        } else {
            self.storage.delete_alarm().await?;
            self.storage.delete_all().await?;
        }
        Ok(())
    }
}

/// What was thrown may repeat a value: only the kind is kept.
fn failed(_: JsValue) -> Fault {
    Fault::Failed
}

/// The world of a guard.
struct Here<'a>(&'a Env);

impl Clock for Here<'_> {
    fn now(&self) -> UnixMillis {
        clock::now()
    }

    async fn sleep_ms(&self, milliseconds: u64) {
        clock::sleep_ms(milliseconds).await;
    }
}

impl Rng for Here<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        clock::fill_random(bytes);
    }
}

impl World for Here<'_> {
    type Accounts = D1Accounts;

    fn accounts(&self) -> Result<D1Accounts, Fault> {
        D1Accounts::bound(self.0, ACCOUNTS)
    }
}

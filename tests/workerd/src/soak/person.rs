//! Somebody who uses an app, and remembers what the worker has acknowledged.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use super::Town;
use crate::{
    client::{Answer, Tokens, random_user},
    tokens::random_name,
};
use std::sync::atomic::Ordering::Relaxed;

/// How many things a person does, at most.
const DEEDS: usize = 12;

/// How often a request is sent in all. workerd takes some seconds to start on a busy computer.
const TRIES: usize = 300;

/// Wrong passwords until there is a wait of a minute.
const GUESSES: usize = 10;

pub(super) struct Person<'t> {
    town: &'t Town,
    email: String,
    password: String,
    earlier_password: Option<String>,
    sessions: Vec<(Tokens, bool)>,
    is_deleted: bool,
    is_locked: bool,
}

impl<'t> Person<'t> {
    pub fn new(town: &'t Town) -> Self {
        Self {
            town,
            email: random_user().to_lowercase(),
            password: random_name(),
            earlier_password: None,
            sessions: Vec::new(),
            is_deleted: false,
            is_locked: false,
        }
    }

    /// Signs up, and does this and that.
    pub fn live(&mut self) {
        self.enter("/auth/signup");
        for _ in 0..DEEDS {
            if self.town.is_over.load(Relaxed) || self.is_deleted || self.is_locked {
                return;
            }
            match choice(16) {
                0..=5 => self.refresh(),
                6..=8 => self.enter("/auth/login"),
                9 | 10 => self.log_out(),
                11 => self.log_out_everywhere(),
                12 => self.end_another(),
                13 => self.change_password(),
                14 => self.delete(),
                _ => self.is_guessed_at(),
            }
        }
    }

    /// Holds everything that was acknowledged against what is; the number of sessions.
    pub fn account(&self) -> usize {
        if !self.is_locked {
            let log_in = |password: &str| self.post("/auth/login", &self.credentials(password));
            let expected = if self.is_deleted { 401 } else { 200 };
            self.expect("a login", &log_in(&self.password), expected);
            if let Some(earlier) = &self.earlier_password {
                self.expect("a login with an earlier password", &log_in(earlier), 401);
            }
        }
        for (tokens, is_alive) in &self.sessions {
            let expected = if *is_alive { 200 } else { 401 };
            let refresh = json!({"refreshToken": tokens.refresh});
            let answer = self.post("/auth/token", &refresh);
            self.expect("a refresh", &answer, expected);
            let answer = self.ask(&tokens.access, "GET", "/auth/me", &json!({}));
            self.expect("a look at the account", &answer, expected);
        }
        self.sessions.len()
    }

    fn enter(&mut self, path: &str) {
        let answer = self.post(path, &self.credentials(&self.password));
        if self.expect(path, &answer, 200) {
            self.sessions.push((answer.tokens(), true));
        }
    }

    fn refresh(&mut self) {
        let Some(index) = self.any_alive() else {
            return;
        };
        let body = json!({"refreshToken": self.sessions[index].0.refresh});
        let answer = self.post("/auth/token", &body);
        if self.expect("a refresh", &answer, 200) {
            self.sessions[index].0 = answer.tokens();
        }
    }

    fn log_out(&mut self) {
        let Some(index) = self.any_alive() else {
            return;
        };
        let body = json!({"refreshToken": self.sessions[index].0.refresh});
        let answer = self.post("/auth/logout", &body);
        self.expect("a logout", &answer, 200);
        self.sessions[index].1 = false;
        let answer = self.post("/auth/token", &body);
        self.expect("a refresh right after a logout", &answer, 401);
    }

    /// Repeated, it finds the session ended by the first request.
    fn log_out_everywhere(&mut self) {
        let Some(index) = self.any_alive() else {
            return;
        };
        let access = self.sessions[index].0.access.clone();
        let answer = self.ask(&access, "POST", "/auth/logout/all", &json!({}));
        self.expect_done("a logout everywhere", &answer);
        self.end_all_but(None);
    }

    fn end_another(&mut self) {
        let Some(here) = self.any_alive() else { return };
        let alive = |(index, session): (usize, &(Tokens, bool))| {
            (session.1 && index != here).then_some(index)
        };
        let Some(there) = self.sessions.iter().enumerate().find_map(alive) else {
            return;
        };
        let path = format!("/auth/sessions/{}", self.sessions[there].0.session);
        let access = self.sessions[here].0.access.clone();
        let answer = self.ask(&access, "DELETE", &path, &json!({}));
        self.expect("the end of another session", &answer, 200);
        self.sessions[there].1 = false;
    }

    fn change_password(&mut self) {
        let Some(index) = self.any_alive() else {
            return;
        };
        let new = random_name();
        let body = json!({"currentPassword": self.password, "newPassword": new});
        let access = self.sessions[index].0.access.clone();
        let answer = self.ask(&access, "POST", "/auth/password/change", &body);
        if self.expect("a change of password", &answer, 200) {
            self.earlier_password = Some(std::mem::replace(&mut self.password, new));
            // The session that asked goes on for a while: it may answer either way.
            self.sessions.swap_remove(index);
            self.end_all_but(None);
            self.sessions.push((answer.tokens(), true));
        }
    }

    fn delete(&mut self) {
        let Some(index) = self.any_alive() else {
            return;
        };
        let access = self.sessions[index].0.access.clone();
        let body = json!({"password": self.password});
        let answer = self.ask(&access, "DELETE", "/auth/me", &body);
        self.expect_done("a deletion", &answer);
        self.is_deleted = true;
        self.end_all_but(None);
    }

    /// A stranger uses up all guesses; that is remembered too, whatever is killed.
    fn is_guessed_at(&mut self) {
        let wrong = self.credentials("wrong horse");
        for _ in 0..GUESSES {
            // A guess may have been counted although its answer was lost.
            let answer = self.post("/auth/login", &wrong);
            if answer.status != 429 {
                self.expect("a guess", &answer, 401);
            }
        }
        thread::sleep(Duration::from_millis(200));
        let answer = self.post("/auth/login", &wrong);
        self.expect("a guess too many", &answer, 429);
        self.is_locked = true;
    }

    fn end_all_but(&mut self, keep: Option<usize>) {
        for (index, session) in self.sessions.iter_mut().enumerate() {
            session.1 &= keep == Some(index);
        }
    }

    fn any_alive(&self) -> Option<usize> {
        let alive: Vec<usize> = (0..self.sessions.len())
            .filter(|index| self.sessions[*index].1)
            .collect();
        alive.get(choice(alive.len().max(1))).copied()
    }

    fn credentials(&self, password: &str) -> Value {
        json!({"email": self.email, "password": password})
    }

    fn expect(&self, what: &str, answer: &Answer, status: u16) -> bool {
        if answer.status != status {
            let got = answer.status;
            self.town.lose(format!(
                "{what}: {got} in place of {status}: {}",
                answer.text
            ));
        }
        answer.status == status
    }

    fn expect_done(&self, what: &str, answer: &Answer) {
        let is_done =
            answer.status == 200 || answer.status == 401 && answer.text.contains("session_revoked");
        if !is_done {
            self.town
                .lose(format!("{what}: {} {}", answer.status, answer.text));
        }
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("", "POST", path, body)
    }

    /// Sends a request until it is answered.
    fn ask(&self, access: &str, method: &str, path: &str, body: &Value) -> Answer {
        for _ in 0..TRIES {
            let client = self.town.client();
            let mut request = client.request(method, path);
            if !access.is_empty() {
                request = request.header("authorization", format!("Bearer {access}"));
            }
            let answer = match method {
                "GET" => client.try_send(request, ()),
                _ => client.try_send(request, body.to_string()),
            };
            match answer {
                Ok(answer) if answer.status != 503 => {
                    self.town.acknowledged.fetch_add(1, Relaxed);
                    return answer;
                }
                _ => {
                    self.town.repeated.fetch_add(1, Relaxed);
                    thread::sleep(Duration::from_millis(100));
                }
            }
        }
        panic!("{method} {path} is never answered");
    }
}

/// A number below this one.
fn choice(below: usize) -> usize {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).expect("random bytes");
    usize::try_from(u32::from_le_bytes(bytes)).expect("32 bits or more") % below
}

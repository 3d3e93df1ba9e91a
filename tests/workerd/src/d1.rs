//! D1, as workerd talks to it: a server with one table, that fails as it is told.
//!
//! workerd turns a statement on a D1 binding into `POST /query` or `/execute`, with the SQL and its
//! values as JSON. The worker has a handful of statements, all on `users`; what they do is played
//! here, so that the table outlives a workerd that is killed. That the SQL itself is right is seen in
//! `wrangler dev`, on `SQLite`.

use std::{
    collections::BTreeMap,
    io::{self, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use serde_json::{Value, json};

use crate::{
    http::{Request, respond},
    kv::Failure,
};

/// A running server.
#[derive(Debug, Clone)]
pub struct D1 {
    /// The port of this computer that it listens on.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// By id: e-mail address, name, password hash, time of creation.
    users: BTreeMap<String, [Value; 4]>,
    faults: Vec<(String, Failure)>,
    late: usize,
}

impl D1 {
    /// Starts a server. It runs until the process ends.
    ///
    /// # Panics
    /// The computer has no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let d1 = Self {
            port: listener.local_addr().expect("an address").port(),
            state: Arc::default(),
        };
        let this = d1.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let this = this.clone();
                // A connection that breaks is one that workerd has given up.
                thread::spawn(move || drop(this.serve(connection)));
            }
        });
        d1
    }

    /// Lets all statements fail that have this value among theirs, until [`D1::mend`].
    pub fn fail(&self, value: &str, failure: Failure) {
        self.state().faults.push((value.into(), failure));
    }

    /// Ends every failure about this value.
    pub fn mend(&self, value: &str) {
        self.state().faults.retain(|(about, _)| about != value);
    }

    /// The ids of the users with this address.
    #[must_use]
    pub fn users(&self, email: &str) -> Vec<String> {
        let state = self.state();
        let found = state.users.iter().filter(|(_, row)| row[0] == email);
        found.map(|(id, _)| id.clone()).collect()
    }

    /// The password hash of the user with this address.
    ///
    /// # Panics
    /// There is no such user.
    #[must_use]
    pub fn password_hash(&self, email: &str) -> String {
        let state = self.state();
        let mut rows = state.users.values();
        let row = rows.find(|row| row[0] == email).expect("a user");
        row[2].as_str().expect("text").to_owned()
    }

    /// How many statements were worked on late.
    #[must_use]
    pub fn late(&self) -> usize {
        self.state().late
    }

    fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        let mut incoming = BufReader::new(connection.try_clone()?);
        while let Some(request) = Request::read(&mut incoming)? {
            let query: Value = serde_json::from_str(&request.body).expect("workerd sends JSON");
            let query = query.get(0).unwrap_or(&query);
            let sql = query["sql"].as_str().expect("SQL");
            let values = query["params"].as_array().expect("values");
            let failure = self.state().failure(values);
            let body = match failure {
                Some(Failure::Silence) => {
                    // Until workerd gives up.
                    io::copy(&mut incoming, &mut io::sink())?;
                    return Ok(());
                }
                Some(Failure::Status(status)) => {
                    respond(&mut connection, status, r#"{"success":false,"error":"x"}"#)?;
                    continue;
                }
                Some(Failure::Rubbish(body)) => body.to_owned(),
                Some(Failure::Delay(delay)) => {
                    thread::sleep(delay);
                    let mut state = self.state();
                    state.late += 1;
                    state.answer(sql, values)
                }
                None => self.state().answer(sql, values),
            };
            respond(&mut connection, 200, &body)?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn failure(&self, values: &[Value]) -> Option<Failure> {
        let about = |about: &str| values.iter().any(|value| value == about);
        let mut faults = self.faults.iter();
        faults
            .find(|(value, _)| about(value))
            .map(|(_, failure)| *failure)
    }

    fn answer(&mut self, sql: &str, values: &[Value]) -> String {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let (rows, changes) = match sql.split(' ').next().expect("a verb") {
            "SELECT" if sql.contains("WHERE email") => (self.rows(|_, row| row[0] == values[0]), 0),
            "SELECT" => (self.rows(|id, _| values[0] == *id), 0),
            "INSERT" => {
                let is_taken = self.users.values().any(|row| row[0] == values[1]);
                if !is_taken {
                    let row = values[1..5].to_vec().try_into().expect("four values");
                    self.users.insert(text(&values[0]), row);
                }
                (Vec::new(), u8::from(!is_taken))
            }
            "UPDATE" if sql.ends_with("SET name = ?2 WHERE id = ?1") => {
                let row = self.users.get_mut(&text(&values[0]));
                let name = row.map(|row| row[1] = values[1].clone());
                (Vec::new(), u8::from(name.is_some()))
            }
            "UPDATE" if sql.ends_with("= ?3 WHERE id = ?1 AND password_hash = ?2") => {
                let row = self.users.get_mut(&text(&values[0]));
                let hash = row.map(|row| &mut row[2]);
                let hash = hash.filter(|hash| **hash == values[1]);
                let hash = hash.map(|hash| *hash = values[2].clone());
                (Vec::new(), u8::from(hash.is_some()))
            }
            "DELETE" => {
                let gone = self.users.remove(&text(&values[0]));
                (Vec::new(), u8::from(gone.is_some()))
            }
            other => panic!("a statement that is not played here: {other}"),
        };
        let columns = ["id", "email", "name", "password_hash", "created_at"];
        let results = json!({"columns": columns, "rows": rows});
        let meta = json!({"changes": changes, "duration": 0});
        json!([{"success": true, "results": results, "meta": meta}]).to_string()
    }

    fn rows(&self, wanted: impl Fn(&String, &[Value; 4]) -> bool) -> Vec<Value> {
        let found = self.users.iter().filter(|(id, row)| wanted(id, row));
        found
            .map(|(id, [email, name, hash, at])| json!([id, email, name, hash, at]))
            .collect()
    }
}

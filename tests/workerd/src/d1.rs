//! D1, as workerd talks to it: a server in front of `SQLite` that fails on request.
//!
//! workerd turns a statement on a D1 binding into `POST /query` or `/execute`, with the SQL and its
//! values as JSON. The database is in this process, so that it outlives a workerd that is killed.

use std::{
    fs,
    io::{self, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use rusqlite::{Connection, params_from_iter, types::ValueRef};
use serde_json::{Value, json};

use crate::{
    http::{Request, respond},
    kv::Failure,
    project::folder,
};

/// A hash of "correct horse" that takes no time to check, as another system made it. Fifty attempts
/// at once then all get their turn before the worker gives up, however busy this computer is.
pub const QUICK_HASH: &str = "$2b$04$7qdbtixLAyqiD75ofza3duyl7dfMOLGrZCWVFyWdrCFY5o2EN65jG";

/// A running server.
#[derive(Debug, Clone)]
pub struct D1 {
    /// The port of this computer that it listens on.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    database: Connection,
    faults: Vec<(String, Failure)>,
    late: usize,
}

impl D1 {
    /// Starts a server with the tables of `migrations/`. It runs until the process ends.
    ///
    /// # Panics
    /// A migration is not valid.
    #[must_use]
    pub fn start() -> Self {
        let d1 = Self::start_empty();
        d1.migrate();
        d1
    }

    /// Starts a server without any table.
    ///
    /// # Panics
    /// The computer has no free port.
    #[must_use]
    pub fn start_empty() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let d1 = Self {
            port: listener.local_addr().expect("an address").port(),
            state: Arc::new(Mutex::new(State {
                database: Connection::open_in_memory().expect("memory"),
                faults: Vec::new(),
                late: 0,
            })),
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

    /// Applies every migration, by hand: without a record.
    ///
    /// # Panics
    /// One is not valid, or they were applied already.
    pub fn migrate(&self) {
        self.migrate_to(usize::MAX);
    }

    /// Applies the first migrations, so many of them.
    ///
    /// # Panics
    /// One is not valid, or they were applied already.
    pub fn migrate_to(&self, number: usize) {
        let files = fs::read_dir(folder().join("migrations")).expect("migrations/ is there");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        for file in files.into_iter().take(number) {
            self.execute(&fs::read_to_string(&file).expect("text"));
        }
    }

    /// Executes SQL, as its owner can.
    ///
    /// # Panics
    /// It is not valid.
    pub fn execute(&self, sql: &str) {
        let executed = self.state().database.execute_batch(sql);
        executed.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The names of the migrations that were recorded, in their order.
    #[must_use]
    pub fn recorded_migrations(&self) -> Vec<String> {
        self.column(
            "SELECT name FROM d1_migrations WHERE id > ?1 ORDER BY id",
            "0",
        )
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
        self.column("SELECT id FROM users WHERE email = ?1", email)
    }

    /// The password hash of the user with this address.
    ///
    /// # Panics
    /// There is no such user.
    #[must_use]
    pub fn password_hash(&self, email: &str) -> String {
        let mut hashes = self.column("SELECT password_hash FROM users WHERE email = ?1", email);
        hashes.pop().expect("a user")
    }

    /// Whether the user of this id was deleted.
    #[must_use]
    pub fn was_deleted(&self, id: &str) -> bool {
        !self
            .column("SELECT id FROM deleted WHERE id = ?1", id)
            .is_empty()
    }

    /// Whether the address of a user is verified; none where there is no such user.
    #[must_use]
    pub fn verified(&self, email: &str) -> Option<bool> {
        let column = "SELECT CAST(email_verified AS TEXT) FROM users WHERE email = ?1";
        self.column(column, email).pop().map(|text| text == "1")
    }

    /// Replaces the password hash of the user with this address by [`QUICK_HASH`].
    ///
    /// # Panics
    /// There is no such user.
    pub fn use_quick_hash(&self, email: &str) {
        self.use_hash(email, QUICK_HASH);
    }

    /// Replaces a user's password hash, as an import would have written it.
    ///
    /// # Panics
    /// There is no such user.
    pub fn use_hash(&self, email: &str, hash: &str) {
        const SQL: &str = "UPDATE users SET password_hash = ?2 WHERE email = ?1";
        let changed = self.state().database.execute(SQL, [email, hash]);
        assert_eq!(changed, Ok(1));
    }

    /// Gives the user with this address another one, and a name, as SQL can.
    ///
    /// # Panics
    /// There is no such user.
    pub fn rewrite(&self, email: &str, new_email: &str, name: &str) {
        const SQL: &str =
            "UPDATE users SET email = ?2, name = ?3, created_at = -1 WHERE email = ?1";
        let changed = self.state().database.execute(SQL, [email, new_email, name]);
        assert_eq!(changed, Ok(1));
    }

    /// Gives an account another address, and so another guard.
    pub fn rename(&self, email: &str, new: &str) {
        const SQL: &str = "UPDATE users SET email = ?2 WHERE email = ?1";
        let changed = self.state().database.execute(SQL, [email, new]);
        assert_eq!(changed, Ok(1));
    }

    fn column(&self, sql: &str, value: &str) -> Vec<String> {
        let state = self.state();
        let mut statement = state.database.prepare(sql).expect("SQL");
        let rows = statement.query_map([value], |row| row.get(0));
        let texts: Result<_, _> = rows.expect("a table").collect();
        texts.expect("text")
    }

    /// How many statements were worked on late.
    #[must_use]
    pub fn late(&self) -> usize {
        self.state().late
    }

    fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        let mut incoming = BufReader::new(connection.try_clone()?);
        while let Some(request) = Request::read(&mut incoming)? {
            let body: Value = serde_json::from_str(&request.body).expect("workerd sends JSON");
            // A batch is a list.
            let queries = body
                .as_array()
                .map_or(std::slice::from_ref(&body), Vec::as_slice);
            let failure = self.state().failure(queries);
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
                    state.answer(queries)
                }
                None => self.state().answer(queries),
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
    fn failure(&self, queries: &[Value]) -> Option<Failure> {
        let about = |about: &str| {
            let mut values = queries.iter().flat_map(values);
            values.any(|value| value == about)
        };
        let mut faults = self.faults.iter();
        faults
            .find(|(value, _)| about(value))
            .map(|(_, failure)| *failure)
    }

    /// All statements or none.
    fn answer(&self, queries: &[Value]) -> String {
        let execute = |query: &Value| {
            let sql = query["sql"].as_str().expect("SQL");
            self.execute(sql, values(query))
        };
        let transaction = self.database.unchecked_transaction();
        let answers = transaction.and_then(|transaction| {
            let answers: Vec<Value> = queries.iter().map(execute).collect::<Result<_, _>>()?;
            transaction.commit()?;
            Ok(answers)
        });
        match answers {
            Ok(answers) => json!(answers).to_string(),
            Err(error) => json!({"success": false, "error": error.to_string()}).to_string(),
        }
    }

    fn execute(&self, sql: &str, values: &[Value]) -> rusqlite::Result<Value> {
        let mut statement = self.database.prepare(sql)?;
        let columns: Vec<String> = statement.column_names().map(Into::into).collect();
        let changes_before = self.database.total_changes();
        let mut found = statement.query(params_from_iter(values.iter().map(parameter)))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let cells = (0..columns.len()).map(|index| row.get_ref(index).map(cell));
            rows.push(cells.collect::<rusqlite::Result<Vec<Value>>>()?);
        }
        let changes = self.database.total_changes() - changes_before;
        Ok(json!({
            "success": true,
            "results": {"columns": columns, "rows": rows},
            "meta": {"changes": changes, "duration": 0},
        }))
    }
}

fn values(query: &Value) -> &[Value] {
    query["params"].as_array().expect("values")
}

/// A value as `SQLite` takes it. JavaScript knows one kind of number, D1 stores whole ones as integers.
fn parameter(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().expect("a number").into(),
        },
        Value::String(text) => text.clone().into(),
        other => panic!("the worker stores no such value: {other}"),
    }
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(_) => panic!("the worker stores no bytes"),
    }
}

//! The worker makes and upgrades its tables: on `SQLite` behind several isolates and processes, and on
//! the database of `wrangler dev` beside wrangler's own migrations.

use std::{fs, thread};

use serde_json::json;
use tokenkeep_workerd_tests::{
    client::{Answer, Client, random_user},
    d1::QUICK_HASH,
    project::{copy_files, folder},
    workerd::{Settings, Workerd},
    wrangler::Project,
};

use crate::stage::leak;

const PASSWORD: &str = "correct horse";

/// What `/health` says where tables cannot be created.
const NO_TABLES: &str = "a table or a column is missing and could not be created";

fn fresh() -> Settings {
    Settings::fresh().with_accounts()
}

fn sign_up(client: &Client) -> Answer {
    let body = json!({"email": random_user(), "password": PASSWORD});
    client.post("/auth/signup", &body)
}

/// Twenty at once, at these workers by turns: all succeed.
fn twenty_sign_up_at_once(clients: &[&Client]) {
    thread::scope(|scope| {
        for client in clients.iter().cycle().take(20) {
            scope.spawn(|| client.me(&sign_up(client).tokens().access).json());
        }
    });
}

/// The names of the files in `migrations/`.
fn migrations() -> Vec<String> {
    let files = fs::read_dir(folder().join("migrations")).expect("migrations/ is there");
    let mut names: Vec<String> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

/// An account of before `signed_up`.
fn account(email: &str) -> String {
    format!(
        "INSERT INTO users (id, email, name, password_hash, created_at) \
        VALUES ('{email}', '{email}', 'Ada', '{QUICK_HASH}', 7)"
    )
}

fn log_in(client: &Client, email: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD});
    client.post("/auth/login", &body)
}

#[test]
fn isolates_and_processes_that_meet_an_empty_database_at_once_serve_everybody() {
    let first = Workerd::start_without_tables(&[fresh(), fresh()]);
    let (kv, d1) = (first.kv.clone(), first.d1.clone());
    let second = Workerd::start_with(kv, d1, &[fresh(), fresh()], &[]);
    let clients: Vec<&Client> = first.clients.iter().chain(&second.clients).collect();
    twenty_sign_up_at_once(&clients);
    assert_eq!(first.d1.recorded_migrations(), migrations());
    for client in clients {
        assert_eq!(client.get("/health").json()["checks"]["accounts"], "ok");
    }
    assert_eq!(leak(&(first.log() + &second.log())), None);
}

#[test]
fn each_earlier_state_of_the_tables_is_upgraded_by_the_request_that_needs_it() {
    for number in 1..migrations().len() {
        let workerd = Workerd::start_without_tables(&[fresh()]);
        workerd.d1.migrate_to(number);
        let client = &workerd.clients[0];
        let email = random_user().to_lowercase();
        workerd.d1.execute(&account(&email));
        let ada = log_in(client, &email).tokens();
        assert_eq!(client.me(&ada.access).json()["name"], "Ada");
        let new = sign_up(client).tokens();
        let password = json!({"password": PASSWORD});
        let deleted = client.send_as(&new.access, "DELETE", "/auth/me", &password);
        assert_eq!(deleted.status, 200, "{}", deleted.text);
        assert_eq!(client.get("/health").status, 200);
        assert_eq!(workerd.d1.recorded_migrations(), migrations(), "{number}");
    }
}

#[test]
fn a_database_that_takes_no_tables_is_a_503_until_it_does() {
    let workerd = Workerd::start_without_tables(&[fresh()]);
    workerd.d1.execute("PRAGMA query_only = ON");
    let client = &workerd.clients[0];
    let body = json!({"email": random_user(), "password": PASSWORD});
    for _ in 0..12 {
        for path in ["/auth/signup", "/auth/login"] {
            client
                .post(path, &body)
                .assert_error(503, "temporarily_unavailable");
        }
    }
    let health = client.get("/health");
    assert_eq!(
        (health.status, &health.json()["checks"]["accounts"]),
        (
            503,
            &json!("a table or a column is missing and could not be created")
        )
    );
    // Sessions of other back ends go on.
    let session = client.new_session();
    let _ = client.refresh(&session.refresh).tokens();

    workerd.d1.execute("PRAGMA query_only = OFF");
    assert_eq!(client.get("/health").json()["checks"]["accounts"], "ok");
    let tokens = client.post("/auth/signup", &body).tokens();
    assert_eq!(client.me(&tokens.access).status, 200);
    assert_eq!(leak(&workerd.log()), None);
}

#[test]
fn a_table_that_is_gone_although_it_was_recorded_is_a_503_that_health_names() {
    let workerd = Workerd::start_without_tables(&[fresh()]);
    let client = &workerd.clients[0];
    let _ = sign_up(client).tokens();
    workerd.d1.execute("DROP TABLE users");
    sign_up(client).assert_error(503, "temporarily_unavailable");
    assert_eq!(
        client.get("/health").json()["checks"]["accounts"],
        NO_TABLES
    );
}

#[test]
fn a_table_of_another_program_is_not_touched() {
    let workerd = Workerd::start_without_tables(&[fresh()]);
    workerd
        .d1
        .execute("CREATE TABLE users (id TEXT, email TEXT, login TEXT)");
    let client = &workerd.clients[0];
    sign_up(client).assert_error(503, "temporarily_unavailable");
    assert_eq!(
        client.get("/health").json()["checks"]["accounts"],
        NO_TABLES
    );
    // It would fail if a column had been added.
    workerd
        .d1
        .execute("INSERT INTO users VALUES ('1', 'ada@example.com', 'ada')");
}

#[test]
fn in_wrangler_dev_one_secret_is_enough_and_wrangler_s_migrations_have_nothing_left_to_do() {
    let project = Project::new();
    let secret = format!("refresh_token_secret=\"{}\"\n", project.secrets()[0]);
    fs::write(project.folder().join(".dev.vars"), secret).expect("a temporary file");
    {
        let wrangler = project.start();
        twenty_sign_up_at_once(&[&wrangler.client]);
        assert_eq!(wrangler.client.get("/health").status, 200);
    }
    let printed = project.migrate();
    assert!(printed.contains("No migrations to apply"), "{printed}");

    let by_wrangler = Project::new();
    let printed = by_wrangler.migrate();
    assert!(printed.contains("0005_email_verified.sql"), "{printed}");
    let schema = "SELECT type, name, tbl_name, replace(sql, char(13), '') AS sql FROM sqlite_schema \
        WHERE name NOT LIKE '%d1_migrations' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name";
    for sql in [
        schema,
        "SELECT id, name, length(applied_at) AS applied_at FROM d1_migrations ORDER BY id",
        "SELECT name, type, pk, dflt_value FROM pragma_table_info('d1_migrations')",
    ] {
        assert_eq!(project.execute(sql), by_wrangler.execute(sql), "{sql}");
    }
}

#[test]
fn in_wrangler_dev_the_tables_of_an_earlier_version_are_upgraded_and_keep_their_rows() {
    let project = Project::new();
    let folder = project.folder().join("migrations");
    for later in &migrations()[1..] {
        fs::remove_file(folder.join(later)).expect("a copy");
    }
    let printed = project.migrate();
    assert!(
        printed.contains("0001_users.sql") && !printed.contains("0002"),
        "{printed}"
    );
    let _ = project.execute(&account("ada@example.com"));
    {
        let wrangler = project.start();
        let ada = log_in(&wrangler.client, "ada@example.com").tokens();
        assert_eq!(wrangler.client.me(&ada.access).json()["name"], "Ada");
        twenty_sign_up_at_once(&[&wrangler.client]);
        assert_eq!(wrangler.client.get("/health").status, 200);
    }
    copy_files("migrations", &folder);
    let printed = project.migrate();
    assert!(printed.contains("No migrations to apply"), "{printed}");
    let names = project.execute("SELECT name FROM d1_migrations ORDER BY id");
    let expected: Vec<_> = migrations()
        .iter()
        .map(|name| json!({"name": name}))
        .collect();
    assert_eq!(names, json!(expected));
}

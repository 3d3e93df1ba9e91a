//! Deployments, with the real wrangler and a stand-in for Cloudflare's API.

use std::{fs, os::unix::fs::symlink, path::Path, sync::MutexGuard};

use tempfile::TempDir;
use toml_edit::DocumentMut;

use super::{
    fake_cloudflare::{Account, FakeCloudflare},
    *,
};
use crate::{project::Project, tools::assume_installed};

const USERS: &str = include_str!("../../../migrations/0001_users.sql");
const META: &str = include_str!("../../../migrations/0004_meta.sql");
const ADA: &str = "INSERT INTO users VALUES ('1', 'ada@example.com', NULL, 'h', 1);";
const OWNED: &str = "INSERT INTO meta VALUES ('worker', 'tokenkeep');";

/// A copy of the project with a worker that needs no building, and an account at Cloudflare.
struct Deployment {
    folder: TempDir,
    cloudflare: FakeCloudflare,
}

impl Deployment {
    fn of(account: Account) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cloudflare = FakeCloudflare::start(account);
        write_project(folder.path(), &cloudflare.url());
        Self { folder, cloudflare }
    }

    fn run(&self) -> Result<()> {
        self.deploy(false)
    }

    fn deploy(&self, take_over: bool) -> Result<()> {
        let root = self.folder.path().into();
        let project = Project { root };
        put_online(&project, &assume_installed(&project), take_over)
    }

    /// Runs it, and returns why it was stopped before anything was changed.
    fn stopped(&self) -> String {
        let settings = self.settings();
        let outcome = self.run();
        let message = format!("{:#}", outcome.expect_err("it stops"));
        assert!(message.contains("nothing was uploaded"), "{message}");
        assert_eq!(self.account().changes, [""; 0]);
        assert_eq!(self.settings(), settings);
        message
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        let account = self.cloudflare.account.lock();
        account.expect("no other thread panicked")
    }

    fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.account().changes)
    }

    fn settings(&self) -> String {
        fs::read_to_string(self.folder.path().join("wrangler.toml")).expect("readable")
    }

    fn edit(self, old: &str, new: &str) -> Self {
        let settings = self.settings();
        assert!(settings.contains(old), "{settings}");
        let settings = settings.replacen(old, new, 1);
        fs::write(self.folder.path().join("wrangler.toml"), settings).expect("writable");
        self
    }

    fn renamed(self) -> Self {
        self.edit("name = \"tokenkeep\"", "name = \"shop\"")
    }

    fn bound_to(self, namespace: &str, database: &str) -> Self {
        self.edit(
            "binding = \"SESSIONS\"",
            &format!("binding = \"SESSIONS\"\nid = \"{namespace}\""),
        )
        .edit(
            "binding = \"DB\"",
            &format!("binding = \"DB\"\ndatabase_id = \"{database}\""),
        )
    }
}

fn write_project(root: &Path, cloudflare: &str) {
    let original = Project::locate();
    let packages = original.path("node_modules");
    assert!(
        packages.is_dir(),
        "the npm packages are missing: run `cargo xtask build`"
    );
    symlink(packages, root.join("node_modules")).expect("a link");

    let settings = fs::read_to_string(original.path("wrangler.toml")).expect("readable");
    let mut settings: DocumentMut = settings.parse().expect("TOML");
    settings.remove("build");
    // Whoever has a worker may run these tests.
    for (section, id) in [("kv_namespaces", "id"), ("d1_databases", "database_id")] {
        let bindings = settings[section].as_array_of_tables_mut();
        bindings
            .expect("a section")
            .get_mut(0)
            .expect("a binding")
            .remove(id);
    }
    let write = |name: &str, text: &str| fs::write(root.join(name), text).expect("writable");
    write("wrangler.toml", &settings.to_string());
    for folder in ["build", "migrations", "public"] {
        fs::create_dir(root.join(folder)).expect("writable");
    }
    write(
        "build/index.js",
        "import { DurableObject } from 'cloudflare:workers';
         export class AccountGuard extends DurableObject {}
         export class UserSessions extends DurableObject {}
         export default { fetch: () => new Response() };",
    );
    write(
        "migrations/0001_users.sql",
        &USERS.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"),
    );
    write(
        "migrations/0004_meta.sql",
        &META.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"),
    );
    write("public/index.html", "");
    write("public/_headers", "");
    write(
        ".env",
        &format!(
            "CLOUDFLARE_API_BASE_URL={cloudflare}\nCLOUDFLARE_API_TOKEN=t\nCLOUDFLARE_ACCOUNT_ID=a1\n"
        ),
    );
}

#[test]
fn the_first_deployment_makes_the_stores_and_the_tables_before_the_worker() {
    let deployment = Deployment::of(Account::default());
    deployment.run().expect("deployed");
    assert_eq!(
        deployment.changes(),
        [
            "database tokenkeep-db made",
            "namespace tokenkeep-sessions made",
            "0001_users.sql applied to tokenkeep-db",
            "0004_meta.sql applied to tokenkeep-db",
            "tokenkeep-db written",
            "files: /index.html",
            "tokenkeep uploaded with k-tokenkeep-sessions and d-tokenkeep-db",
        ]
    );
    assert_eq!(deployment.account().owner("tokenkeep-db"), "tokenkeep");
    let settings = deployment.settings();
    for pin in [
        "id = \"k-tokenkeep-sessions\"",
        "database_id = \"d-tokenkeep-db\"",
    ] {
        assert!(settings.contains(pin), "{settings}");
    }
}

#[test]
fn a_deployment_whose_upload_failed_is_completed_by_the_next() {
    let deployment = Deployment::of(Account::default());
    deployment.account().refuses_uploads = true;
    deployment.run().expect_err("refused");
    let settings = deployment.settings();
    deployment.changes();

    deployment.account().refuses_uploads = false;
    deployment.run().expect("deployed");
    assert_eq!(
        deployment.changes(),
        [
            "files: /index.html",
            "tokenkeep uploaded with k-tokenkeep-sessions and d-tokenkeep-db",
        ]
    );
    assert_eq!(deployment.settings(), settings);
}

#[test]
fn a_worker_that_is_online_keeps_its_stores_and_gets_new_tables_before_the_upload() {
    let account = Account::default()
        .with_database("people", &format!("{USERS}{ADA}"))
        .with_worker("tokenkeep", "people");
    let deployment = Deployment::of(account);
    deployment.run().expect("deployed");
    assert_eq!(
        deployment.changes(),
        [
            "0001_users.sql applied to people",
            "0004_meta.sql applied to people",
            "people written",
            "files: /index.html",
            "tokenkeep uploaded with k-online and d-people",
        ]
    );
    assert_eq!(deployment.account().owner("people"), "tokenkeep");
    let settings = deployment.settings();
    for pin in ["id = \"k-online\"", "database_id = \"d-people\""] {
        assert!(settings.contains(pin), "{settings}");
    }
}

#[test]
fn a_worker_that_cannot_be_looked_up_does_not_get_new_stores() {
    let deployment = Deployment::of(Account::default());
    deployment.account().hides_workers = true;
    deployment.stopped();
}

#[test]
fn a_migration_that_fails_stops_the_deployment_before_the_upload() {
    let account = Account::default()
        .with_database("people", "")
        .with_worker("tokenkeep", "people");
    let deployment = Deployment::of(account).bound_to("k-online", "d-people");
    let migration = deployment.folder.path().join("migrations/0001_users.sql");
    fs::write(migration, "SELECT * FROM nothing;").expect("writable");
    deployment.stopped();
}

#[test]
fn a_second_app_has_users_of_its_own() {
    let account = Account::default()
        .with_database("tokenkeep-db", &format!("{USERS}{ADA}{META}{OWNED}"))
        .with_namespace("tokenkeep-sessions")
        .with_worker("tokenkeep", "tokenkeep-db");
    let deployment = Deployment::of(account).renamed();
    deployment.run().expect("deployed");
    assert_eq!(deployment.account().owner("shop-db"), "shop");
    assert_eq!(deployment.account().owner("tokenkeep-db"), "tokenkeep");
    let changes = deployment.changes();
    let upload = "shop uploaded with k-shop-sessions and d-shop-db";
    assert_eq!(changes.last().expect("an upload"), upload);
}

#[test]
fn a_worker_that_shares_a_database_gets_its_own_by_another_name() {
    let account = Account::default()
        .with_database("tokenkeep-db", &format!("{USERS}{ADA}{META}{OWNED}"))
        .with_worker("shop", "tokenkeep-db");
    let deployment = Deployment::of(account).renamed();
    let message = deployment.stopped();
    let own = "database_name = \"shop-db\"";
    assert!(message.contains(own), "{message}");

    let deployment = deployment.edit("binding = \"DB\"", &format!("binding = \"DB\"\n{own}"));
    deployment.run().expect("deployed");
    let changes = deployment.changes();
    let upload = "shop uploaded with k-online and d-shop-db";
    assert_eq!(changes.last().expect("an upload"), upload);
    assert_eq!(deployment.account().owner("tokenkeep-db"), "tokenkeep");
}

#[test]
fn a_database_belongs_to_one_worker_until_another_takes_it_over() {
    let account = Account::default()
        .with_database("tokenkeep-db", &format!("{USERS}{ADA}{META}{OWNED}"))
        .with_worker("tokenkeep", "tokenkeep-db");
    let deployment = Deployment::of(account)
        .bound_to("k-online", "d-tokenkeep-db")
        .renamed();
    let message = deployment.stopped();
    for part in [
        "the worker `tokenkeep`",
        "delete the lines",
        "deploy --take-over",
    ] {
        assert!(message.contains(part), "{message}");
    }

    deployment.deploy(true).expect("deployed");
    assert_eq!(deployment.account().owner("tokenkeep-db"), "shop");
    let changes = deployment.changes();
    let upload = "shop uploaded with k-online and d-tokenkeep-db";
    assert_eq!(changes.last().expect("an upload"), upload);
}

#[test]
fn a_database_with_users_does_not_get_an_empty_namespace() {
    let account = Account::default().with_database("people", &format!("{USERS}{ADA}"));
    let deployment = Deployment::of(account).renamed().edit(
        "binding = \"DB\"",
        "binding = \"DB\"\ndatabase_name = \"people\"",
    );
    let message = deployment.stopped();
    for part in [
        "everybody's session is lost",
        "namespace list",
        "shop-sessions",
    ] {
        assert!(message.contains(part), "{message}");
    }

    // As the message says.
    let shop = "shop-sessions".to_owned();
    deployment.account().namespaces.push(shop);
    deployment.run().expect("deployed");
    let changes = deployment.changes();
    let upload = "shop uploaded with k-shop-sessions and d-people";
    assert_eq!(changes.last().expect("an upload"), upload);
}

//! The order of a deployment, with the real wrangler and a stand-in for Cloudflare's API.

use std::{fs, os::unix::fs::symlink, path::Path, sync::MutexGuard};

use super::{
    fake_cloudflare::{Account, FakeCloudflare},
    *,
};
use crate::{project::Project, tools::assume_installed};

/// A copy of the project with a worker that needs no building, for an account at `cloudflare`.
fn project(root: &Path, cloudflare: &FakeCloudflare) -> Project {
    let original = Project::locate();
    let packages = original.path("node_modules");
    assert!(
        packages.is_dir(),
        "the npm packages are missing: run `cargo xtask build`"
    );
    symlink(packages, root.join("node_modules")).expect("a link");

    let settings = fs::read_to_string(original.path("wrangler.toml")).expect("readable");
    let mut settings: toml::Table = settings.parse().expect("TOML");
    settings.remove("build");
    fs::write(root.join("wrangler.toml"), settings.to_string()).expect("writable");

    fs::create_dir_all(root.join("build")).expect("writable");
    fs::write(
        root.join("build/index.js"),
        "import { DurableObject } from 'cloudflare:workers';
         export class AccountGuard extends DurableObject {}
         export default { fetch: () => new Response() };",
    )
    .expect("writable");
    fs::create_dir(root.join("migrations")).expect("writable");
    for name in ["0001_users.sql", "0002_more.sql"] {
        fs::write(root.join("migrations").join(name), "SELECT 1;").expect("writable");
    }
    fs::create_dir(root.join("public")).expect("writable");
    for name in ["index.html", "_headers"] {
        fs::write(root.join("public").join(name), "").expect("writable");
    }
    let environment = format!(
        "CLOUDFLARE_API_BASE_URL={}\nCLOUDFLARE_API_TOKEN=t\nCLOUDFLARE_ACCOUNT_ID=a1\n",
        cloudflare.url()
    );
    fs::write(root.join(".env"), environment).expect("writable");
    Project { root: root.into() }
}

fn deploy(account: Account) -> (FakeCloudflare, Result<()>) {
    let cloudflare = FakeCloudflare::start(account);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let project = project(folder.path(), &cloudflare);
    let outcome = put_online(&project, &assume_installed(&project));
    (cloudflare, outcome)
}

fn account(cloudflare: &FakeCloudflare) -> MutexGuard<'_, Account> {
    cloudflare.account.lock().expect("no other thread panicked")
}

#[test]
fn a_renamed_worker_does_not_take_the_database_of_another() {
    let original = Project::locate().path("wrangler.toml");
    let settings = fs::read_to_string(original).expect("readable");
    assert!(check_database_name(&settings).is_ok());
    let renamed = settings.replace("name = \"tokenkeep\"\nmain", "name = \"shop\"\nmain");
    let message = format!(
        "{:#}",
        check_database_name(&renamed).expect_err("another's")
    );
    assert!(message.contains("database_name = \"shop\""), "{message}");
    for change in [
        "database_name = \"shop\"",
        "database_name = \"tokenkeep\"\ndatabase_id = \"x\"",
    ] {
        let own = renamed.replace("database_name = \"tokenkeep\"", change);
        assert!(check_database_name(&own).is_ok(), "{change}");
    }
}

#[test]
fn the_first_deployment_makes_the_database_and_its_tables_before_the_worker() {
    let (cloudflare, outcome) = deploy(Account::default());
    outcome.expect("deployed");
    assert_eq!(
        account(&cloudflare).changes,
        [
            "database made",
            "0001_users.sql applied",
            "0002_more.sql applied",
            "files: /index.html",
            "KV namespace made",
            "worker uploaded with its database",
        ]
    );
}

#[test]
fn a_later_deployment_applies_new_migrations_before_the_upload() {
    let (cloudflare, outcome) = deploy(Account {
        has_database: true,
        has_worker: true,
        ..Account::default()
    });
    outcome.expect("deployed");
    assert_eq!(
        account(&cloudflare).changes,
        [
            "0001_users.sql applied",
            "0002_more.sql applied",
            "files: /index.html",
            "worker uploaded with what it had",
        ]
    );
}

#[test]
fn a_migration_that_fails_stops_the_deployment_before_the_upload() {
    let (cloudflare, outcome) = deploy(Account {
        has_database: true,
        has_worker: true,
        refuses_migrations: true,
        ..Account::default()
    });
    let message = format!("{:#}", outcome.expect_err("it failed"));
    assert!(message.contains("nothing was uploaded"), "{message}");
    assert_eq!(account(&cloudflare).changes, [""; 0]);
}

//! The setup page in a real Chromium, on the running worker. The tests are the files `*.test.mjs`
//! beside this one, driven by playwright; here each gets the workers that it needs.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
    sync::LazyLock,
};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::Client,
    project::node,
    workerd::{SECRET_MARK, Settings, Workerd},
    wrangler::{Project, Wrangler},
};

/// Runs a file of tests, and shows what it printed when one fails.
fn passes_in_chromium(file: &str, variables: &[(&str, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let chrome = env::var("CHROME").unwrap_or_else(|_| "/usr/bin/chromium".into());
    assert!(
        Path::new(&chrome).is_file(),
        "{chrome} is not there; run: cargo xtask test"
    );
    let output = Command::new(node())
        .args(["--test", "--test-reporter=spec"])
        .arg(folder.join(file))
        .env("CHROME", chrome)
        .env("SECRET_MARK", SECRET_MARK)
        .envs(variables.iter().copied())
        // Or it takes this for a part of another run.
        .env_remove("NODE_TEST_CONTEXT")
        .stdin(Stdio::null())
        .output()
        .expect("Node.js; run: cargo xtask test");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("tests 0"), "no test ran: {text}");
}

/// A worker with all that it needs, in `wrangler dev`.
fn in_order() -> &'static (Project, Wrangler) {
    static IN_ORDER: LazyLock<(Project, Wrangler)> = LazyLock::new(|| {
        let project = Project::new();
        let wrangler = project.start();
        (project, wrangler)
    });
    &IN_ORDER
}

/// Shows what the worker printed when a test fails.
struct LogOnFailure<'a>(&'a Wrangler);

impl Drop for LogOnFailure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("wrangler printed:\n{}", self.0.log());
        }
    }
}

fn address(client: &Client) -> String {
    format!("{}/", client.origin)
}

#[test]
fn the_page_of_a_worker_in_order_says_so_looks_right_and_copies() {
    let (project, wrangler) = in_order();
    let _told = LogOnFailure(wrangler);
    let secrets = json!(project.secrets()).to_string();
    passes_in_chromium(
        "in_order.test.mjs",
        &[
            ("WORKER", &address(&wrangler.client)),
            ("SECRETS", &secrets),
        ],
    );
}

#[test]
fn the_try_out_goes_from_a_new_account_to_its_deletion() {
    let (_, wrangler) = in_order();
    let _told = LogOnFailure(wrangler);
    passes_in_chromium(
        "try_out.test.mjs",
        &[("WORKER", &address(&wrangler.client))],
    );
}

#[test]
fn the_page_bears_a_net_that_is_down_and_answers_of_others() {
    let (_, wrangler) = in_order();
    let _told = LogOnFailure(wrangler);
    passes_in_chromium(
        "trouble.test.mjs",
        &[("WORKER", &address(&wrangler.client))],
    );
}

#[test]
fn each_piece_that_is_missing_is_named_with_its_remedy() {
    let fresh = Settings::fresh;
    let short = format!("{SECRET_MARK:-<31}");
    let same = fresh();
    let refresh_secret = same.refresh_secret.clone();
    let in_workerd = [
        ("no_secret", fresh().without("refresh_token_secret")),
        ("weak_secret", fresh().with("refresh_token_secret", &short)),
        (
            "same_secrets",
            same.with("access_token_secret", &refresh_secret),
        ),
        ("weak_service_key", fresh().with("service_key", &short)),
        (
            "weak_previous",
            fresh().with("refresh_token_secret_previous", &short),
        ),
        (
            "public_key",
            fresh().with(
                "access_token_private_key",
                include_str!("../../../vectors/keys/es256.pub.pem"),
            ),
        ),
        (
            "refused_key",
            // Its private part is another key's.
            fresh().with(
                "access_token_private_key",
                &include_str!("../../../vectors/keys/es256.jwk")
                    .replace("8FW7Pv30Rqu4", "AAAAAAAAAAAA"),
            ),
        ),
        ("bad_number", fresh().with("ACCESS_TOKEN_SECONDS", "59")),
        ("bad_switch", fresh().with("SIGN_UP", "perhaps")),
        ("no_store", fresh().without_store()),
        ("no_service_key", fresh().without("service_key")),
        ("no_flood_limit", fresh().with_accounts()),
        ("two_hours", fresh().with("ACCESS_TOKEN_SECONDS", "7200")),
    ];
    let (names, settings): (Vec<&str>, Vec<Settings>) = in_workerd.into_iter().unzip();
    let workerd = Workerd::start(&settings);
    let without_tables = Project::new();
    let _ = without_tables.execute("CREATE TABLE users (id TEXT)");
    let without_guard = Project::without("durable_objects");
    let (no_tables, no_guard) = (without_tables.start(), without_guard.start());
    let not_set_up = Project::not_set_up();
    let nothing = not_set_up.start();
    let (_, in_order) = in_order();

    let mut addresses: Value = names
        .into_iter()
        .zip(workerd.clients.iter().map(address))
        .collect();
    addresses["no_tables"] = address(&no_tables.client).into();
    addresses["no_guard"] = address(&no_guard.client).into();
    passes_in_chromium(
        "missing.test.mjs",
        &[
            ("WORKER", &address(&in_order.client)),
            ("NOT_SET_UP", &address(&nothing.client)),
            ("WORKERS", &addresses.to_string()),
        ],
    );
}

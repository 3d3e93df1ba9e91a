//! The npm package as a maker gets it: a tarball, an empty folder, and no Rust. `cargo xtask test`
//! packs it beforehand.
#![cfg(unix)]

use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::json;
use tempfile::TempDir;
use tokenkeep_workerd_tests::{
    client::{Client, random_user},
    leash::Leash,
    project::{folder, node, temporary_folder, wrangler},
    wrangler::ready_at,
};

/// A folder outside the checkout, and a `PATH` without Rust.
struct Maker {
    folder: TempDir,
    path: OsString,
}

impl Maker {
    fn new() -> Self {
        let folder = temporary_folder();
        let programs = folder.path().join("programs");
        fs::create_dir(&programs).expect("a temporary folder");
        // What is left of the path may lack them: a system's package of Rust shares a folder with all
        // other programs.
        for name in ["node", "npm", "npx", "sh"] {
            let program = on_the_path(name).unwrap_or_else(|| panic!("{name} is not installed"));
            symlink(program, programs.join(name)).expect("a link");
        }
        let without_rust =
            path().filter(|folder| !["cargo", "rustc"].iter().any(|it| folder.join(it).exists()));
        Self {
            path: env::join_paths([programs].into_iter().chain(without_rust)).expect("a path"),
            folder,
        }
    }

    fn app(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    /// Adds to a command where it runs: without the developer's settings of wrangler.
    fn at<'c>(&self, folder: &Path, command: &'c mut Command) -> &'c mut Command {
        let home = self.folder.path().join("home");
        command
            .current_dir(folder)
            .env("PATH", &self.path)
            .env("CI", "true")
            .env("WRANGLER_SEND_METRICS", "false")
            .env_remove("CLOUDFLARE_ENV")
            .env_remove("CLOUDFLARE_INCLUDE_PROCESS_ENV")
            .env("XDG_CONFIG_HOME", home)
            .env("NO_COLOR", "1")
    }

    /// What a program prints that has to succeed.
    fn run(&self, folder: &Path, words: &[&str]) -> String {
        let mut command = Command::new(words[0]);
        succeeds(self.at(folder, command.args(&words[1..])))
    }
}

/// The folders of the path, but for those of the project's own npm packages.
fn path() -> impl Iterator<Item = PathBuf> {
    let project = folder().canonicalize().expect("the project's folder");
    let path = env::var_os("PATH").expect("a path");
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders
        .into_iter()
        .filter(move |folder| !folder.starts_with(&project))
}

fn on_the_path(program: &str) -> Option<PathBuf> {
    path()
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn succeeds(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("a program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (told, problems) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{command:?} printed:\n{told}{problems}"
    );
    told
}

fn tarball() -> PathBuf {
    let name = format!("dist/tokenkeep-{}.tgz", env!("CARGO_PKG_VERSION"));
    let path = folder().join(name).canonicalize();
    path.expect("run: cargo xtask test")
}

fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.local_addr().expect("an address").port()
}

fn bindings_are_told(dry_run: &str) {
    for binding in ["env.SESSIONS", "env.DB", "env.ACCOUNT_GUARD", "env.LISTS"] {
        assert!(dry_run.contains(binding), "{binding} is not in:\n{dry_run}");
    }
}

#[test]
fn a_maker_without_rust_goes_from_the_tarball_to_a_login_and_a_deployment() {
    let maker = Maker::new();
    let (app, tarball) = (maker.app(), tarball());
    fs::create_dir(&app).expect("a temporary folder");
    let start = Instant::now();
    maker.run(&app, &["npm", "install", &tarball.to_string_lossy()]);
    let installed = start.elapsed();

    let port = free_port();
    let leash = Leash::start(|command| {
        let words = ["npx", "tokenkeep", "dev", "--port", &port.to_string()];
        maker.at(&app, command.args(words));
    });
    assert_eq!(leash.wait_for_line(ready_at), port);
    let client = Client::new(port, "");
    let page = client.get("/");
    // Past the test harness, which shows only what failing tests print.
    let _ = writeln!(
        io::stderr(),
        "from `npm install` to the first response: {:.1} s, of which `npm install` took {:.1} s",
        start.elapsed().as_secs_f64(),
        installed.as_secs_f64(),
    );
    assert_eq!(page.status, 200);
    assert!(page.text.contains("<title>Tokenkeep"), "{}", page.text);
    a_session_works(&client);
    assert_eq!(client.get("/health").status, 200);
    drop(leash);

    bindings_are_told(&maker.run(&app, &["npx", "tokenkeep", "deploy", "--dry-run"]));
    bindings_are_told(&maker.run(&app, &["npx", "wrangler", "deploy", "--dry-run"]));
    the_button_deploys(&maker);
}

fn a_session_works(client: &Client) {
    let person = json!({"email": random_user(), "password": "correct horse"});
    let session = client.post("/auth/signup", &person).tokens();
    let refreshed = client.refresh(&session.refresh).tokens();
    let me = client.me(&refreshed.access);
    assert_eq!((me.status, &me.json()["id"]), (200, &json!(session.user)));
}

/// With the packages of the maker: in the registry, the package has the same bytes.
fn the_button_deploys(maker: &Maker) {
    let button = maker.folder.path().join("button");
    fs::create_dir(&button).expect("a temporary folder");
    for name in ["package.json", "wrangler.toml"] {
        fs::copy(folder().join("deploy-button").join(name), button.join(name)).expect("a copy");
    }
    symlink(
        maker.app().join("node_modules"),
        button.join("node_modules"),
    )
    .expect("a link");
    bindings_are_told(&maker.run(&button, &["npm", "run", "deploy", "--", "--dry-run"]));
}

#[test]
fn the_clone_passes_wrangler_s_own_dry_run() {
    let home = temporary_folder();
    let mut command = Command::new(node());
    command.arg(wrangler()).args(["deploy", "--dry-run"]);
    command
        .current_dir(folder())
        .env("CI", "true")
        .env("WRANGLER_SEND_METRICS", "false")
        .env_remove("CLOUDFLARE_ENV")
        .env("XDG_CONFIG_HOME", home.path())
        .env("NO_COLOR", "1");
    bindings_are_told(&succeeds(&mut command));
}

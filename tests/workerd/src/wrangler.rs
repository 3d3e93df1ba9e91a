//! The worker in `wrangler dev`, with the project's own settings.
//!
//! wrangler runs in a folder of its own with a copy of `wrangler.toml`, of the build and of the static
//! files, so that
//! the developer's secrets, state and settings of wrangler are neither seen nor touched.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use toml::Table;

use crate::{
    client::Client,
    leash::Leash,
    project::{copy_build, copy_files, node, settings, temporary_folder, wrangler},
    tokens::random_name,
    workerd::SECRET_MARK,
};

/// A project folder with state that outlives the process.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
    refresh_secret: String,
    service_key: String,
}

/// A running `wrangler dev`.
#[derive(Debug)]
pub struct Wrangler {
    leash: Leash,
    /// A client of its worker.
    pub client: Client,
}

impl Project {
    /// A folder with all that `wrangler dev` needs, and fresh secrets.
    ///
    /// # Panics
    /// The project is not built.
    #[must_use]
    pub fn new() -> Self {
        let mut settings = settings();
        // Tests do a lot within a minute.
        for limit in settings["ratelimits"].as_array_mut().expect("limits") {
            limit["simple"]["limit"] = 1_000_000.into();
        }
        // Else the requests that send e-mails do nothing.
        let vars = settings["vars"].as_table_mut().expect("vars");
        vars.insert("MAIL".into(), "log".into());
        Self::with_settings(settings)
    }

    /// The same, without a part of `wrangler.toml`.
    ///
    /// # Panics
    /// There is no such part.
    #[must_use]
    pub fn without(part: &str) -> Self {
        let mut settings = settings();
        settings.remove(part).expect("a part of wrangler.toml");
        Self::with_settings(settings)
    }

    /// The same as far as it gets with no secret, no binding, and a var that cannot be read.
    ///
    /// # Panics
    /// The project is not built.
    #[must_use]
    pub fn not_set_up() -> Self {
        let mut settings = settings();
        for bindings in [
            "kv_namespaces",
            "d1_databases",
            "durable_objects",
            "ratelimits",
        ] {
            settings.remove(bindings).expect("a part of wrangler.toml");
        }
        settings["vars"]["SIGN_UP"] = "perhaps".into();
        let project = Self::with_settings(settings);
        fs::remove_file(project.path(".dev.vars")).expect("the file with the secrets");
        project
    }

    fn with_settings(mut wrangler_toml: Table) -> Self {
        let folder = temporary_folder();
        let write = |name: &str, text: String| {
            fs::write(folder.path().join(name), text).expect("a temporary file");
        };
        let secret = || format!("{}{SECRET_MARK}{}", random_name(), random_name());
        let (refresh_secret, service_key) = (secret(), secret());
        copy_build(&folder.path().join("build"));
        for name in ["migrations", "public"] {
            copy_files(name, &folder.path().join(name));
        }
        // What is tested is built already.
        wrangler_toml.remove("build");
        write("wrangler.toml", wrangler_toml.to_string());
        write(
            ".dev.vars",
            format!("refresh_token_secret=\"{refresh_secret}\"\nservice_key=\"{service_key}\"\n"),
        );
        Self {
            folder,
            refresh_secret,
            service_key,
        }
    }

    /// Starts `wrangler dev`, and waits until it answers.
    ///
    /// # Panics
    /// It does not.
    #[must_use]
    pub fn start(&self) -> Wrangler {
        let leash = Leash::start(|command| self.dev(command));
        let port = leash.wait_for_line(ready_at);
        Wrangler {
            client: Client::new(port, &self.service_key),
            leash,
        }
    }

    /// The secrets of its worker.
    #[must_use]
    pub fn secrets(&self) -> [&str; 2] {
        [&self.refresh_secret, &self.service_key]
    }

    /// Makes the tables of accounts, as `cargo xtask deploy` does; what wrangler printed.
    ///
    /// # Panics
    /// wrangler could not.
    #[must_use]
    pub fn migrate(&self) -> String {
        self.d1(&["migrations", "apply", "DB", "--local"])
    }

    /// Executes SQL on the database; the rows, as JSON.
    ///
    /// # Panics
    /// wrangler could not.
    #[must_use]
    pub fn execute(&self, sql: &str) -> Value {
        let printed = self.d1(&["execute", "DB", "--local", "--json", "--command", sql]);
        let results: Value = serde_json::from_str(&printed).expect("JSON");
        results[0]["results"].clone()
    }

    fn d1(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(node());
        command.arg(wrangler()).arg("d1").args(arguments);
        let output = self
            .here(&mut command)
            .stdin(Stdio::null())
            .output()
            .expect("Node.js");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn dev(&self, command: &mut Command) {
        command
            .arg(node())
            .arg(wrangler())
            .args(["dev", "--ip", "127.0.0.1", "--port", "0"])
            .args(["--inspector-port", "0"]);
        self.here(command);
    }

    /// In this folder, with this state, and without the developer's settings.
    fn here<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let home = self.path("home");
        command
            .arg("--persist-to")
            .arg(self.path("state"))
            .current_dir(self.folder.path())
            .env("CI", "true")
            .env("WRANGLER_SEND_METRICS", "false")
            // Or it asks Cloudflare where this computer is.
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
            // They would choose other settings, and let the shell's variables in.
            .env_remove("CLOUDFLARE_ENV")
            .env_remove("CLOUDFLARE_INCLUDE_PROCESS_ENV")
            // Where wrangler keeps its logs, logins and lists of other workers.
            .env("XDG_CONFIG_HOME", &home)
            .env("WRANGLER_LOG_PATH", home.join("logs"))
            .env("NO_COLOR", "1")
    }

    /// The secret of that name.
    #[must_use]
    pub fn service_key(&self) -> &str {
        &self.service_key
    }

    /// The folder, with `.dev.vars` in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Wrangler {
    /// Everything printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.leash.log()
    }
}

/// The port, if the line says that wrangler is ready.
#[must_use]
pub fn ready_at(line: &str) -> Option<u16> {
    let (_, address) = line.split_once("Ready on http://127.0.0.1:")?;
    let digits = address.split(|character: char| !character.is_ascii_digit());
    digits.into_iter().next()?.parse().ok()
}

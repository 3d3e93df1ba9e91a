//! `cargo xtask dev`: from a fresh clone to a running worker, in one command.
//!
//! The worker runs in workerd, the program that Cloudflare runs itself. What it stores
//! lies in `.wrangler` and is there again at the next start.

use std::{
    fs,
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::{
    build::build,
    dev_vars,
    process::{hand_over, step},
    project::Project,
    stamp::cannot_write,
    tools,
};

#[derive(clap::Args)]
pub struct Arguments {
    /// The port of this computer on which the worker answers
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    check_port_is_free(arguments.port)?;
    let tools = tools::ensure(project)?;
    dev_vars::ensure(&project.path(".dev.vars"))?;
    build(project, &tools)?;
    keep_private(&project.path(".wrangler"))?;

    let port = arguments.port.to_string();
    step(
        "dev",
        &format!(
            "starting http://127.0.0.1:{port}; edit src/ and it builds again; Ctrl-C stops it"
        ),
    );
    let mut wrangler = tools.wrangler();
    wrangler.args(["dev", "--ip", "127.0.0.1", "--port", &port]);
    let settings = fs::read_to_string(project.path("wrangler.toml"))?;
    if has_route(&settings) {
        // Or wrangler calls the worker by the route's host over http, which the worker refuses.
        wrangler.arg("--local-upstream=localhost");
    }
    // A plain log, in a terminal as well: it can be read, searched and piped.
    wrangler.arg("--show-interactive-dev-session=false");
    // Or it asks Cloudflare where this computer is, and complains when offline.
    wrangler.env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
    hand_over(&mut wrangler, "wrangler")
}

/// Whether the worker has a domain of its own.
fn has_route(wrangler_toml: &str) -> bool {
    let mut lines = wrangler_toml.lines().map(str::trim_start);
    lines.any(|line| line.starts_with("route") || line.starts_with("[[routes]]"))
}

/// Makes the folder of the local database, if there is none, and closes it to other users of this
/// computer: it holds password hashes and addresses.
fn keep_private(folder: &Path) -> Result<()> {
    let state = folder.join("state");
    fs::create_dir_all(&state).with_context(|| cannot_write(&state))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let owner_only = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&state, owner_only).with_context(|| cannot_write(&state))?;
    }
    Ok(())
}

/// Checked first: a build is a long wait for such a short answer.
fn check_port_is_free(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {port} is taken by another program, perhaps another `cargo xtask dev`: \
             stop that one, or choose another port, as in `cargo xtask dev --port {}`",
            port.checked_add(1).unwrap_or(8787)
        ),
        Err(error) => Err(anyhow!(error).context(format!("cannot listen on 127.0.0.1:{port}"))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_domain_of_the_worker_s_own_is_seen_in_its_settings() {
        assert!(!has_route(include_str!("../../wrangler.toml")));
        for line in ["routes = [", "route = \"api.example.com/*\"", "[[routes]]"] {
            assert!(has_route(&format!("name = \"tokenkeep\"\n{line}\n")));
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_local_database() {
        use std::os::unix::fs::PermissionsExt as _;
        let project = tempfile::tempdir().unwrap();
        let folder = project.path().join(".wrangler");
        for _ in 0..2 {
            keep_private(&folder).unwrap();
            let mode = fs::metadata(folder.join("state"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }

    #[test]
    fn a_taken_port_is_refused_and_another_one_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = check_port_is_free(port).unwrap_err().to_string();
        assert!(
            message.contains(&port.to_string()) && message.contains("--port"),
            "{message}"
        );
        drop(taken);
        assert!(check_port_is_free(port).is_ok());
    }
}

//! `cargo xtask deploy`: puts the worker on the reader's own Cloudflare account.
//!
//! wrangler creates the KV namespace at the first deploy, so nothing has to be
//! prepared there. The secrets come after it, because they belong to a worker
//! that exists.

use anyhow::Result;

use crate::{
    build::build,
    dev_vars::SECRETS,
    process::{run as run_program, step},
    project::Project,
    tools,
};

#[derive(clap::Args)]
pub struct Arguments {
    /// Do everything but the upload; needs no account
    #[arg(long)]
    dry_run: bool,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)?;

    let mut wrangler = tools.wrangler();
    wrangler.arg("deploy");
    if arguments.dry_run {
        step(
            "deploy",
            "trying the upload without uploading (wrangler deploy --dry-run)",
        );
        return run_program(wrangler.arg("--dry-run"), "wrangler deploy --dry-run");
    }
    step(
        "deploy",
        "uploading (wrangler deploy); the first time it asks you to log in to Cloudflare",
    );
    run_program(&mut wrangler, "wrangler deploy")?;
    print_next_steps();
    Ok(())
}

fn print_next_steps() {
    println!("\nDeployed. The first time, give the worker its secrets; later ones keep them:\n");
    for name in SECRETS {
        println!("  npx wrangler secret put {name}");
    }
    println!("\nThen open https://<the address above>/health. It names whatever is still missing.");
}

//! From the `.wasm` file that rustc makes to the two that Cloudflare runs.
//!
//! 1. wasm-bindgen writes the JavaScript between the worker and the platform.
//! 2. wasm-opt makes the WebAssembly smaller.
//! 3. esbuild joins that JavaScript with our entry file and the setup page.
//!
//! The flags are those of `worker-build`, the tool that usually does this. It is not used
//! because it has to be compiled first, together with two more tools it calls.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    page,
    process::{run, run_quietly},
    project::Project,
    stamp::cannot_write,
    tools::Tools,
};

/// What Cloudflare calls; calls the worker.
pub const ENTRY: &str = "src/entry.js";

/// Named one by one, so that a newer wasm-opt does not use what workerd
/// cannot read yet. These are what rustc emits, and exceptions for wasm-bindgen.
const WASM_FEATURES: [&str; 7] = [
    "mutable-globals",
    "sign-ext",
    "nontrapping-float-to-int",
    "bulk-memory",
    "multivalue",
    "reference-types",
    "exception-handling",
];

/// Leaves `index.js` and `index_bg.wasm` in the folder `staging`, which is
/// emptied first.
pub fn bundle(project: &Project, tools: &Tools, wasm: &Path, staging: &Path) -> Result<()> {
    if staging.exists() {
        fs::remove_dir_all(staging)
            .with_context(|| format!("cannot remove {}", staging.display()))?;
    }
    fs::create_dir_all(staging).with_context(|| cannot_write(staging))?;
    generate_bindings(wasm, staging)?;
    shrink(tools, staging)?;
    page::build(project, tools, staging)?;
    join(project, tools, staging)
}

fn generate_bindings(wasm: &Path, staging: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name("index")
        .module(true)?
        .typescript(false)
        // Both let the entry file go on with a fresh instance after a panic.
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate(staging)
        .context("wasm-bindgen failed")?;
    use_plain_import(&staging.join("index.js"))
}

/// wasm-bindgen imports the module with `import source`, which workerd does
/// not know; there, the plain import of a `.wasm` file means the same.
fn use_plain_import(script: &Path) -> Result<()> {
    let text =
        fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))?;
    let imports = text.matches("import source ").count();
    ensure!(
        imports == 1,
        "wasm-bindgen's output has {imports} `import source` lines, not one"
    );
    fs::write(script, text.replace("import source ", "import "))
        .with_context(|| cannot_write(script))
}

fn shrink(tools: &Tools, staging: &Path) -> Result<()> {
    let mut wasm_opt = tools.wasm_opt();
    wasm_opt
        .current_dir(staging)
        .args(["index_bg.wasm", "-o", "index_bg.wasm", "-Os"]);
    wasm_opt.args(WASM_FEATURES.map(|feature| format!("--enable-{feature}")));
    run(&mut wasm_opt, "wasm-opt")
}

fn join(project: &Project, tools: &Tools, staging: &Path) -> Result<()> {
    let entry = staging.join("entry.js");
    fs::copy(project.path(ENTRY), &entry).with_context(|| cannot_write(&entry))?;
    let mut esbuild = tools.esbuild();
    esbuild.current_dir(staging).args([
        "entry.js",
        "--bundle",
        "--minify",
        "--format=esm",
        "--charset=utf8",
    ]);
    esbuild.args(["--external:./index_bg.wasm", "--external:cloudflare:*"]);
    esbuild.args([
        "--outfile=index.js",
        "--allow-overwrite",
        "--log-level=warning",
    ]);
    run_quietly(&mut esbuild, "esbuild")
}

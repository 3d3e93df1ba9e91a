//! From the `.wasm` file that rustc makes to the two that Cloudflare runs.
//!
//! 1. wasm-bindgen writes the JavaScript between the worker and the platform.
//! 2. esbuild joins that JavaScript with our entry file, and leaves out what nobody calls.
//! 3. What the JavaScript no longer calls is dropped from the WebAssembly too.
//! 4. wasm-opt makes the rest smaller.
//!
//! The flags are those of `worker-build`, the tool that usually does this. It is not used
//! because it has to be compiled first, together with two more tools it calls.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::{Bindgen, Output};

use crate::{
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

/// What becomes of the names of functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// They take half as much room again, and nothing needs them.
    Dropped,
    /// A profile shows them.
    Kept,
}

/// Leaves `index.js` and `index_bg.wasm` in the folder `staging`, which is
/// emptied first.
pub fn bundle(
    project: &Project,
    tools: &Tools,
    wasm: &Path,
    staging: &Path,
    names: Names,
) -> Result<()> {
    if staging.exists() {
        fs::remove_dir_all(staging)
            .with_context(|| format!("cannot remove {}", staging.display()))?;
    }
    fs::create_dir_all(staging).with_context(|| cannot_write(staging))?;
    let mut bindings = bindings(wasm)?;
    bindings.emit(staging)?;
    adapt(&staging.join("index.js"))?;
    join(project, tools, staging, names)?;
    let script = read(&staging.join("index.js"))?;
    drop_unused_exports(&mut bindings, &script)?;
    bindings.emit(staging.join("pruned"))?;
    shrink(tools, staging, names)
}

fn bindings(wasm: &Path) -> Result<Output> {
    Bindgen::new()
        .input_path(wasm)
        .out_name("index")
        .module(true)?
        .typescript(false)
        // Both let the entry file go on with a fresh instance after a panic.
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate_output()
        .context("wasm-bindgen failed")
}

/// Some lines of wasm-bindgen's are not for us. It imports the module with `import source`, which
/// workerd does not know; there, the plain import of a `.wasm` file means the same. And it gives
/// every class of every library the method that ends a `using` block, which keeps them all alive. And
/// it lists a module once for each function that is called without glue: wrangler warns of each.
fn adapt(script: &Path) -> Result<()> {
    let text = read(script)?;
    let imports = text.matches("import source ").count();
    ensure!(
        imports == 1,
        "wasm-bindgen's output has {imports} `import source` lines, not one"
    );
    let text = text.replace("import source ", "import ");
    let mut listed = BTreeSet::new();
    let lines = text.lines().filter(|line| {
        let module = line.trim_start().split_once(": import");
        let is_listed = module.is_some_and(|(name, _)| !listed.insert(name));
        !is_listed && !line.starts_with("if (Symbol.dispose)")
    });
    fs::write(script, lines.collect::<Vec<_>>().join("\n")).with_context(|| cannot_write(script))
}

/// Libraries export functions for JavaScript that nobody here imports, and the code behind them
/// cannot be left out while they are exported.
fn drop_unused_exports(bindings: &mut Output, script: &str) -> Result<()> {
    let exports = &mut bindings.wasm_mut().exports;
    let names = exports.iter().map(|export| export.name.clone());
    let (used, unused): (Vec<_>, Vec<_>) =
        names.partition(|name| script.contains(&format!(".{name}")));
    ensure!(
        !used.is_empty(),
        "the joined JavaScript calls no export of the worker"
    );
    for export in unused {
        exports.remove(export)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn shrink(tools: &Tools, staging: &Path, names: Names) -> Result<()> {
    let mut wasm_opt = tools.wasm_opt();
    wasm_opt
        .current_dir(staging)
        .args(["pruned/index_bg.wasm", "-o", "index_bg.wasm", "-Os"]);
    wasm_opt.args(WASM_FEATURES.map(|feature| format!("--enable-{feature}")));
    if names == Names::Kept {
        wasm_opt.arg("--debuginfo");
    }
    run(&mut wasm_opt, "wasm-opt")
}

fn join(project: &Project, tools: &Tools, staging: &Path, names: Names) -> Result<()> {
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
    if names == Names::Kept {
        esbuild.arg("--minify-identifiers=false");
    }
    esbuild.args(["--external:./index_bg.wasm", "--external:cloudflare:*"]);
    esbuild.args([
        "--outfile=index.js",
        "--allow-overwrite",
        // What is only registered there is used by nobody.
        "--pure:FinalizationRegistry",
        "--log-level=warning",
    ]);
    run_quietly(&mut esbuild, "esbuild")
}

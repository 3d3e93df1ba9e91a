//! Takes the indentation out of `src/openapi.json` before it goes into the worker. A line break
//! cannot be part of a JSON string, so nothing else is lost.

use std::{env, error::Error, fs, path::Path};

const SOURCE: &str = "src/openapi.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    let text = fs::read_to_string(SOURCE)?;
    let dense: String = text.lines().map(str::trim_start).collect();
    fs::write(Path::new(&env::var("OUT_DIR")?).join("openapi.json"), dense)?;
    Ok(())
}

//! The setup page. `cargo xtask build` makes it from the folder `page` and lays it, as JavaScript,
//! beside what wasm-bindgen makes: text that few ask for stays out of the WebAssembly's memory.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::port::SetupPage;

#[wasm_bindgen(raw_module = "./page.js")]
extern "C" {
    fn html() -> String;
    fn policy() -> String;
}

/// The page of this build.
pub fn built() -> SetupPage {
    SetupPage {
        html: html(),
        policy: policy(),
    }
}

//! The setup page. `cargo xtask build` makes it from the folder `page` and lays it, as JavaScript,
//! beside what wasm-bindgen makes: text that few ask for stays out of the WebAssembly's memory.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::port::BuiltPage;

#[wasm_bindgen(raw_module = "./page.js")]
extern "C" {
    fn html() -> String;
    #[wasm_bindgen(js_name = styleHash)]
    fn style_hash() -> String;
    #[wasm_bindgen(js_name = scriptHash)]
    fn script_hash() -> String;
}

/// The page of this build.
pub fn built() -> BuiltPage {
    BuiltPage {
        html: html(),
        style_hash: style_hash(),
        script_hash: script_hash(),
    }
}

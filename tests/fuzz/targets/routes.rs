#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tokenkeep_fuzzing::routes::check(input));

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portstory_fuzz::outputs(bytes));

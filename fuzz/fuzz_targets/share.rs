#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| portstory_fuzz::share(octets));

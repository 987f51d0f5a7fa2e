//! What an application answers as its key directory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trusted_app_core::httpsig::KeyDirectory;

fuzz_target!(|text: &str| {
    let Ok(directory) = KeyDirectory::parse(text) else { return };
    let again = KeyDirectory::parse(&directory.to_json()).expect("what we write can be read");
    assert_eq!(again.keys(), directory.keys());
});

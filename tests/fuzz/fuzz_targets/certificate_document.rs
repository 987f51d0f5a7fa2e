//! What a peer serves as its certificate document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trusted_app_core::Scheme;
use trusted_app_core::seraph::CertificateDocument;

fuzz_target!(|text: &str| {
    let Ok(document) = CertificateDocument::parse(text) else { return };
    let again =
        CertificateDocument::parse(&document.to_text(Scheme::SeraphV3)).expect("what we write can be read");
    assert_eq!(again.application_id(), document.application_id());
    assert_eq!(again.public_key(), document.public_key());
});

//! The error header of a peer's answer.
#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use trusted_app_core::seraph::TransportError;

fuzz_target!(|value: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let Ok(error) = TransportError::from_header_value(&value) else { return };
    let _ = error.message();

    let again =
        TransportError::from_header_value(&error.to_header_value()).expect("what we write can be read");
    assert_eq!((again.code(), again.params()), (error.code(), error.params()));
});

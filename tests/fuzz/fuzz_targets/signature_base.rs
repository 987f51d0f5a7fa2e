//! The signature base of whatever a signature says that it covers.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use trusted_app_core::httpsig::{
    RequestMessage, SIGNATURE_INPUT, SignatureBase, SignatureFields,
};

fuzz_target!(|input: (&[u8], &str, &str, Vec<(&[u8], &[u8])>)| {
    let (signature_input, label, url, fields) = input;
    let mut headers = HeaderMap::new();
    let Ok(value) = HeaderValue::from_bytes(signature_input) else { return };
    headers.insert(SIGNATURE_INPUT, value);
    for (name, value) in fields {
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else { return };
        headers.append(name, value);
    }
    let Ok(fields) = SignatureFields::of(&headers) else { return };
    let request = RequestMessage { method: &Method::GET, url, headers: &headers };
    let Ok(base) = SignatureBase::of_request(&fields, label, &request) else { return };
    // One line for each component, and no value begins a line of its own.
    let text = base.to_string();
    let (lines, parameters) = text.rsplit_once("\"@signature-params\": (").expect("the last line");
    assert!(!parameters.contains('\n'));
    assert!(lines.lines().all(|line| line.starts_with('"') && line.contains(": ")));
});

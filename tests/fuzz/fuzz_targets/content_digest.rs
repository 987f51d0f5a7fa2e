//! `Content-Digest`, in any number of lines.
#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use trusted_app_core::httpsig::{CONTENT_DIGEST, parse_content_digest};

fuzz_target!(|input: (Vec<&[u8]>, &[u8])| {
    let (lines, body) = input;
    let mut headers = HeaderMap::new();
    for line in lines {
        let Ok(line) = HeaderValue::from_bytes(line) else { return };
        headers.append(CONTENT_DIGEST, line);
    }
    let Ok(digest) = parse_content_digest(&headers) else { return };
    headers.insert(CONTENT_DIGEST, digest.to_header_value());
    assert_eq!(parse_content_digest(&headers), Ok(digest));
    assert!(!digest.matches(body), "a digest was found by chance");
});

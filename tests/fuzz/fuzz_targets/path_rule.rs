//! A path held against patterns of every kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trusted_app_core::conditions::{PathPattern, PathRule};

fuzz_target!(|input: (Vec<&str>, &str)| {
    let (patterns, path) = input;
    let constructors = [PathPattern::prefix, PathPattern::subtree, PathPattern::rpc];
    let rule = PathRule::only(
        patterns.into_iter().flat_map(|text| constructors.map(|new| new(text).ok())).flatten(),
    );
    if rule.check(Some(path)).is_err() {
        return;
    }

    // As a server would read it that cuts parameters off, decodes as often as it can, and takes `\` for `/`.
    let mut read = path
        .split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("/");
    while let Some(decoded) = decode(&read).filter(|decoded| *decoded != read) {
        read = decoded;
    }
    let read = read.replace('\\', "/");
    assert!(!read.contains("//"), "{path}");
    assert!(read.split('/').all(|segment| segment != "." && segment != ".."), "{path}");
    assert_eq!(read.matches('/').count(), path.matches('/').count(), "{path}");
    assert!(!read.contains(char::is_control), "{path}");
});

/// Percent-decoded once; `None` for an escape that is none or no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

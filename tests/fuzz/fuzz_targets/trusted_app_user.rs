//! `Trusted-App-User`: each name has one form.
#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use trusted_app_core::httpsig::UserField;

fuzz_target!(|value: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let Ok(field) = UserField::parse(&value) else { return };
    assert_eq!(field.to_header_value().as_bytes(), value.as_bytes().trim_ascii());
    let name = field.name();
    assert!(!name.is_empty() && name == name.trim() && !name.contains(char::is_control));
    UserField::new(name).expect("a name that was read is one");
});

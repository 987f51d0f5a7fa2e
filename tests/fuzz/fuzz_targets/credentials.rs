//! Any Seraph headers, held against an application that may use every scheme.
#![no_main]

use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::seraph::{self, Credentials};
use trusted_app_core::{PublicKey, Scheme, Timestamp, TrustedApplication};

static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    let base64 = include_str!("../../../crates/trusted-app-core/tests/data/public-key-2048.txt");
    PublicKey::from_base64(base64).expect("a good key")
});

#[derive(Debug, Arbitrary)]
enum Header {
    Id,
    Certificate,
    Key,
    Version,
    Magic,
    Signature,
}

impl Header {
    fn name(&self) -> HeaderName {
        match self {
            Self::Id => seraph::ID,
            Self::Certificate => seraph::CERTIFICATE,
            Self::Key => seraph::KEY,
            Self::Version => seraph::VERSION,
            Self::Magic => seraph::MAGIC,
            Self::Signature => seraph::SIGNATURE,
        }
    }
}

fuzz_target!(|input: (Vec<(Header, &[u8])>, &str)| {
    let (lines, url) = input;
    let mut headers = HeaderMap::new();
    for (header, value) in lines {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(header.name(), value);
    }

    let rejection = match Credentials::parse(&headers) {
        Ok(None) => return,
        Err(rejection) => rejection,
        Ok(Some(credentials)) => match credentials.verify(&application(&credentials), url, Timestamp::from_millis(0)) {
            // The oldest two have no signature; that they can be forged is known.
            Ok(proof) if proof.signature().scheme() < Scheme::InsecureSeraphV2 => return,
            Ok(proof) => panic!("forged: {proof:?}"),
            Err(rejection) => rejection,
        },
    };
    let error = seraph::TransportError::of(&rejection);
    let sent = seraph::TransportError::from_header_value(&error.to_header_value())
        .expect("what we send can be read");
    assert_eq!((sent.code(), sent.params()), (error.code(), error.params()));
});

/// Registered under whatever id the request states.
fn application(credentials: &Credentials<'_>) -> Arc<TrustedApplication> {
    TrustedApplication::builder(credentials.application_id().clone(), KEY.clone())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
        .schemes(Scheme::ALL.iter().copied().filter(|scheme| scheme.version().is_some()))
        .build()
        .expect("a good description")
        .into()
}

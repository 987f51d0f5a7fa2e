//! Any user, URL and timestamp, signed by us and verified by us.
#![no_main]

use std::sync::{Arc, LazyLock};

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::crypto::PrivateKey;
use trusted_app_core::seraph::{Credentials, SigningRequest};
use trusted_app_core::{LocalApplication, Timestamp, TrustedApplication};

static WIKI: LazyLock<LocalApplication> = LazyLock::new(|| {
    let pem = include_str!("../../../crates/trusted-app-core/tests/data/private-key-2048.pem");
    LocalApplication::new(
        "wiki".parse().expect("a good id"),
        PrivateKey::from_pkcs8_pem(pem).expect("a good key"),
    )
});

static TRUSTED: LazyLock<Arc<TrustedApplication>> = LazyLock::new(|| {
    TrustedApplication::builder(WIKI.id().clone(), WIKI.public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
        .build()
        .expect("a good description")
        .into()
});

fuzz_target!(|input: (&str, &str, i64, &str)| {
    let (user, url, created, other) = input;
    let created = Timestamp::from_millis(created);
    let Ok(signed) = SigningRequest::new(user, url, created).sign(&WIKI) else { return };
    let mut headers = HeaderMap::new();
    signed.apply(&mut headers);

    let credentials = Credentials::parse(&headers).expect("good headers").expect("credentials");
    let proof = credentials.verify(&TRUSTED, url, created).expect("our own signature");
    let signature = proof.signature();
    assert_eq!((signature.user(), signature.created()), (user, created));
    assert!(other == url || credentials.verify(&TRUSTED, other, created).is_err());
});

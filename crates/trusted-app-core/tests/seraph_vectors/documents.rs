//! `certificate_document.json`. Its kind `served-path` is the business of whoever serves.

use trusted_app_core::Scheme;
use trusted_app_core::seraph::CertificateDocument;

use super::{Comparison, Difference, Vectors, differs, text};

const STRICT_IDS: &str = "an application id has a length, no control characters and none that cannot be seen";

const DIFFERENCES: &[Difference] = &[
    differs("pub-doc-132", "ApplicationId(ControlCharacter)", STRICT_IDS),
    differs("read-byte-order-mark", "ApplicationId(Invisible('\\u{feff}'))", STRICT_IDS),
    differs("read-id-long", "ApplicationId(TooLong)", STRICT_IDS),
];

#[test]
fn written() {
    let vectors = Vectors::load("certificate_document.json");
    for vector in vectors.iter().filter(|vector| vector["kind"] == "write") {
        let scheme = match vector["protocol_version_in_use"].as_i64() {
            Some(2) => Scheme::InsecureSeraphV2,
            Some(3) => Scheme::SeraphV3,
            version => panic!("version {version:?}"),
        };
        let id = text(&vector["app_id"]).parse().unwrap();
        let document = CertificateDocument::new(id, vectors.public_key(&vector["key"]));
        assert_eq!(document.to_text(scheme), text(&vector["document"]));
    }
}

#[test]
fn read() {
    let vectors = Vectors::load("certificate_document.json");
    let mut comparison = Comparison::by(DIFFERENCES);
    for vector in vectors.iter().filter(|vector| text(&vector["kind"]).starts_with("read-")) {
        match CertificateDocument::parse(text(&vector["document"])) {
            Ok(document) => {
                let again = CertificateDocument::parse(&document.to_text(Scheme::SeraphV3)).unwrap();
                assert_eq!(again.application_id(), document.application_id());
                assert_eq!(again.public_key(), document.public_key());

                let equal = vector["result"] == "ok"
                    && text(&vector["app_id"]) == document.application_id().as_str()
                    && text(&vector["public_key_spki_b64"]) == document.public_key().to_base64();
                comparison.check(vector, "ok", equal, &format!("{document:?}"));
            }
            Err(error) => {
                let equal = vector["result"] == "exception";
                comparison.check(vector, &format!("{error:?}"), equal, "refused");
            }
        }
    }
    comparison.finish();
}

//! `transport_error.json`.

use trusted_app_core::seraph::{Code, TransportError};

use super::{Vectors, text, texts};

#[test]
fn written() {
    for vector in Vectors::load("transport_error.json").iter().filter(|vector| vector["kind"] != "parse") {
        let code = Code::from_wire(text(&vector["code"]));
        assert_eq!(code.as_str(), text(&vector["code"]));
        let error = TransportError::new(code, text(&vector["message"]), texts(&vector["params"]));
        assert_eq!(error.to_string(), text(&vector["string"]), "{vector}");
        // Where the original throws we give the template as it is.
        let message = vector.get("formatted").unwrap_or(&vector["message"]);
        assert_eq!(error.message(), text(message), "{vector}");

        assert_eq!(vector["parses_back"], true);
        assert_eq!(error.to_string().parse().as_ref(), Ok(&error), "{vector}");
        assert_eq!(
            TransportError::from_header_value(&error.to_header_value()).as_ref(),
            Ok(&error),
            "{vector}"
        );
    }
}

#[test]
fn parsed() {
    for vector in Vectors::load("transport_error.json").iter().filter(|vector| vector["kind"] == "parse") {
        let parsed = text(&vector["string"]).parse::<TransportError>();
        if vector["result"] == "exception" {
            assert!(parsed.is_err(), "{vector}");
            continue;
        }
        let error = parsed.unwrap_or_else(|error| panic!("{error}: {vector}"));
        assert_eq!(error.code().as_str(), text(&vector["code"]), "{vector}");
        assert_eq!(error.params(), texts(&vector["params"]), "{vector}");
        assert_eq!(error.to_string(), text(&vector["string_again"]), "{vector}");
        if let Some(formatted) = vector.get("formatted") {
            assert_eq!(error.message(), text(formatted), "{vector}");
        }
    }
}

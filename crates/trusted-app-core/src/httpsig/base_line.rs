//! The lines of a signature base, for people who look for where two sides differ.

use std::fmt;

use super::base::{Message, SignatureBase};
use super::input::{Component, Input};
use crate::rejection::Rejection;

/// One line of a signature base: a covered component, or the signature's parameters. `Debug` shows no value.
///
/// ```
/// use http::{HeaderMap, Method};
/// use trusted_app_core::Timestamp;
/// use trusted_app_core::crypto::{PrivateSignatureKey, SignatureAlgorithm};
/// use trusted_app_core::httpsig::{Credentials, RequestMessage, SignatureFields, SigningRequest, UserField};
///
/// let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519)?;
/// let (method, url, mut headers) = (Method::GET, "https://tracker.example.com/rest", HeaderMap::new());
/// let request = RequestMessage { method: &method, url, headers: &headers };
/// let now = Timestamp::from_millis(1_767_225_600_000);
/// SigningRequest::new(UserField::new("alice")?, request, now).sign(&key)?.apply(&mut headers);
///
/// let fields = SignatureFields::of(&headers)?;
/// let credentials = Credentials::parse(&fields)?.expect("it was signed");
/// let seen = RequestMessage { method: &method, url: "http://backend:8080/rest", headers: &headers };
/// let lines = credentials.base_lines(&seen);
/// assert_eq!((&*lines[1].component, lines[1].value.as_deref()), (r#""@target-uri""#, Ok("http://backend:8080/rest")));
///
/// // What is covered and is not there has no value.
/// let without = HeaderMap::new();
/// let lines = credentials.base_lines(&RequestMessage { headers: &without, ..seen });
/// assert!(lines[2].component == r#""trusted-app-user""# && lines[2].value.is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaseLine {
    /// The component's identifier, as it stands in the base: with quotation marks and its parameter.
    pub component: String,
    /// The value in this message, or why there is none.
    pub value: Result<String, Rejection>,
    /// Whether the value may be one that nobody should see, such as that of `authorization`.
    pub is_secret: bool,
}

/// The fields whose values a log may have. Of others nobody here knows what they hold.
static LOGGED: [&str; 10] = [
    "content-digest",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "host",
    "trusted-app-user",
    "x-http-method-override",
    "x-original-url",
    "x-rewrite-url",
];

fn is_secret(component: &Component<'_>) -> bool {
    let name = component.name.as_str();
    !name.starts_with('@') && !LOGGED.contains(&name)
}

fn written(write: impl FnOnce(&mut SignatureBase) -> Result<(), Rejection>) -> Result<String, Rejection> {
    let mut base = SignatureBase::empty();
    write(&mut base).map(|()| base.to_string())
}

impl SignatureBase {
    /// The lines of [`of`](Self::of), also where some of them cannot be made.
    pub(super) fn lines(message: &Message<'_>, input: &Input<'_>) -> Vec<BaseLine> {
        let components = input.components.iter().map(|component| {
            let identifier = written(|base| base.write_identifier(component));
            BaseLine {
                value: identifier.clone().and_then(|_| written(|base| base.write_value(message, component))),
                component: identifier.unwrap_or_else(|_| component.name.as_str().escape_debug().to_string()),
                is_secret: is_secret(component),
            }
        });
        let parameters = BaseLine {
            component: "\"@signature-params\"".to_owned(),
            value: written(|base| base.write_parameters(input)),
            is_secret: false,
        };
        components.chain([parameters]).collect()
    }

    /// The text for a log: without the values that nobody should see.
    pub(super) fn for_log(&self, input: &Input<'_>) -> String {
        let text = self.to_string();
        let components = input.components.iter().map(Some).chain([None]);
        let lines = text.split('\n').zip(components).map(|(line, component)| match component {
            Some(component) if is_secret(component) => {
                let identifier = written(|base| base.write_identifier(component));
                format!("{}: {}", identifier.unwrap_or_default(), BaseLine::NOT_LOGGED)
            }
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl BaseLine {
    /// What a log has in place of a value that nobody should see.
    pub const NOT_LOGGED: &str = "(not logged)";
}

impl fmt::Debug for BaseLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaseLine").field("component", &self.component).finish_non_exhaustive()
    }
}

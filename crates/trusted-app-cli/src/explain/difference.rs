//! Where two sides differ first, and what may be the cause.

use anyhow::ensure;
use serde::Serialize;

use super::text::{self, SignedText, Value};
use crate::output;
use crate::url::split_at_target;

#[derive(Serialize)]
pub(super) struct Difference {
    component: String,
    client: Value,
    server: Value,
    hint: &'static str,
}

impl Difference {
    pub(super) fn first(client: &SignedText, server: &SignedText) -> anyhow::Result<Option<Self>> {
        ensure!(
            client.scheme == server.scheme,
            "the two requests are signed by different schemes: {} and {}",
            client.scheme,
            server.scheme
        );
        let components = client.lines.iter().chain(&server.lines).map(|line| line.component.as_str());
        let difference =
            components.into_iter().find_map(|component| Self::in_line(component, client, server));
        Ok(difference
            .or_else(|| Self::in_signature(client, server))
            .or_else(|| Self::in_body(client, server)))
    }

    /// From a request in which the server finds no signature.
    pub(super) fn no_signature() -> Self {
        Self {
            component: "signature".to_owned(),
            client: Value::Said("(not shown)"),
            server: Value::None("the server got no signature".to_owned()),
            hint: "something on the way removed the fields of the signature",
        }
    }

    fn in_line(component: &str, client: &SignedText, server: &SignedText) -> Option<Self> {
        let value = |text: &SignedText| match text.get(component) {
            Some(line) => Some(line.value.clone()),
            None if text.is_whole => Some(Value::None("it is not covered".to_owned())),
            None => None,
        };
        let as_written = server.url_as_written.as_ref().filter(|_| component == "URL");
        let (client, server) = (value(client)?, value(server)?);
        let is_same = match (&client, &server) {
            (Value::NotLogged, _) | (_, Value::NotLogged) | (Value::None(_), Value::None(_)) => true,
            (Value::Is(client), _) if as_written == Some(client) => true,
            (client, server) => client == server,
        };
        let hint = hint(component, &client, &server);
        (!is_same).then(|| Self { component: component.to_owned(), client, server, hint })
    }

    /// That of a log is not known.
    fn in_signature(client: &SignedText, server: &SignedText) -> Option<Self> {
        let is_same = client.signature.as_ref()? == server.signature.as_ref()?;
        let not_shown = || Value::Said("(not shown)");
        (!is_same).then(|| Self {
            component: "signature".to_owned(),
            client: not_shown(),
            server: not_shown(),
            hint: "the same text has two signatures: something on the way changed the signature, or these are two requests",
        })
    }

    /// The lines have its digest, and not the body itself.
    fn in_body(client: &SignedText, server: &SignedText) -> Option<Self> {
        let value = |text: &SignedText| match text.body {
            Some(matches) => Value::Said(text::body_in_words(matches)),
            None => Value::None("it is not there".to_owned()),
        };
        let hint = match (client.body, server.body) {
            (Some(false), _) => "the client signed the digest of another body than it sent",
            (_, Some(false)) => {
                "something on the way changed the body, often by compressing it: the digest is of what is transferred"
            }
            _ => return None,
        };
        Some(Self { component: "body".to_owned(), client: value(client), server: value(server), hint })
    }

    pub(super) fn print(&self) -> anyhow::Result<()> {
        let mut rows = vec![
            ("first difference", vec![self.component.clone()]),
            ("client", vec![self.client.to_string()]),
            ("server", vec![self.server.to_string()]),
        ];
        if let (Value::Is(client), Value::Is(server)) = (&self.client, &self.server) {
            let same = client.chars().zip(server.chars()).take_while(|(one, other)| one == other).count();
            rows.push(("from character", vec![(same + 1).to_string()]));
        }
        rows.push(("hint", vec![self.hint.to_owned()]));
        output::sections(&rows)
    }
}

fn hint(component: &str, client: &Value, server: &Value) -> &'static str {
    match (component.split('"').nth(1).unwrap_or(component), client, server) {
        ("@target-uri" | "URL", Value::Is(client), Value::Is(server)) => hint_of_url(client, server),
        ("@authority" | "@scheme", ..) => AUTHORITY,
        ("@path" | "@query" | "@request-target" | "@query-param", ..) => PATH,
        ("@method", ..) => "something on the way changed the method",
        ("@signature-params" | "timestamp" | "user", ..) => {
            "these are two requests, each signed on its own, or something on the way changed what was signed"
        }
        (_, Value::None(_), _) => "something on the way added the field, or the client signed before it did",
        (_, _, Value::None(_)) => "something on the way removed the field",
        _ => "something on the way changed the field, or the client did after it signed",
    }
}

const AUTHORITY: &str =
    "a proxy changed the Host, or the server's public URL is not the one that its clients use";
const PATH: &str =
    "a proxy rewrote path or query or an escape in it, or the server's context path is set wrongly";

fn hint_of_url(client: &str, server: &str) -> &'static str {
    let origin =
        |url| split_at_target(url).map(|(origin, _)| origin.split_once("://").unwrap_or((origin, "")));
    match (origin(client), origin(server)) {
        (Some(client), Some(server)) if client == server => PATH,
        (Some((_, client)), Some((_, server))) if client == server => {
            "http against https: a capture does not say by which it came, but --scheme and --public-url do; if they are \
             right, the server's public URL is not"
        }
        _ => AUTHORITY,
    }
}

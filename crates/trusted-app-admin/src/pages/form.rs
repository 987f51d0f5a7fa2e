//! The form of an application, and its parts.

use maud::{Markup, html};

use crate::service::{AdminError, ApplicationForm, Field, Problem};

/// What is wrong with a form that is shown again.
#[derive(Default)]
pub(super) struct Problems(Vec<(Option<Field>, String)>);

impl Problems {
    pub(super) fn of(error: &AdminError) -> Self {
        match error {
            AdminError::Invalid(problems) => Self(
                problems.iter().map(|problem: &Problem| (problem.field(), problem.to_string())).collect(),
            ),
            error => Self(vec![(None, error.to_string())]),
        }
    }

    pub(super) fn of_field(&self, field: Field) -> Vec<&str> {
        self.0.iter().filter(|(one, _)| *one == Some(field)).map(|(_, text)| text.as_str()).collect()
    }

    /// What is wrong with the whole page, or what has not come about because of what is wrong with fields.
    pub(super) fn of_page(&self, failed: &str) -> Markup {
        let all: Vec<_> = self.0.iter().filter(|(field, _)| field.is_none()).collect();
        html! {
            @if !all.is_empty() {
                div.alert role="alert" { @for (_, text) in all { p { (text) } } }
            } @else if !self.0.is_empty() {
                div.alert role="alert" { p { (failed) " See what is wrong below." } }
            }
        }
    }
}

/// A field of one line, or with `rows` of several.
pub(super) fn field(
    field: Field,
    label: &str,
    help: &Markup,
    value: &str,
    rows: Option<u8>,
    problems: &Problems,
) -> Markup {
    let (name, errors) = (field.as_str(), problems.of_field(field));
    let (help_id, error_id) = (format!("{name}-help"), format!("{name}-error"));
    let described = if errors.is_empty() { help_id.clone() } else { format!("{error_id} {help_id}") };
    let invalid = (!errors.is_empty()).then_some("true");
    html! {
        div.field {
            label for=(name) { (label) }
            @if !errors.is_empty() {
                div.error id=(error_id) { @for error in &errors { p { (error) } } }
            }
            @match rows {
                // The first line end of a text area does not count.
                Some(rows) => textarea id=(name) name=(name) rows=(rows) cols="40" required aria-describedby=(described)
                    aria-invalid=[invalid] { "\n" (value) },
                None => input type="text" id=(name) name=(name) value=(value) required aria-describedby=(described)
                    aria-invalid=[invalid];
            }
            div.help id=(help_id) { (help) }
        }
    }
}

/// What was typed.
pub(super) fn typed(fields: &crate::site::Fields) -> ApplicationForm {
    let get = |field: Field| fields.get(field.as_str()).to_owned();
    ApplicationForm {
        name: get(Field::Name),
        timeout: get(Field::Timeout),
        addresses: get(Field::Addresses),
        paths: get(Field::Paths),
    }
}

/// The fields of an application. The id is shown and not sent.
pub(super) fn application_fields(id: &str, form: &ApplicationForm, problems: &Problems) -> Markup {
    html! {
        (field(Field::Name, "Application Name",
            &html! { "What people call it, such as Confluence." }, &form.name, None, problems))
        div.field {
            label for="application-id" { "Application ID" }
            output #application-id aria-describedby="application-id-help" { code { (id) } }
            div.help #application-id-help { "Comes from the application and cannot be changed." }
        }
        (field(Field::Timeout, "Timeout",
            &html! { "How old a request may be when it arrives: a whole number of milliseconds, at least 1." }, &form.timeout, None, problems))
        (field(Field::Addresses, "IP Address Matches", &html! {
            "The addresses from which its requests come, one a line or with commas between them. An asterisk stands for \
             one number: " code { "192.111.*.*" } ". Networks such as " code { "10.0.0.0/8" } " and IPv6 are understood. "
            code { "local" } " stands for processes of this machine without an address, and " code { "any" } " alone for every \
             address. If its requests pass a proxy that names the client in a header, list the proxy and all clients. Each node of a \
             cluster needs an entry."
        }, &form.addresses, Some(5), problems))
        (field(Field::Paths, "URL Paths to Allow", &html! {
            "What it may ask for, one a line: with what a path must begin, below the context path. " code { "subtree:/rest" }
            " stops at whole segments. " code { "rpc:package.Service/*" } " is a service of gRPC, and " code { "any" } " alone is \
             every path."
        }, &form.paths, Some(5), problems))
    }
}

/// What an administrator must know before trusting an application.
pub(super) fn warning(administrators: bool) -> Markup {
    html! {
        div.warning {
            p { strong { "Security warning. " }
                "A trusted application can use the URLs below as any user" @if !administrators { " but administrators" }
                ", without that user logging in: it passes by all built-in security measures. Do not trust one unless you know that \
                 all its code behaves well, and that it keeps its private key to itself."
            }
        }
    }
}

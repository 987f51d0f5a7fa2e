//! The form of an application, and its parts.

use std::num::{IntErrorKind, ParseIntError};

use maud::{Markup, html};

use crate::service::{AdminError, ApplicationEdit, FieldError, field};
use crate::web::Fields;

/// What is wrong with a form that is shown again.
pub(super) struct FieldErrors(Vec<(Option<&'static str>, String)>);

impl FieldErrors {
    pub(super) fn of(error: Option<&AdminError>) -> Self {
        Self(match error {
            Some(AdminError::Invalid(errors)) => {
                errors.iter().map(|error| (error.field(), error.to_string())).collect()
            }
            error => error.map(|error| (None, error.to_string())).into_iter().collect(),
        })
    }

    pub(super) fn of_field(&self, field: &str) -> Vec<&str> {
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
    name: &str,
    label: &str,
    help: &Markup,
    value: &str,
    rows: Option<u8>,
    errors: &FieldErrors,
) -> Markup {
    let errors = errors.of_field(name);
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

/// The word that stands for every address or every path.
const ANY: &str = "any";

/// The fields of an application as they are typed, the time-out in milliseconds. Patterns that cover no path, which a
/// file can have, are left out: the form takes none.
pub(super) fn written(edit: &ApplicationEdit) -> Fields {
    Fields::from([
        (field::NAME, edit.name.clone()),
        (field::TIMEOUT, edit.timeout.as_millis().to_string()),
        (field::ADDRESSES, lines(edit.addresses.patterns(), |_| true)),
        (field::PATHS, lines(edit.paths.patterns(), |pattern| !pattern.never_matches())),
    ])
}

fn lines<T: ToString>(patterns: Option<&[T]>, is_written: impl Fn(&T) -> bool) -> String {
    let Some(patterns) = patterns else { return ANY.to_owned() };
    patterns.iter().filter(|one| is_written(one)).map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

pub(super) fn read(typed: &Fields) -> Result<ApplicationEdit, Vec<FieldError>> {
    let timeout = typed.get(field::TIMEOUT).trim().parse();
    let timeout = timeout.map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => FieldError::TimeoutTooLarge,
        _ => FieldError::Timeout,
    });
    let (addresses, paths) = (typed.get(field::ADDRESSES), typed.get(field::PATHS));
    let items = || entries(addresses, &[',', '\n', '\r']);
    // A line stays whole, so that an error can quote it, unless the word must be seen beside others.
    let addresses = if items().any(|item| item == ANY) {
        items().collect()
    } else {
        entries(addresses, &['\n', '\r']).collect()
    };
    let paths = entries(paths, &['\n', '\r']).collect();
    ApplicationEdit::read(typed.get(field::NAME), timeout, &addresses, &paths)
}

fn entries<'t>(text: &'t str, ends: &'t [char]) -> impl Iterator<Item = &'t str> {
    text.split(ends).map(str::trim).filter(|entry| !entry.is_empty())
}

/// The fields of an application as they are typed. The id is shown and not sent.
pub(super) fn application_fields(id: &str, typed: &Fields, errors: &FieldErrors) -> Markup {
    html! {
        (field(field::NAME, "Application Name",
            &html! { "What people call it, such as Confluence." }, typed.get(field::NAME), None, errors))
        div.field {
            label for="application-id" { "Application ID" }
            output #application-id aria-describedby="application-id-help" { code { (id) } }
            div.help #application-id-help { "Comes from the application and cannot be changed." }
        }
        (field(field::TIMEOUT, "Timeout",
            &html! { "How old a request may be when it arrives: a whole number of milliseconds, at least 1." }, typed.get(field::TIMEOUT), None, errors))
        (field(field::ADDRESSES, "IP Address Matches", &html! {
            "The addresses from which its requests come, one a line or with commas between them. An asterisk stands for \
             one number: " code { "192.111.*.*" } ". Networks such as " code { "10.0.0.0/8" } " and IPv6 are understood. "
            code { "local" } " stands for processes of this machine without an address, and " code { "any" } " alone for every \
             address. If its requests pass a proxy that names the client in a header, list the proxy and all clients. Each node of a \
             cluster needs an entry."
        }, typed.get(field::ADDRESSES), Some(5), errors))
        (field(field::PATHS, "URL Paths to Allow", &html! {
            "What it may ask for, one a line: with what a path must begin, below the context path. " code { "subtree:/rest" }
            " stops at whole segments. " code { "rpc:package.Service/*" } " is a service of gRPC, and " code { "any" } " alone is \
             every path."
        }, typed.get(field::PATHS), Some(5), errors))
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

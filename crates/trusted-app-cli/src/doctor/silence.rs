//! An answer that says nothing of the credentials: whose it is, and why the request did not reach what checks them.

use http::header::{
    ALLOW, CONTENT_TYPE, LOCATION, PROXY_AUTHENTICATE, RETRY_AFTER, SERVER, UPGRADE, WWW_AUTHENTICATE,
};
use http::{HeaderName, StatusCode};

use super::cause::{Cause, THEIR_LOG};
use super::exchange::{Asked, Received};
use crate::signer::Signer;

/// What it means, by what the answer shows.
pub(super) fn cause(asked: &Asked<'_>, answer: &Received) -> Cause {
    let status = answer.status;
    let from = answer.text(SERVER).map_or_else(String::new, |server| format!(", from {server}"));
    let url = asked.url.to_string();
    match status {
        _ if status.is_redirection() => redirected(asked, answer),
        _ if answer.is_log_in_page() => of_log_in(asked, "its log-in page"),
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if has_escaped_slash(&url) => Cause::new(
            format!("the server or a proxy refuses an escaped slash in the path ({status}{from})"),
            "let it pass `%2F` and `%5C` on as they are: Apache by `AllowEncodedSlashes NoDecode`, Tomcat by \
             `encodedSolidusHandling=\"passthrough\"`; or ask for a path without them. If other paths answer so too, \
             nothing is served there",
        ),
        StatusCode::BAD_REQUEST if answer.is_of_tls_port() => {
            Cause::new("that port speaks TLS, and was asked without it", "ask by https")
        }
        StatusCode::BAD_REQUEST if answer.has("Header Or Cookie Too Large") => {
            too_long_headers(status, &from)
        }
        StatusCode::UNAUTHORIZED => unauthorized(asked, answer),
        StatusCode::FORBIDDEN => Cause::new(
            format!(
                "a proxy, a firewall or the application refuses the request by rules of its own ({status}{from})"
            ),
            format!(
                "look into its log, and have it let requests with {} through to what checks them",
                credentials(asked)
            ),
        ),
        StatusCode::NOT_FOUND => Cause::new(
            not_looked_at(asked),
            "nothing is served there: is the URL right, with its context path?",
        ),
        StatusCode::METHOD_NOT_ALLOWED => Cause::new(
            format!("the method GET is not served there ({status}{from})"),
            answer.text(ALLOW).map_or_else(
                || "ask for a URL that answers to GET: this command sends no other".to_owned(),
                |methods| format!("ask for a URL that answers to GET, and not to {methods} alone"),
            ),
        ),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Cause::new(
            format!(
                "a proxy on the way asks for a log-in of its own ({status}{})",
                challenge(answer, PROXY_AUTHENTICATE)
            ),
            "this command knows no proxy: have its operator let requests from this machine to that host through",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => Cause::new(
            format!("the request is too large for the server or a proxy ({status}{from}), and has no body"),
            "look for a proxy that adds one, or takes the headers for it; raise its limit",
        ),
        StatusCode::URI_TOO_LONG => Cause::new(
            format!("the URL is too long for the server or a proxy ({status}{from})"),
            "ask for a shorter one, or raise the limit: nginx `large_client_header_buffers`, Apache `LimitRequestLine`",
        ),
        StatusCode::MISDIRECTED_REQUEST => Cause::new(
            format!("the server does not serve the host {} there ({status}{from})", asked.url.origin()),
            "is the host's name right? A proxy in front needs it among the names it serves",
        ),
        StatusCode::UPGRADE_REQUIRED => Cause::new(
            format!(
                "the server wants another protocol ({status}{from}): {}",
                answer.text(UPGRADE).unwrap_or("it does not say which")
            ),
            "ask for a URL that is served by HTTP/1.1",
        ),
        StatusCode::TOO_MANY_REQUESTS => Cause::new(
            format!("too many requests: a limit of a proxy or of the application ({status}{from})"),
            format!("{}; requests of others from the same address may count too", again(answer)),
        ),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => too_long_headers(status, &from),
        StatusCode::BAD_GATEWAY => {
            out_of_service("a proxy got no usable answer from the application behind it", answer, &from)
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            out_of_service("the server, or the application behind a proxy, is out of service", answer, &from)
        }
        StatusCode::GATEWAY_TIMEOUT => {
            out_of_service("a proxy waited in vain for the application behind it", answer, &from)
        }
        _ if status.is_server_error() => Cause::new(
            format!("the server failed before it looked at the credentials ({status}{from})"),
            format!("nothing is known to be wrong with the request; {THEIR_LOG}"),
        ),
        _ if answer.is_html() => Cause::new(
            not_looked_at(asked),
            "it is an HTML page: is the URL one where the other side expects trusted requests? If it is, a log-in or a \
             proxy stands before what checks them",
        ),
        _ => Cause::new(
            not_looked_at(asked),
            "is the URL one where the other side expects trusted requests? If it is, a proxy takes the headers away",
        ),
    }
}

fn not_looked_at(asked: &Asked<'_>) -> String {
    let lacks = match asked.signer {
        Signer::Seraph(_) => "no X-Seraph-Trusted-App header",
        Signer::HttpSignature(_) => "no Trusted-App-Error, and no Vary with trusted-app-user",
    };
    format!("the other side did not look at the credentials: its answer has {lacks}")
}

/// The headers that a proxy must let through.
fn credentials(asked: &Asked<'_>) -> &'static str {
    match asked.signer {
        Signer::Seraph(_) => "X-Seraph-Trusted-App headers",
        Signer::HttpSignature(_) => "Signature-Input, Signature and Trusted-App-User",
    }
}

fn of_log_in(asked: &Asked<'_>, answered: &str) -> Cause {
    Cause::new(
        format!(
            "the other side sends to a log-in before it looks at the credentials: it answers with {answered}"
        ),
        format!(
            "have what asks for the log-in (a filter, a proxy with single sign-on) let requests with {} through to what \
             checks them",
            credentials(asked)
        ),
    )
}

fn redirected(asked: &Asked<'_>, answer: &Received) -> Cause {
    let Some(location) = answer.text(LOCATION) else {
        return Cause::new(
            not_looked_at(asked),
            "it redirects and does not say where to: its log has the reason",
        );
    };
    let asked_for = asked.url.to_string();
    if let (Some(plain), Some(secure)) =
        (asked_for.strip_prefix("http://"), location.strip_prefix("https://"))
        && plain.split(['/', ':']).next() == secure.split(['/', ':']).next()
    {
        return Cause::new(
            format!("the other side wants https: it redirects to {location}"),
            "ask by https: the signature is for the whole URL, so no redirect can be followed with it",
        );
    }
    if is_log_in(location) {
        return of_log_in(asked, &format!("a redirect to {location}"));
    }
    Cause::new(
        not_looked_at(asked),
        format!("it redirects to {location}: if that is the right place, ask there"),
    )
}

/// Whether a URL has a word of those by which log-ins are named.
fn is_log_in(location: &str) -> bool {
    const WORDS: [&str; 14] = [
        "login",
        "log-in",
        "log_in",
        "signin",
        "sign-in",
        "sign_in",
        "logon",
        "sso",
        "saml",
        "oauth",
        "oauth2",
        "openid-connect",
        "cas",
        "authorize",
    ];
    let path = location.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    path.split(['/', '.', ';']).any(|part| WORDS.contains(&part))
}

fn unauthorized(asked: &Asked<'_>, answer: &Received) -> Cause {
    let wanted = challenge(answer, WWW_AUTHENTICATE);
    if wanted.contains("X-Seraph-Trusted-App") || wanted.contains("TrustedApp") {
        return Cause::new(
            format!(
                "the other side refused, and a proxy took away the header that says why ({}{wanted})",
                answer.status
            ),
            THEIR_LOG,
        );
    }
    if wanted.is_empty() {
        return Cause::new(
            not_looked_at(asked),
            "it wants credentials of another kind, and does not say which: have it accept trusted requests at this URL; \
             if it does, a proxy takes the headers away",
        );
    }
    Cause::new(
        format!(
            "something before the application asks for credentials of its own ({}{wanted})",
            answer.status
        ),
        format!(
            "have it let requests with {} through to the application, or serve trusted requests under a path of their own",
            credentials(asked)
        ),
    )
}

/// The schemes of a challenge, such as `: Basic`.
fn challenge(answer: &Received, field: HeaderName) -> String {
    let values = answer.headers.get_all(&field).iter().filter_map(|value| value.to_str().ok());
    let schemes: Vec<_> = values.filter_map(|value| value.split([' ', ',']).next()).collect();
    if schemes.is_empty() { String::new() } else { format!(", {}: {}", spelled(&field), schemes.join(", ")) }
}

fn spelled(field: &HeaderName) -> &'static str {
    if *field == PROXY_AUTHENTICATE { "Proxy-Authenticate" } else { "WWW-Authenticate" }
}

fn too_long_headers(status: StatusCode, from: &str) -> Cause {
    Cause::new(
        format!("the headers are too long for the server or a proxy ({status}{from})"),
        "raise its limit (nginx `large_client_header_buffers`, Apache `LimitRequestFieldSize`, Tomcat \
         `maxHttpHeaderSize`): certificate and signature need up to 8 KB",
    )
}

fn out_of_service(what: &str, answer: &Received, from: &str) -> Cause {
    Cause::new(
        format!("{what} ({}{from})", answer.status),
        format!(
            "nothing is known to be wrong with the request: {}; if it lasts, have the other side's administrator look \
             whether the application runs",
            again(answer)
        ),
    )
}

/// When to ask again, by `Retry-After` (RFC 9110, section 10.2.3).
fn again(answer: &Received) -> String {
    match answer.text(RETRY_AFTER) {
        Some(seconds) if seconds.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("ask again in {seconds} s")
        }
        Some(date) => format!("ask again after {date}"),
        None => "ask again later".to_owned(),
    }
}

fn has_escaped_slash(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    path.contains("%2f") || path.contains("%5c")
}

impl Received {
    fn has(&self, words: &str) -> bool {
        self.body.contains(words)
    }

    fn is_html(&self) -> bool {
        self.text(CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
    }

    /// A page with a field for a password.
    fn is_log_in_page(&self) -> bool {
        let page = self.body.to_ascii_lowercase();
        self.is_html()
            && ["type=\"password\"", "type='password'", "type=password"]
                .iter()
                .any(|field| page.contains(field))
    }

    /// In the words of nginx, Apache and Go.
    fn is_of_tls_port(&self) -> bool {
        ["to HTTPS port", "plain HTTP to an SSL-enabled", "HTTP request to an HTTPS server"]
            .iter()
            .any(|words| self.has(words))
    }
}

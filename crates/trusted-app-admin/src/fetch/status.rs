//! What the status of an answer says that is no success.

use std::time::Duration;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

/// An answer that is neither a success nor a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedAnswer {
    /// Its status.
    pub status: StatusCode,
    /// The scheme of its log-in, such as `Basic` (`WWW-Authenticate`).
    pub scheme: Option<String>,
    /// After what time it may be asked again (`Retry-After`, in seconds).
    pub retry_after: Option<Duration>,
}

impl FailedAnswer {
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).map(HeaderValue::to_str).and_then(Result::ok);
        let scheme = text(WWW_AUTHENTICATE).and_then(|challenge| challenge.split([' ', ',']).next());
        let scheme = scheme.filter(|scheme| (1..=32).contains(&scheme.len())).map(str::to_owned);
        let seconds = text(RETRY_AFTER).and_then(|seconds| seconds.parse::<u32>().ok());
        let retry_after = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        Self { status, scheme, retry_after }
    }

    /// What it means and what to do, unless it only means that nothing is served there.
    pub(super) fn advice(&self) -> Option<String> {
        let again = || match self.retry_after {
            Some(time) => format!("try again in {} seconds", time.as_secs()),
            None => "try again later".to_owned(),
        };
        Some(match self.status {
            StatusCode::UNAUTHORIZED => {
                let scheme = self.scheme.as_ref().map(|scheme| format!(" ({scheme})")).unwrap_or_default();
                format!("it asks for a log-in{scheme}: exempt this URL from the log-in, for what it serves is public")
            }
            StatusCode::FORBIDDEN => "it does not let this server in: look for a rule of the application, or of a proxy or \
                                      firewall before it, and exempt this URL"
                .to_owned(),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => "a proxy on the way asks for a log-in of its own, and this server has \
                                                          none: let it reach the application without that proxy"
                .to_owned(),
            StatusCode::TOO_MANY_REQUESTS => format!("it was asked too often: {}", again()),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                format!("the application is not available at present: {}", again())
            }
            status if status.is_server_error() => "the application failed: its own log says why".to_owned(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn each_status_says_what_to_do() {
        for (status, name, value, expected) in [
            (
                401,
                "www-authenticate",
                "Basic realm=\"wiki\"",
                "it asks for a log-in (Basic): exempt this URL",
            ),
            (401, "www-authenticate", "Negotiate", "it asks for a log-in (Negotiate): "),
            (401, "x", "", "it asks for a log-in: exempt this URL"),
            (403, "x", "", "it does not let this server in: "),
            (407, "proxy-authenticate", "Basic", "a proxy on the way asks for a log-in"),
            (429, "retry-after", "120", "it was asked too often: try again in 120 seconds"),
            (429, "retry-after", "Tue, 01 Dec 2026 12:00:00 GMT", "it was asked too often: try again later"),
            (502, "x", "", "the application is not available at present: try again later"),
            (503, "retry-after", "5", "not available at present: try again in 5 seconds"),
            (504, "x", "", "not available at present: try again later"),
            (500, "x", "", "the application failed"),
            (404, "x", "", ""),
            (418, "x", "", ""),
        ] {
            let headers =
                [(http::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect();
            let advice = FailedAnswer::of(StatusCode::from_u16(status).unwrap(), &headers).advice();
            let advice = advice.unwrap_or_default();
            assert!(
                advice.contains(expected) && advice.is_empty() == expected.is_empty(),
                "{status}: {advice}"
            );
        }
    }
}

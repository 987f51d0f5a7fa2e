//! The forms of a paste that cannot be read.

use tower_trusted_app::text::TextError;

/// The form of a paste that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PasteError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(
        "this is a command, and not the request that it sends: run `curl -v` and paste all that it shows"
    )]
    Command,
    #[error("this is an answer, and not a request: paste what was sent")]
    Answer,
    #[error("this is JSON, as of a HAR file: paste the request as text, its request line and its headers")]
    Json,
    #[error("this is a URL alone: paste the request with its headers")]
    Url,
    #[error("these are curl's remarks: paste its lines that begin with `>` as well")]
    CurlRemarks,
    #[error("this is what `curl --trace` shows: paste what `curl -v` shows")]
    CurlTrace,
    #[error("this is a file of network packets: save what Wireshark shows by `Follow HTTP Stream`")]
    Packets,
    #[error("these are bytes of TLS, which are encrypted: capture the request where it is plain")]
    Tls,
    #[error(
        "these are the bytes of an HTTP/2 connection, whose headers are compressed: paste the headers as a tool shows \
         them, `:method: GET` and so on"
    )]
    Http2Connection,
    #[error("this is a line of an access log, which has no headers: capture the request itself")]
    AccessLog,
    #[error(
        "these are headers without a request line: write one before them, such as `GET /rest/issues HTTP/1.1`"
    )]
    HeadersOnly,
    #[error("the request begins in line {0}: take away what stands before it")]
    Before(usize),
    #[error(
        "line {0} does not begin as the request line does, in front of which something stands, such as a log's time: \
         take that away from each line"
    )]
    Mixed(usize),
    #[error("this is more than one request: paste one")]
    Several,
    #[error("a request of HTTP/2 has `:method` and `:path`, each once")]
    PseudoHeaders,
}

impl PasteError {
    /// The same of a text that has as many lines before this one.
    pub(super) fn below(self, lines: usize) -> Self {
        match self {
            Self::Before(number) => Self::Before(number + lines),
            Self::Mixed(number) => Self::Mixed(number + lines),
            error => error,
        }
    }
}

//! Where applications publish their keys.

/// Where a key directory is, on the host of its application.
pub const DIRECTORY_PATH: &str = "/.well-known/http-message-signatures-directory";

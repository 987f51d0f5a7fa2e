//! The names of fields, the same in JSON and in forms.

/// The base URL of an application whose details are asked for.
pub(crate) const BASE_URL: &str = "base_url";
/// The name.
pub(crate) const NAME: &str = "name";
/// The time-out.
pub(crate) const TIMEOUT: &str = "timeout_ms";
/// The address patterns.
pub(crate) const ADDRESSES: &str = "addresses";
/// The path patterns.
pub(crate) const PATHS: &str = "paths";
/// Whether the change was confirmed.
pub(crate) const CONFIRMED: &str = "confirmed";
/// The TOML of an import.
pub(super) const TOML: &str = "toml";

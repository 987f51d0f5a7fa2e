//! The names of fields, the same in JSON and in forms.

pub(crate) const BASE_URL: &str = "base_url";
pub(crate) const NAME: &str = "name";
pub(crate) const TIMEOUT: &str = "timeout_ms";
pub(crate) const ADDRESSES: &str = "addresses";
pub(crate) const PATHS: &str = "paths";
pub(crate) const CONFIRMED: &str = "confirmed";
pub(super) const TOML: &str = "toml";

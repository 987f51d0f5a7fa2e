//! Fetching another application's certificate document or key directory.

mod authorities;
mod base_url;
mod body;
mod bounds;
mod directory;
mod document;
mod error;
mod fetcher;
mod policy;
mod request;
mod resolve;
mod status;

pub use authorities::AuthoritiesError;
pub use bounds::{DIRECTORY_TIMEOUT, DOCUMENT_TIMEOUT, MAX_FETCHES, TIMEOUT};
pub use error::{FetchError, FetchErrorKind};
pub use fetcher::{Fetched, Fetcher};
pub use policy::AddressPolicy;
pub use resolve::Resolve;
pub use status::FailedAnswer;

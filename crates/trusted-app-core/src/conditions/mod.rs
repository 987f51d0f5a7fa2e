//! What a request must fulfil beside its signature: source address, path, method, age, replay.

mod address;
mod ambiguity;
mod method;
mod path;
mod replay;
pub(crate) mod window;

pub use address::{
    AddressPattern, AddressPatternError, AddressRule, Peer, SourceAddress, parse_forwarded_address,
};
pub use method::MethodRule;
pub use path::{PathPattern, PathPatternError, PathPatternKind, PathRule};
pub use replay::{ReplayProtection, ReplayProtectionError};
pub use window::{ALLOWED_SKEW, STAMPED_AHEAD};

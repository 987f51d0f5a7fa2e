//! What a request must fulfil beside its signature: source address, path, method, age, replay.

mod address;
mod ambiguity;
pub(crate) mod method;
mod path;
mod replay;
pub(crate) mod window;

pub use address::{
    AddressMismatch, AddressPattern, AddressPatternError, AddressProblem, AddressRule, Peer, SourceAddress,
    parse_forwarded_address,
};
pub use method::{MethodError, MethodRule, parse_method};
pub use path::{PathMismatch, PathPattern, PathPatternError, PathPatternKind, PathRule};
pub use replay::{ReplayProtection, ReplayProtectionError};
pub use window::{ALLOWED_SKEW, STAMPED_AHEAD};

//! Source addresses: one parser and one matcher for every place that has patterns.

mod covers;
mod form;
mod pattern;
mod problem;
mod rule;
mod set;
mod source;

pub use pattern::{AddressPattern, AddressPatternError};
pub use problem::AddressProblem;
pub use rule::{AddressMismatch, AddressRule};
pub use source::{Peer, SourceAddress, parse_forwarded_address};

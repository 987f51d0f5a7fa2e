//! What pages and API have in common.

mod fields;
mod gate;
mod guard;
mod origin;
mod status;
mod surface;
mod token;

pub use guard::{Denied, Guard, Nobody};
pub use origin::PublicOriginError;

#[cfg(feature = "pages")]
pub(crate) use fields::Fields;
pub(crate) use gate::{Gate, pass};
pub(crate) use guard::Admitted;
pub(crate) use origin::PublicOrigins;
pub(crate) use status::status;
pub(crate) use surface::Surface;
#[cfg(feature = "pages")]
pub(crate) use token::TOKEN;
pub(crate) use token::TokenKey;

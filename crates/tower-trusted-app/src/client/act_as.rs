//! Which user a request is made for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::error::Error;
use super::origin::Origin;

/// The user a request is made for: an extension of the request, read by
/// [`SignLayer`](super::SignLayer).
///
/// Make a new one for each request. It belongs to the first origin it is signed for, and so do all
/// its clones: when a middleware that follows redirects carries it to another origin, it is rejected
/// there with [`Error::ForeignOrigin`].
#[derive(Clone)]
pub struct ActAs {
    user: Arc<str>,
    origin: Arc<OnceLock<Origin>>,
}

impl ActAs {
    /// Acts as `user`, by the name under which the receiving application knows the user.
    #[must_use]
    pub fn new(user: impl Into<Arc<str>>) -> Self {
        Self { user: user.into(), origin: Arc::default() }
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn shared_user(&self) -> Arc<str> {
        Arc::clone(&self.user)
    }

    /// Binds this and all its clones to `origin`, unless another one came first.
    pub(super) fn bind(&self, origin: &Origin) -> Result<(), Error> {
        let first = self.origin.get_or_init(|| origin.clone());
        if first == origin {
            Ok(())
        } else {
            Err(Error::ForeignOrigin { requested: origin.clone(), allowed: vec![first.clone()] })
        }
    }
}

impl fmt::Debug for ActAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActAs").field("user", &self.user).field("origin", &self.origin.get()).finish()
    }
}

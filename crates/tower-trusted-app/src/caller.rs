//! What a handler receives: which application calls, as which user.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use trusted_app_core::crypto::Fingerprint;
use trusted_app_core::{Admitted, ApplicationId, KnownUser, Scheme, Timestamp, TrustedApplication};

/// The application that sent a request and the user it acts as, both verified.
///
/// It stands in the request's extensions if, and only if, the signature held, every condition was
/// fulfilled and the directory knows the user. It belongs to this one request: no session is made.
pub struct Caller<U> {
    inner: Arc<Inner<U>>,
}

struct Inner<U> {
    application: Arc<TrustedApplication>,
    user: KnownUser<U>,
    proof: Proof,
}

enum Proof {
    Admitted(Admitted),
    Assumed,
}

impl<U> Caller<U> {
    pub(crate) fn new(application: Arc<TrustedApplication>, user: KnownUser<U>, admitted: Admitted) -> Self {
        Self { inner: Arc::new(Inner { application, user, proof: Proof::Admitted(admitted) }) }
    }

    /// A caller that nobody verified, to test a handler without any cryptography.
    #[must_use]
    pub fn insecure_for_tests(application: TrustedApplication, user_name: &str, user: U) -> Self {
        let user = KnownUser::new(user_name, user);
        Self { inner: Arc::new(Inner { application: Arc::new(application), user, proof: Proof::Assumed }) }
    }

    /// The application that sent the request.
    #[must_use]
    pub fn application(&self) -> &TrustedApplication {
        &self.inner.application
    }

    /// The id of the application that sent the request.
    #[must_use]
    pub fn application_id(&self) -> &ApplicationId {
        self.inner.application.id()
    }

    /// The user it acts as: the directory's record.
    #[must_use]
    pub fn user(&self) -> &U {
        &self.inner.user.user
    }

    /// The user's canonical name, as the directory spells it.
    #[must_use]
    pub fn user_name(&self) -> &str {
        &self.inner.user.name
    }

    /// The scheme that proved it; `None` only for [`insecure_for_tests`](Self::insecure_for_tests).
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        self.admitted().map(|admitted| admitted.signature().scheme())
    }

    /// The fingerprint of the key that signed.
    #[must_use]
    pub fn key(&self) -> Option<&Fingerprint> {
        self.admitted().map(|admitted| admitted.signature().key())
    }

    /// The certificate's timestamp.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        self.admitted().map(|admitted| admitted.signature().created())
    }

    fn admitted(&self) -> Option<&Admitted> {
        match &self.inner.proof {
            Proof::Admitted(admitted) => Some(admitted),
            Proof::Assumed => None,
        }
    }
}

impl<U> Clone for Caller<U> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<U> fmt::Debug for Caller<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("application", self.application_id())
            .field("user_name", &self.user_name())
            .field("scheme", &self.scheme())
            .finish_non_exhaustive()
    }
}

/// The application behind a request, for code that does not know the directory's user type.
///
/// It stands beside the [`Caller`] in the extensions.
#[derive(Debug, Clone)]
pub struct CallingApplication(Arc<TrustedApplication>);

impl CallingApplication {
    /// The application of a caller.
    #[must_use]
    pub fn of<U>(caller: &Caller<U>) -> Self {
        Self(Arc::clone(&caller.inner.application))
    }
}

impl Deref for CallingApplication {
    type Target = TrustedApplication;

    fn deref(&self) -> &TrustedApplication {
        &self.0
    }
}

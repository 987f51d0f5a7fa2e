//! The conditions of an application, all together.

use std::time::Duration;

use crate::conditions::{AddressRule, MethodRule, PathRule, ReplayProtection};

/// What a request of an application must fulfil beside its signature.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RequestConditions {
    /// How old a certificate's timestamp or a signature's `created` may be on arrival. Always positive,
    /// in milliseconds.
    pub timeout: Duration,
    /// Where a request may come from.
    pub addresses: AddressRule,
    /// Which paths it may ask for.
    pub paths: PathRule,
    /// Which methods it may use. Seraph signs no method, so a captured `GET` can come back as a
    /// `POST`: list the methods wherever the application needs few.
    pub methods: MethodRule,
    /// Which requests count once only.
    pub replay_protection: ReplayProtection,
    /// Whether a signature of [`Scheme::HttpSignature`](super::Scheme::HttpSignature) may leave the body out, where the server allows that
    /// too.
    pub insecure_unsigned_bodies: bool,
}

//! A set of applications in which every id and every public key belongs to one of them.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use trusted_app_core::crypto::{Fingerprint, Thumbprint};
use trusted_app_core::registry::{ApplicationConflict, Reserved};
use trusted_app_core::{ApplicationId, TrustedApplication};

/// The set, found by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Applications {
    by_id: HashMap<ApplicationId, Arc<TrustedApplication>, RandomState>,
    holders: HashMap<Fingerprint, ApplicationId>,
    reserved: Option<Reserved>,
}

impl Applications {
    /// An empty set.
    pub(super) fn reserving(reserved: Reserved) -> Self {
        Self { reserved: Some(reserved), ..Self::default() }
    }

    /// A set of different applications, none of which is `reserved`.
    pub(super) fn new(
        applications: impl IntoIterator<Item = Arc<TrustedApplication>>,
        reserved: Option<Reserved>,
    ) -> Result<Self, ApplicationConflict> {
        let mut set = Self { reserved, ..Self::default() };
        for application in applications {
            set.add(application)?;
        }
        Ok(set)
    }

    pub(super) fn get(&self, id: &ApplicationId) -> Option<&Arc<TrustedApplication>> {
        self.by_id.get(id)
    }

    /// The application that has this key for HTTP message signatures.
    pub(super) fn get_by_key(&self, key: &Thumbprint) -> Option<&Arc<TrustedApplication>> {
        let application = self.by_id.get(self.holders.get(&key.fingerprint())?)?;
        // What a peer calls its key may be the fingerprint of another kind.
        application.signature_key(key).map(|_| application)
    }

    /// All of them, in no order.
    #[cfg(feature = "file")]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<TrustedApplication>> {
        self.by_id.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn reserved(&self) -> Option<&Reserved> {
        self.reserved.as_ref()
    }

    /// Takes an application whose id is new.
    pub(super) fn add(&mut self, application: Arc<TrustedApplication>) -> Result<(), ApplicationConflict> {
        if self.by_id.contains_key(application.id()) {
            return Err(ApplicationConflict::Id { application: application.id().clone() });
        }
        self.put(application).map(drop)
    }

    /// Takes an application, in place of the one that had its id. On an error nothing changed.
    pub(super) fn put(
        &mut self,
        application: Arc<TrustedApplication>,
    ) -> Result<Option<Arc<TrustedApplication>>, ApplicationConflict> {
        self.check(&application)?;
        let previous = self.remove(application.id());
        for fingerprint in application.fingerprints() {
            self.holders.insert(fingerprint, application.id().clone());
        }
        self.by_id.insert(application.id().clone(), application);
        Ok(previous)
    }

    pub(super) fn remove(&mut self, id: &ApplicationId) -> Option<Arc<TrustedApplication>> {
        let removed = self.by_id.remove(id)?;
        for fingerprint in removed.fingerprints() {
            self.holders.remove(&fingerprint);
        }
        Some(removed)
    }

    fn check(&self, application: &TrustedApplication) -> Result<(), ApplicationConflict> {
        let id = application.id();
        if let Some(reserved) = &self.reserved {
            reserved.check(application)?;
        }
        for fingerprint in application.fingerprints() {
            if let Some(other) = self.holders.get(&fingerprint).filter(|other| *other != id) {
                return Err(ApplicationConflict::Key {
                    fingerprint,
                    application: id.clone(),
                    other: other.clone(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn set(
        applications: &[(&str, u32)],
        reserved: Option<Reserved>,
    ) -> Result<Applications, ApplicationConflict> {
        let applications = applications.iter().map(|(id, bits)| Arc::new(samples::application(id, *bits)));
        Applications::new(applications, reserved)
    }

    #[test]
    fn a_key_belongs_to_one_application() {
        assert!(set(&[("a", 1024), ("b", 4096)], None).is_ok());

        let error = set(&[("a", 1024), ("b", 1024)], None).unwrap_err();
        let ApplicationConflict::Key { fingerprint, application, other } = &error else { panic!("{error}") };
        assert_eq!(*fingerprint, *samples::application("a", 1024).keys()[0].fingerprint());
        assert_eq!((application.as_str(), other.as_str()), ("b", "a"));
        assert_eq!(
            error.to_string(),
            format!(
                "the public key {fingerprint} of application `b` already belongs to `a`; \
                 a key belongs to one application only"
            )
        );
    }

    #[test]
    fn an_id_stands_there_once() {
        let error = set(&[("a", 1024), ("a", 4096)], None).unwrap_err();
        assert_eq!(error.to_string(), "the application id `a` is taken");
    }

    #[test]
    fn our_own_id_and_key_are_refused() {
        // `samples::local` is `wiki` with the key of 2048 bits.
        let refused = |id, bits| {
            set(&[(id, bits)], Some(Reserved::from(&samples::local()))).map(drop).unwrap_err().to_string()
        };
        assert_eq!(refused("wiki", 1024), "the application id `wiki` is this server's own");
        assert!(refused("other", 2048).ends_with("of application `other` is this server's own"));
        assert!(set(&[("other", 1024)], Some(Reserved::from(&samples::local()))).is_ok());
    }

    #[test]
    fn what_is_removed_or_replaced_frees_its_key() {
        let mut set = set(&[("a", 1024), ("b", 2048)], None).unwrap();
        set.put(Arc::new(samples::application("a", 4096))).unwrap();
        set.put(Arc::new(samples::application("c", 1024))).unwrap();
        assert!(set.remove(&"b".parse().unwrap()).is_some());
        set.put(Arc::new(samples::application("d", 2048))).unwrap();
        assert_eq!(set.len(), 3);

        // What is rejected changes nothing: `a` keeps its key and so does `d`.
        assert!(set.put(Arc::new(samples::application("a", 2048))).is_err());
        assert_eq!(set.get(&"a".parse().unwrap()).unwrap().keys()[0].public_key().bits(), 4096);
        assert!(set.put(Arc::new(samples::application("e", 4096))).is_err());
        assert!(set.put(Arc::new(samples::application("d", 2048))).is_ok());
    }

    #[test]
    fn an_application_with_two_keys_holds_both() {
        let two = TrustedApplication::builder("two".parse().unwrap(), samples::public_key(2048))
            .key(samples::public_key(4096))
            .addresses(trusted_app_core::conditions::AddressRule::any())
            .paths(trusted_app_core::conditions::PathRule::any())
            .build()
            .unwrap();
        let mut set = Applications::new([Arc::new(two)], None).unwrap();
        assert!(set.put(Arc::new(samples::application("a", 4096))).is_err());
        assert!(set.put(Arc::new(samples::application("a", 2048))).is_err());
        set.remove(&"two".parse().unwrap());
        assert!(set.put(Arc::new(samples::application("a", 4096))).is_ok());
    }
}

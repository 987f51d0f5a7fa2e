//! The applications of a registry that keeps them in this process: versions, stamps and the log.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use trusted_app_core::registry::{Change, Entry, Registered, RegistryError, Stamp};
use trusted_app_core::{ApplicationId, TrustedApplication};

use super::applications::Applications;

/// What is registered, and every change that led there. A change that is rejected changes nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    records: BTreeMap<ApplicationId, Registered>,
    changes: Vec<Change>,
}

impl Ledger {
    /// A ledger that begins with these applications.
    pub(super) fn of(applications: impl IntoIterator<Item = Arc<TrustedApplication>>, stamp: &Stamp) -> Self {
        let mut ledger = Self::default();
        for application in applications {
            let record = Registered::new(application, 1, stamp.clone(), stamp.clone());
            ledger.records.insert(record.application.id().clone(), record);
        }
        ledger
    }

    pub(super) fn list(&self, after: Option<&str>, limit: usize) -> Vec<Entry> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.records.range::<str, _>((start, Bound::Unbounded));
        range.take(limit).map(|(_, record)| Ok(record.clone())).collect()
    }

    pub(super) fn get(&self, id: &ApplicationId) -> Option<&Registered> {
        self.records.get(id)
    }

    pub(super) fn add(
        &mut self,
        set: &mut Applications,
        application: Arc<TrustedApplication>,
        stamp: Stamp,
    ) -> Result<Registered, RegistryError> {
        set.add(Arc::clone(&application))?;
        let version = self.next_version(application.id());
        let record = Registered::new(application, version, stamp.clone(), stamp.clone());
        self.records.insert(record.application.id().clone(), record.clone());
        self.log(stamp, None, Some(&record.application));
        Ok(record)
    }

    pub(super) fn update(
        &mut self,
        set: &mut Applications,
        application: Arc<TrustedApplication>,
        expected: u64,
        stamp: Stamp,
    ) -> Result<Registered, RegistryError> {
        let before = self.expect(application.id(), expected)?.clone();
        set.put(Arc::clone(&application))?;
        let record = Registered::new(application, expected + 1, before.created, stamp.clone());
        self.records.insert(record.application.id().clone(), record.clone());
        self.log(stamp, Some(&before.application), Some(&record.application));
        Ok(record)
    }

    pub(super) fn remove(
        &mut self,
        set: &mut Applications,
        id: &ApplicationId,
        expected: u64,
        stamp: Stamp,
    ) -> Result<(), RegistryError> {
        let before = Arc::clone(&self.expect(id, expected)?.application);
        set.remove(id);
        self.records.remove(id);
        self.log(stamp, Some(&before), None);
        Ok(())
    }

    /// Takes these in the place of all: one change each for what differs.
    #[cfg(feature = "file")]
    pub(super) fn replace(
        &mut self,
        new: &Applications,
        is_same: fn(&TrustedApplication, &TrustedApplication) -> bool,
        stamp: &Stamp,
    ) {
        let is_gone = |id: &&ApplicationId| new.get(id).is_none();
        let gone: Vec<_> = self.records.keys().filter(is_gone).cloned().collect();
        for before in gone.iter().filter_map(|id| self.records.remove(id)).collect::<Vec<_>>() {
            self.log(stamp.clone(), Some(&before.application), None);
        }
        for application in new.iter() {
            let before = self.records.get(application.id()).cloned();
            let (version, created) = match &before {
                Some(before) if is_same(&before.application, application) => continue,
                Some(before) => (before.version + 1, before.created.clone()),
                None => (self.next_version(application.id()), stamp.clone()),
            };
            let record = Registered::new(Arc::clone(application), version, created, stamp.clone());
            self.records.insert(application.id().clone(), record);
            self.log(stamp.clone(), before.as_ref().map(|before| &before.application), Some(application));
        }
    }

    pub(super) fn changes(&self, after: u64, limit: usize) -> Vec<Change> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.changes.iter().skip(after).take(limit).cloned().collect()
    }

    pub(super) fn last_change(&self) -> u64 {
        self.changes.len() as u64
    }

    /// The version of an application that is added: each earlier one came by a change of that id.
    fn next_version(&self, id: &ApplicationId) -> u64 {
        self.changes.iter().filter(|change| change.id == *id).count() as u64 + 1
    }

    fn expect(&self, id: &ApplicationId, expected: u64) -> Result<&Registered, RegistryError> {
        let record = self.records.get(id).ok_or_else(|| RegistryError::NotFound(id.clone()))?;
        if record.version == expected {
            Ok(record)
        } else {
            let (application, found) = (id.clone(), record.version);
            Err(RegistryError::VersionConflict { application, expected, found })
        }
    }

    fn log(
        &mut self,
        stamp: Stamp,
        before: Option<&Arc<TrustedApplication>>,
        after: Option<&Arc<TrustedApplication>>,
    ) {
        let Some(either) = after.or(before) else { return };
        let (id, number) = (either.id().clone(), self.last_change() + 1);
        let (before, after) = (before.cloned().map(Ok), after.cloned().map(Ok));
        self.changes.push(Change::new(number, stamp, id, before, after));
    }
}

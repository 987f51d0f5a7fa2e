//! The applications of a registry that keeps them in this process: versions, stamps and the log.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use trusted_app_core::registry::{Change, Entry, Registered, RegistryError, Stamp};
use trusted_app_core::{ApplicationId, TrustedApplication};

use super::applications::Applications;

/// What is registered, and every change that led there. A change that is refused changes nothing.
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
        // Each earlier version came by a change of that id.
        let earlier = self.changes.iter().filter(|change| change.id == *application.id()).count();
        let record = Registered::new(application, earlier as u64 + 1, stamp.clone(), stamp.clone());
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

    pub(super) fn changes(&self, after: u64, limit: usize) -> Vec<Change> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.changes.iter().skip(after).take(limit).cloned().collect()
    }

    pub(super) fn last_change(&self) -> u64 {
        self.changes.len() as u64
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

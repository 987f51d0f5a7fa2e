//! How much memory the bodies that are held may take together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that are handed out and come back. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    free: Arc<AtomicUsize>,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// Nothing, to which more can be added.
    pub(crate) fn reserve_nothing(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }
}

/// What one body holds; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Reservation {
    /// Takes more, if there is as much.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let take = |free: usize| free.checked_sub(bytes);
        let taken = self.budget.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        self.bytes += if taken { bytes } else { 0 };
        taken
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = Budget::new(10);
        let (mut one, mut other) = (budget.reserve_nothing(), budget.reserve_nothing());
        assert!(one.grow(4) && other.grow(6) && !one.grow(1) && one.grow(0));
        drop(other);
        assert!(one.grow(6) && !one.grow(1));
        drop(one);
        assert!(budget.reserve_nothing().grow(10));
    }
}

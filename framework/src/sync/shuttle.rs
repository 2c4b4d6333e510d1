//! Locks whose order is shuttle's to choose, for the tests of the feature `shuttle`.

use std::sync::{Arc, Mutex as StdMutex, MutexGuard as StdGuard, PoisonError};

pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32},
};

/// A lock of either kind: most of the crate has no need of shuttle's.
pub(crate) trait Lock {
    type Guard<'a>
    where
        Self: 'a;

    fn lock_now(&self) -> Self::Guard<'_>;
}

impl<T> Lock for Mutex<T> {
    type Guard<'a>
        = MutexGuard<'a, T>
    where
        T: 'a;

    fn lock_now(&self) -> MutexGuard<'_, T> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lock for StdMutex<T> {
    type Guard<'a>
        = StdGuard<'a, T>
    where
        T: 'a;

    fn lock_now(&self) -> StdGuard<'_, T> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Lock> Lock for Arc<L> {
    type Guard<'a>
        = L::Guard<'a>
    where
        L: 'a;

    fn lock_now(&self) -> L::Guard<'_> {
        (**self).lock_now()
    }
}

/// Locks; a panic elsewhere does not spread.
pub(crate) fn lock<L: Lock>(lock: &L) -> L::Guard<'_> {
    lock.lock_now()
}

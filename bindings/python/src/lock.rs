//! The lock on what holds a core engine. What was traced under it is told after it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::trace::TellWhenDropped;

/// The lock, as held.
pub(crate) struct Locked<'a, T> {
    inner: MutexGuard<'a, T>,
    _tell: TellWhenDropped,
}

impl<'a, T> Locked<'a, T> {
    /// Waits for the lock. A panic under it changes nothing: every state it guards is whole.
    pub(crate) fn lock(mutex: &'a Mutex<T>) -> Self {
        Self::held(mutex.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The lock, if nobody has it.
    pub(crate) fn try_lock(mutex: &'a Mutex<T>) -> Option<Self> {
        match mutex.try_lock() {
            Ok(inner) => Some(Self::held(inner)),
            Err(TryLockError::Poisoned(poisoned)) => Some(Self::held(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    const fn held(inner: MutexGuard<'a, T>) -> Self {
        Self {
            inner,
            _tell: TellWhenDropped,
        }
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

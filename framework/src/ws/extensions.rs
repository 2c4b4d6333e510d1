//! Values that belong to one connection, by their type.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use crate::{extract::TypeMap, sync::lock};

/// Values that belong to one peer, one of each type.
///
/// ```
/// use sockeye::Extensions;
///
/// struct Name(String);
///
/// let extensions = Extensions::default();
/// assert!(extensions.get::<Name>().is_none());
/// extensions.insert(Name("Ada".to_owned()));
/// assert_eq!(extensions.get::<Name>().unwrap().0, "Ada");
/// ```
#[derive(Default)]
pub struct Extensions(Mutex<TypeMap>);

impl Extensions {
    /// Puts a value in; one of the same type that was there goes.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) {
        lock(&self.0).insert(Arc::new(value));
    }

    /// The value of that type, if there is one.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        lock(&self.0).get()
    }

    /// The value of that type; its default from now on if there is none.
    pub fn get_or_default<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        if let Some(value) = self.get() {
            return value;
        }
        // Not under the lock: the user's `default` may look at these values.
        let new = Arc::new(T::default());
        let mut values = lock(&self.0);
        values.get().unwrap_or_else(|| {
            values.insert(new.clone());
            new
        })
    }

    /// Leaves nothing behind.
    pub(crate) fn take(&self) -> Self {
        Self(Mutex::new(std::mem::take(&mut *lock(&self.0))))
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Extensions").field(&*lock(&self.0)).finish()
    }
}

//! The tests of the workspace live in the test targets; this library is what several of them need.

pub mod disk;
pub mod proxy;
pub mod services;

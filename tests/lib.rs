//! The tests of the workspace live in the test targets; this library is empty on purpose.

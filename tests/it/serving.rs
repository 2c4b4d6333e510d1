//! The server around the routes: tower, axum, stopping, running out of file descriptors.

mod descriptors;
mod stopping;
mod tower;

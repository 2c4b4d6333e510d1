//! The server around the routes: tower, axum, mounts, stopping, running out of file descriptors.

mod browser_client;
mod descriptors;
mod mounts;
mod stopping;
mod tower;

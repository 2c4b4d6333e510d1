//! The framework from outside: one binary, a module a topic.

mod api;
mod extraction;
mod routing;
mod sockets;
mod start;

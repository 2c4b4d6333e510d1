//! The framework from outside: one binary, a module a topic.

mod sockets;

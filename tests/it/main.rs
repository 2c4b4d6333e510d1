//! The framework from outside: one binary, a module a topic.

mod api;
mod brokers;
mod client;
mod cluster;
mod deflate;
mod event_handlers;
mod events;
mod extraction;
mod history;
mod memory;
mod native_client;
mod robustness;
mod rooms;
mod routing;
mod serving;
mod sockets;
mod start;
mod tidy;
mod transports;
mod types;
mod ui;

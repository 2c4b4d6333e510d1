//! Server-Sent Events.

mod leaving;
mod pushing;
mod sending;
mod stopping;

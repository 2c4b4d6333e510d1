//! Server-Sent Events.

mod leaving;
mod pushing;
mod rooms;
mod sending;
mod stopping;

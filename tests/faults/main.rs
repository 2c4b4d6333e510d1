//! Real servers that are killed, stopped, or cut off, while others work with them. Slow, and so apart from `it`.

mod chat;
mod nodes;
mod postgres;
mod recent;

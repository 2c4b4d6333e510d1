//! The program as its users have it: a process, its input and its output, and a chat to talk to.

mod ends;
mod guest;
mod lines;
mod site;
mod terminal;

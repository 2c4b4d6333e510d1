//! A chat as event handlers on a type, a clock as Server-Sent Events, and a page for both.

mod chat;
mod clock;
mod page;

use sockeye::prelude::*;

/// The chat, the clock and the page.
pub fn app() -> App {
    App::new().route(chat::Chat).route(clock::sse).route(page::index).route(page::style).route(page::script)
}

#[cfg(test)]
mod tests;

//! A language model behind a socket, its answers streamed word by word.
//!
//! The model is any server that speaks OpenAI's HTTP API for chat completions: `OPENAI_BASE_URL`, `OPENAI_API_KEY` and
//! `OPENAI_MODEL` say which. With none of them set a built-in one answers, offline.

mod chat;
mod eco;
mod model;
mod page;

use sockeye::prelude::*;

pub use model::Model;

/// The page, the assistant, and the echo.
pub fn app(model: Model) -> App {
    App::new().state(model).route(eco::Eco).route(chat::chat).route(page::index).route(page::style).route(page::script)
}

#[cfg(test)]
mod tests;

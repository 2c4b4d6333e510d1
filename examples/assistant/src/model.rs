//! Who answers.

mod failure;
mod offline;
mod openai;
mod reply;

use std::{env, fmt, pin::Pin};

use futures_util::Stream;
use sockeye::Result;

use failure::Failure;
use openai::OpenAi;

/// What the model says, part by part, as it comes.
pub(crate) type Answer = Pin<Box<dyn Stream<Item = Result<String, Failure>> + Send>>;

/// A language model.
#[derive(Debug)]
pub struct Model(Kind);

#[derive(Debug)]
enum Kind {
    Offline,
    OpenAi(Box<OpenAi>),
}

impl Model {
    /// The built-in model: it has little to say, and needs nobody for it.
    pub fn offline() -> Self {
        Self(Kind::Offline)
    }

    /// A server that speaks OpenAI's API for chat completions.
    ///
    /// # Errors
    ///
    /// For a `base_url` that is no `http` or `https` URL, and a key that no header can hold.
    pub fn openai(base_url: &str, key: Option<&str>, model: &str) -> Result<Self> {
        Ok(Self(Kind::OpenAi(Box::new(OpenAi::new(base_url, key, model)?))))
    }

    /// The model that `OPENAI_BASE_URL`, `OPENAI_API_KEY` and `OPENAI_MODEL` describe; with none of them set, the built-in
    /// one. An empty variable is as good as none.
    ///
    /// # Errors
    ///
    /// As for [`openai`](Self::openai).
    pub fn from_env() -> Result<Self> {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let (base_url, key, model) =
            (variable("OPENAI_BASE_URL"), variable("OPENAI_API_KEY"), variable("OPENAI_MODEL"));
        if base_url.is_none() && key.is_none() && model.is_none() {
            return Ok(Self::offline());
        }
        let base_url = base_url.as_deref().unwrap_or(openai::BASE_URL);
        Self::openai(base_url, key.as_deref(), model.as_deref().unwrap_or(openai::MODEL))
    }

    /// Asks. Dropped, the answer is no longer worked on.
    pub(crate) fn ask(&self, question: &str) -> Answer {
        match &self.0 {
            Kind::Offline => Box::pin(offline::answer(question)),
            Kind::OpenAi(server) => Box::pin(server.answer(question)),
        }
    }
}

/// For people, without the key.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Offline => f.write_str("the built-in one, offline"),
            Kind::OpenAi(server) => server.fmt(f),
        }
    }
}

//! The chat in a terminal.
//!
//! ```sh
//! USER_ID=1 USERNAME=Ann cargo run -p chat-cli -- --room tea
//! ```
//!
//! What is typed is said; `/help` lists the rest. Without a terminal each line of the input is said in its turn, and the
//! program ends when the server has confirmed the last, or has not confirmed one within 30 s.
//!
//! It ends with 0 when it was asked to, with 1 when the server can't be reached, has refused, or has not confirmed what was
//! said, and with 2 when it was called wrongly.

mod args;
mod command;
mod input;
mod notes;
mod outbox;
mod own;
mod reading;
mod screen;
mod session;
mod stats;
mod text;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use args::Args;
use screen::Screen;
use session::Session;

#[sockeye::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Prints what is wrong, and ends with 2.
    let args = Args::parse();
    let (input, screen) = match input::open(&args) {
        Ok(opened) => opened,
        Err(error) => return fail(&error),
    };
    let mut screen = Screen::new(screen);
    let outcome = match Session::start(&args, input.is_interactive).await {
        Ok(session) => session.run(input.lines, &mut screen).await,
        Err(error) => Err(error),
    };
    screen.restore();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &sockeye::Error) -> ExitCode {
    eprintln!("chat-cli: {}", text::visible(&error.to_string()));
    ExitCode::FAILURE
}

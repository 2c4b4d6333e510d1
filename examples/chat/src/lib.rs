//! A chat in rooms that remember: what is said is stored before anybody hears it, and who was away gets what was missed.
//!
//! | Variable | What it says | By default |
//! | --- | --- | --- |
//! | `CHAT_DB` | the file with the messages | `chat.db` |
//! | `DATABASE_URL` | a PostgreSQL that keeps the messages instead | |
//! | `REDIS_URL` | a Redis that makes one chat of all servers that share it and the store, and keeps the latest messages | |
//! | `CHAT_RATE` | what a connection may say a second, and ten times as much at once; `0`: as much as it likes | `50` |

mod backend;
mod guest;
mod inbound;
mod outbound;
mod page;
mod rate;
mod settings;
mod status;
mod user;

use std::time::Duration;

use sockeye::{PresenceEvent, RoomOptions, prelude::*};

use guest::Desk;
use outbound::Event;
pub use rate::Rate;
pub use settings::Settings;
use user::User;

/// How long a user may be gone and counts as there: a page that is loaded anew is no leave.
const GRACE: Duration = Duration::from_secs(2);

/// The chat, with the store that the settings name.
///
/// # Errors
///
/// If the store can't be opened.
pub fn app(settings: &Settings) -> Result<App> {
    backend::add(routes(settings.rate), settings)
}

/// The chat without a store.
fn routes(rate: Rate) -> App {
    let rooms = RoomOptions::new().grace(GRACE).render(Event::message).announce(announcement);
    page::add(App::new().rooms(rooms))
        .state(Desk { rate, ..Desk::default() })
        .route(guest::connect)
        .route(status::stats)
        .route(status::health)
}

/// What all others are told of a user who comes or goes: with the first connection and with the last.
fn announcement(event: &PresenceEvent) -> Option<Event<'static>> {
    let user: User = event.user().meta_as().ok()?;
    match event {
        PresenceEvent::Joined(_) => Some(Event::UserJoined(user)),
        PresenceEvent::Left(_) => Some(Event::UserLeft(user)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

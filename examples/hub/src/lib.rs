//! A chat hub: everybody in one room, who is there, what was counted, and two pages.
//!
//! `HUB_TOKEN` is what clients must name, `HUB_ORIGINS` lists the origins of other hosts' pages that may connect.

mod clerk;
mod guest;
mod inbound;
mod pages;
mod settings;
mod stats;

use serde_json::json;
use sockeye::{PresenceEvent, RoomOptions, prelude::*};

use clerk::{Clerk, Envelope, Kind};
pub use settings::Settings;

/// The socket, its numbers, and the pages.
pub fn app(settings: Settings) -> App {
    let desk = guest::Desk::default();
    App::new()
        .origins(settings.origins)
        .rooms(RoomOptions::new().announce(announcement(desk.clerk.clone())))
        .state(desk)
        .state(settings.token)
        .route(guest::connect)
        .route(stats::stats)
        .route(pages::test)
        .route(pages::integration)
        .route(pages::style)
        .route(pages::test_script)
        .route(pages::integration_script)
}

/// What all others are told of a user who comes or goes: with the first connection and with the last.
fn announcement(clerk: Clerk) -> impl Fn(&PresenceEvent) -> Option<Envelope> {
    move |event| {
        let (kind, verb) = match event {
            PresenceEvent::Joined(_) => (Kind::UserJoined, "joined"),
            PresenceEvent::Left(_) => (Kind::UserLeft, "left"),
            _ => return None,
        };
        let user = event.user();
        let name = user.meta()["username"].as_str().unwrap_or_default();
        Some(clerk.system(kind, format!("{name} has {verb} the chat"), Some(json!(user))))
    }
}

#[cfg(test)]
mod tests;

//! A chat over a connection manager of its own, until the framework has rooms.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sockeye::{ConnectionId, prelude::*};

/// Who is in which room.
#[derive(Debug, Default)]
pub(crate) struct Manager(Mutex<HashMap<String, Vec<Sender>>>);

/// A membership: ends when it is dropped, however the handler ends.
struct Membership<'a> {
    manager: &'a Manager,
    room: &'a str,
    id: ConnectionId,
}

impl Manager {
    /// Locked for a look or a change, never across a wait.
    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Vec<Sender>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join<'a>(&'a self, room: &'a str, ws: &WebSocket) -> Membership<'a> {
        self.rooms().entry(room.to_owned()).or_default().push(ws.sender());
        Membership { manager: self, room, id: ws.id() }
    }

    async fn broadcast(&self, room: &str, text: &str) {
        let members = self.rooms().get(room).cloned().unwrap_or_default();
        for member in members {
            // Who is gone leaves the room by itself.
            let _sent_or_gone = member.send_text(text).await;
        }
    }
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        let mut rooms = self.manager.rooms();
        if let Some(members) = rooms.get_mut(self.room) {
            members.retain(|member| member.id() != self.id);
            if members.is_empty() {
                rooms.remove(self.room);
            }
        }
    }
}

/// What one says goes to everyone in the room.
#[websocket("/chat/<room>")]
pub(crate) async fn chat(mut ws: WebSocket, room: String, manager: State<Manager>) -> Result<()> {
    let _membership = manager.join(&room, &ws);
    loop {
        let text = ws.receive_text().await?;
        manager.broadcast(&room, &format!("[{room}] {text}")).await;
    }
}

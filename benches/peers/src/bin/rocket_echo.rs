//! rocket_ws as its documentation shows it. Rocket sets `TCP_NODELAY` by itself.

use std::io;

use anyhow::{Context, Result};
use peers::MAX_MESSAGE;
use rocket::config::{Config, LogLevel};
use rocket::fairing::AdHoc;
use rocket::futures::{SinkExt, StreamExt};
use rocket::{get, routes};
use rocket_ws::{Channel, WebSocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let addr: std::net::SocketAddr = peers::addr().parse().context("SOCKEYE_ADDR")?;
    let config =
        Config { address: addr.ip(), port: addr.port(), log_level: LogLevel::Off, ..Config::release_default() };
    let announce = AdHoc::on_liftoff("announce", |rocket| {
        Box::pin(async move { peers::announce((rocket.config().address, rocket.config().port).into()) })
    });
    let rocket = rocket::custom(config).mount("/", routes![echo]).attach(announce);
    rocket.launch().await.map_err(io::Error::other)?;
    Ok(())
}

#[get("/echo")]
fn echo(ws: WebSocket) -> Channel<'static> {
    let config = rocket_ws::Config {
        max_message_size: Some(MAX_MESSAGE),
        max_frame_size: Some(MAX_MESSAGE),
        ..rocket_ws::Config::default()
    };
    ws.config(config).channel(|mut stream| {
        Box::pin(async move {
            while let Some(message) = stream.next().await {
                let message = message?;
                if message.is_text() || message.is_binary() {
                    stream.send(message).await?;
                }
            }
            Ok(())
        })
    })
}

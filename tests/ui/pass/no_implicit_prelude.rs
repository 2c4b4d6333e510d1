//! Expansions name everything by absolute paths.

#![no_implicit_prelude]

#[::sockeye::websocket("/ws/<id>", invalid = "pass", protocols = ["a"], strict_protocol = true, max_message = 1, tag = "t")]
async fn room(ws: ::sockeye::WebSocket, id: u32, #[depends(user)] user: ::std::string::String) {
    ::std::mem::drop((ws, id, user));
}

#[::sockeye::get("/x")]
async fn x(#[query(default = "asc")] sort: ::std::string::String, #[header] user_agent: ::std::string::String) -> ::std::string::String {
    ::std::mem::drop(user_agent);
    sort
}

#[::sockeye::dependency]
async fn user(#[cookie("sid")] sid: ::std::string::String) -> ::std::result::Result<::std::string::String, ::sockeye::StatusCode> {
    ::std::result::Result::Ok(sid)
}

#[::sockeye::router(prefix = "/m")]
mod m {
    #[::sockeye::get("/y")]
    async fn y() -> &'static str {
        "y"
    }
}

#[derive(::sockeye::Param)]
pub enum Sort {
    Newest,
    Oldest,
}

#[derive(::sockeye::Param)]
pub struct Id(pub u32);

#[::sockeye::main]
async fn main() {
    let _ = ::sockeye::App::new().route(room).route(x).include_router(m::router());
}

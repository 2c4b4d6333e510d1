//! Conditions on handlers, on their arguments and inside of modules.

#![deny(warnings)]

use sockeye::prelude::*;

#[get("/x")]
#[cfg(any())]
async fn x() -> Nothing {}

#[cfg(not(any()))]
#[get("/x")]
async fn x() -> &'static str {
    "x"
}

#[get("/y/<id>")]
async fn y(
    #[cfg(not(any()))] id: u32,
    #[cfg(any())] id: Nothing,
    #[cfg_attr(not(any()), query(default = 20))] page: u32,
    #[cfg_attr(any(), header("x"))] token: Option<String>,
) -> String {
    format!("{id} {page} {token:?}")
}

#[router(prefix = "/m")]
mod m {
    use sockeye::prelude::*;

    #[cfg(any())]
    #[get("/a")]
    async fn a() -> Nothing {}

    #[get("/a")]
    #[cfg(not(any()))]
    async fn a() -> &'static str {
        "a"
    }

    #[cfg_attr(not(any()), get("/b"))]
    async fn b() -> &'static str {
        "b"
    }

    #[cfg_attr(any(), get("/c"))]
    pub async fn c() -> &'static str {
        "c"
    }
}

fn main() {
    drop(m::c());
    let _ = App::new().route(x).route(y).include_router(m::router());
}

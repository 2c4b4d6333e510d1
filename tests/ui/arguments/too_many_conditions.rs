//! Each condition doubles the expansion.

use sockeye::prelude::*;

#[allow(unexpected_cfgs)]
#[get("/x")]
async fn show(
    #[cfg(a)] a: u8,
    #[cfg(b)] b: u8,
    #[cfg(c)] c: u8,
    #[cfg(d)] d: u8,
    #[cfg(e)] e: u8,
) -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(show);
}

//! Each condition doubles the expansion.

use sockeye::prelude::*;

#[get("/x")]
async fn show(
    #[cfg(unix)] a: u8,
    #[cfg(windows)] b: u8,
    #[cfg(test)] c: u8,
    #[cfg(debug_assertions)] d: u8,
    #[cfg(target_endian = "big")] e: u8,
) -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(show);
}

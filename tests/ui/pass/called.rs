//! Handlers called as in a unit test.

use sockeye::prelude::*;

#[get("/health")]
async fn health() -> &'static str {
    "ok"
}

#[get("/sum")]
async fn sum(a: u32, #[query(default = 2)] b: u32) -> Result<String, StatusCode> {
    a.checked_add(b).map(|sum| sum.to_string()).ok_or(StatusCode::BAD_REQUEST)
}

#[sockeye::main(flavor = "current_thread")]
async fn main() {
    assert_eq!(health().await, "ok");
    assert_eq!(sum(1, 2).await, Ok("3".to_owned()));
    assert_eq!(sum(u32::MAX, 2).await, Err(StatusCode::BAD_REQUEST));
}

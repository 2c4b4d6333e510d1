//! Return types without a name, and others.

use sockeye::prelude::*;

#[get("/a")]
async fn a() -> impl IntoResponse {
    "a"
}

#[post("/b")]
async fn b(Json(text): Json<String>) -> Result<impl IntoResponse, StatusCode> {
    if text.is_empty() { Err(StatusCode::BAD_REQUEST) } else { Ok(text) }
}

#[dependency]
async fn user(#[header("x-user")] user: Option<String>) -> Result<String, impl IntoResponse> {
    user.ok_or(StatusCode::UNAUTHORIZED)
}

#[put("/c")]
async fn c(#[depends(user)] user: String) -> (StatusCode, String) {
    (StatusCode::OK, user)
}

#[patch("/d")]
async fn d() {}

#[delete("/e")]
async fn e() -> StatusCode {
    StatusCode::NO_CONTENT
}

fn main() {
    let _ = App::new().route(a).route(b).route(c).route(d).route(e);
}

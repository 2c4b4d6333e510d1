//! From the request to the arguments, and what is refused.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};
use sockeye::{ArgInfo, FromRequest, Request, prelude::*};

#[derive(Param, Debug, PartialEq)]
enum Sort {
    Newest,
    Oldest,
}

#[derive(Param)]
struct RoomId(u32);

#[derive(Deserialize)]
struct Page {
    page: Option<u32>,
    #[serde(default)]
    tag: Vec<String>,
}

#[get("/query")]
async fn query(
    text: String,
    number: Option<i8>,
    flag: Option<bool>,
    letters: Vec<char>,
    sort: Option<Sort>,
    #[query(default = 20)] limit: u32,
    #[query(rename = "userId")] user: Option<String>,
) -> String {
    format!("{text} {number:?} {flag:?} {letters:?} {sort:?} {limit} {user:?}")
}

#[get("/struct")]
async fn structured(Query(page): Query<Page>) -> String {
    format!("{:?} {:?}", page.page, page.tag)
}

#[get("/rooms/<id>/<day>")]
async fn path(id: RoomId, day: u8) -> String {
    format!("{} {day}", id.0)
}

#[derive(Deserialize)]
struct Both {
    a: u32,
    b: String,
}

#[get("/path/<a>/<b>")]
async fn path_struct(a: u32, b: String, Path(both): Path<Both>, pair: Path<(u32, String)>) -> String {
    format!("{a} {b} {} {} {} {}", both.a, both.b, pair.0.0, pair.0.1)
}

#[get("/headers")]
async fn headers(
    #[header("x-number")] number: u32,
    #[header] user_agent: Option<String>,
    #[cookie("sid")] sid: Option<String>,
    all: Headers,
    cookies: Cookies,
) -> String {
    let other = cookies.get("other").unwrap_or_default();
    format!("{number} {user_agent:?} {sid:?} {} {other}", all.contains_key("x-number"))
}

#[derive(Deserialize)]
struct Item {
    name: String,
    count: u32,
}

#[post("/json")]
async fn body(Json(item): Json<Item>) -> Json<Value> {
    Json(json!({ "name": item.name, "count": item.count + 1 }))
}

#[post("/small", max_body = 8)]
async fn small(body: sockeye::Bytes) -> String {
    body.len().to_string()
}

struct Calls(AtomicU32);

#[derive(Clone)]
struct User {
    name: String,
}

#[dependency]
async fn token(
    #[header("authorization")] authorization: Option<String>,
    calls: State<Calls>,
) -> Result<String, StatusCode> {
    calls.0.0.fetch_add(1, Ordering::Relaxed);
    authorization.ok_or(StatusCode::UNAUTHORIZED)
}

#[dependency]
async fn current_user(#[depends(token)] token: String) -> Result<User, (StatusCode, &'static str)> {
    match token.strip_prefix("Bearer ") {
        Some(name) => Ok(User { name: name.to_owned() }),
        None => Err((StatusCode::FORBIDDEN, "expected a bearer token")),
    }
}

#[get("/me")]
async fn me(#[depends(current_user)] user: User, #[depends(token)] token: String, calls: State<Calls>) -> String {
    format!("{} {token} {}", user.name, calls.0.0.load(Ordering::Relaxed))
}

struct Agent(String);

impl FromRequest for Agent {
    type Rejection = StatusCode;

    async fn from_request(request: &mut Request, arg: &ArgInfo) -> Result<Self, StatusCode> {
        assert_eq!(arg.argument, "agent");
        let agent = request.headers().get("user-agent").and_then(|agent| agent.to_str().ok());
        agent.map(|agent| Agent(agent.to_owned())).ok_or(StatusCode::IM_A_TEAPOT)
    }
}

#[get("/own")]
async fn own(agent: Agent, peer: PeerAddr, nothing: Option<Extension<u8>>) -> String {
    format!("{} {} {}", agent.0, peer.ip(), nothing.is_none())
}

static OPENED: AtomicU32 = AtomicU32::new(0);

#[websocket("/ws/<room>")]
async fn socket(ws: WebSocket, room: u32, token: String, #[depends(current_user)] user: User) -> Result<()> {
    OPENED.fetch_add(1, Ordering::Relaxed);
    ws.send_text(format!("{room} {token} {}", user.name)).await
}

fn client() -> TestClient {
    TestClient::new(
        App::new()
            .state(Calls(AtomicU32::new(0)))
            .route(query)
            .route(structured)
            .route(path)
            .route(path_struct)
            .route(headers)
            .route(body)
            .route(small)
            .route(me)
            .route(own)
            .route(socket),
    )
}

#[sockeye::test]
async fn plain_arguments_read_the_query() -> Result<()> {
    let client = client();
    let none = r#"a None None [] None 20 None"#;
    assert_eq!(client.get("/query?text=a").await?.text(), none);
    let all = "/query?text=a%20b&number=-7&flag=true&letters=x&letters=%C3%A9&sort=oldest&limit=5&userId=u1";
    assert_eq!(client.get(all).await?.text(), r#"a b Some(-7) Some(true) ['x', 'é'] Some(Oldest) 5 Some("u1")"#);
    assert_eq!(client.get("/query?text=a+b&text=c").await?.text(), none.replacen('a', "c", 1));
    Ok(())
}

#[sockeye::test]
async fn refusals_name_place_name_and_reason() -> Result<()> {
    let client = client();
    for (path, place, name, reason) in [
        ("/query", "query", "text", "missing, expected text"),
        ("/query?text=a&number=300", "query", "number", "expected an integer from -128 to 127, got `300`"),
        ("/query?text=a&flag=maybe", "query", "flag", "expected `true` or `false`, got `maybe`"),
        ("/query?text=a&limit=-1", "query", "limit", "expected an integer from 0 to 4294967295, got `-1`"),
        ("/headers", "header", "x-number", "missing, expected an integer from 0 to 4294967295"),
    ] {
        let response = client.get(path).await?;
        assert_eq!(response.status(), 422, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json();
        assert_eq!((&problem["place"], &problem["name"]), (&json!(place), &json!(name)), "{problem}");
        assert_eq!(problem["reason"], reason);
        assert_eq!(problem["status"], 422);
    }
    let problem: Value = client.get("/query?text=a&sort=best").await?.json();
    assert!(problem["reason"].as_str().is_some_and(|reason| reason.to_lowercase().contains("newest")), "{problem}");
    Ok(())
}

#[sockeye::test]
async fn structs_read_the_whole_query() -> Result<()> {
    let client = client();
    let response = client.get("/struct?page=3&tag=a&tag=b&unknown=1").await?;
    assert_eq!(response.text(), r#"Some(3) ["a", "b"]"#);
    assert_eq!(client.get("/struct").await?.text(), "None []");
    let problem: Value = client.get("/struct?page=x").await?.json();
    assert_eq!((&problem["status"], &problem["place"]), (&json!(422), &json!("query")));
    Ok(())
}

#[sockeye::test]
async fn path_parameters_that_do_not_parse_are_404() -> Result<()> {
    let client = client();
    assert_eq!(client.get("/rooms/7/31").await?.text(), "7 31");
    for path in ["/rooms/x/31", "/rooms/7/256", "/rooms/-1/1"] {
        let response = client.get(path).await?;
        assert_eq!(response.status(), 404);
        assert_eq!(response.json::<Value>()["place"], "path");
    }
    assert_eq!(client.get("/path/1/x%20y").await?.text(), "1 x y 1 x y 1 x y");
    Ok(())
}

#[sockeye::test]
async fn headers_and_cookies() -> Result<()> {
    let request = client().get("/headers").header("x-number", "7").header("user-agent", "test");
    let response = request.cookie("sid", "abc").header("cookie", "other=\"q\"; x=1").await?;
    assert_eq!(response.text(), r#"7 Some("test") Some("abc") true q"#);
    Ok(())
}

#[sockeye::test]
async fn json_bodies() -> Result<()> {
    let client = client();
    let response = client.post("/json").json(&json!({ "name": "a", "count": 1 })).await?;
    assert_eq!(response.json::<Value>(), json!({ "name": "a", "count": 2 }));
    let typed = |content_type: &'static str, body: &'static str| {
        let request = client.post("/json").header("content-type", content_type).body(body);
        async move { request.await.map(|response| response.status().as_u16()) }
    };
    assert_eq!(typed("application/json; charset=utf-8", r#"{"name":"a","count":1}"#).await?, 200);
    assert_eq!(typed("application/json", r#"{"name":"a"}"#).await?, 422);
    assert_eq!(typed("application/json", r#"{"name":"#).await?, 400);
    assert_eq!(typed("application/json", r#"{"name":1,"#).await?, 400);
    assert_eq!(typed("text/plain", r#"{"name":"a","count":1}"#).await?, 415);
    assert_eq!(client.post("/small").body("12345678").await?.text(), "8");
    assert_eq!(client.post("/small").body("123456789").await?.status(), 413);
    Ok(())
}

/// Never has a frame.
struct Stuck;

impl http_body::Body for Stuck {
    type Data = sockeye::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

/// A body that stops halfway does not hold the handler for ever.
#[sockeye::test(start_paused = true)]
async fn a_body_that_does_not_end_is_408() -> Result<()> {
    let request = axum::http::Request::post("/small").header("host", "h").body(Stuck)?;
    let response = tower_service::Service::call(&mut App::new().route(small), request).await?;
    assert_eq!(response.status(), 408);
    Ok(())
}

#[sockeye::test]
async fn dependencies_run_once_and_refuse() -> Result<()> {
    let client = client();
    let response = client.get("/me").header("authorization", "Bearer ann").await?;
    assert_eq!(response.text(), "ann Bearer ann 1");
    assert_eq!(client.get("/me").await?.status(), 401);
    let response = client.get("/me").header("authorization", "Basic x").await?;
    assert_eq!((response.status().as_u16(), response.text().as_str()), (403, "expected a bearer token"));
    Ok(())
}

#[sockeye::test]
async fn own_extractors() -> Result<()> {
    let client = client();
    assert_eq!(client.get("/own").header("user-agent", "x").await?.text(), "x 127.0.0.1 true");
    assert_eq!(client.get("/own").await?.status(), 418);
    Ok(())
}

#[sockeye::test]
async fn sockets_are_refused_before_the_upgrade() -> Result<()> {
    let client = client();
    let refused = client.websocket("/ws/1").header("authorization", "Bearer ann").connect().await.expect_denied(422);
    assert_eq!(refused.json::<Value>()["name"], "token");
    client.websocket("/ws/x?token=t").connect().await.expect_denied(404);
    client.websocket("/ws/1?token=t").connect().await.expect_denied(401);
    assert_eq!(OPENED.load(Ordering::Relaxed), 0);
    let mut ws = client.websocket("/ws/1?token=t").header("authorization", "Bearer ann").connect().await?;
    assert_eq!(ws.receive_text().await?, "1 t ann");
    Ok(())
}

//! What keeps an app from being served, said all at once and before it serves.

use sockeye::{Problem, prelude::*};

struct Db;
struct Cache;

#[get("/rooms/<id>")]
async fn by_id(id: u32) -> String {
    id.to_string()
}

#[get("/rooms/<name>")]
async fn by_name(name: String) -> String {
    name
}

#[get("/rooms/new")]
async fn fixed() -> &'static str {
    "new"
}

#[post("/rooms/<id>")]
async fn other_method(id: u32) -> String {
    id.to_string()
}

#[websocket("/rooms/<id>")]
async fn socket(ws: WebSocket, id: u32) -> Result<()> {
    ws.send_text(id.to_string()).await
}

#[get("/rooms/<rest..>")]
async fn rest(rest: String) -> String {
    rest
}

#[dependency]
async fn cached(cache: State<Cache>) -> u8 {
    let _ = cache;
    1
}

#[get("/state")]
async fn needy(db: State<Db>, #[depends(cached)] count: u8) -> String {
    let _ = db;
    count.to_string()
}

fn problems(app: App) -> Vec<Problem> {
    app.check().err().map(|error| error.problems().to_vec()).unwrap_or_default()
}

#[test]
fn two_routes_that_collide_are_both_named() {
    let found = problems(App::new().route(by_id).route(by_name));
    let [problem] = &found[..] else { panic!("{found:?}") };
    let text = problem.to_string();
    for part in ["GET /rooms/<id>", "`by_id`", "GET /rooms/<name>", "`by_name`", "start.rs:", "change one of the paths"]
    {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert!(matches!(problems(App::new().route(by_id).route(rest))[..], [Problem::Collision { .. }]));
    assert!(matches!(problems(App::new().route(rest).route(by_id))[..], [Problem::Collision { .. }]));
    let twice = App::new().route(fixed).include_router(Router::prefix("/rooms").route(new_under_a_prefix));
    assert!(matches!(problems(twice)[..], [Problem::Collision { .. }]));
}

#[get("/new")]
async fn new_under_a_prefix() {}

#[test]
fn what_differs_in_method_or_precision_does_not_collide() {
    let app = App::new().route(by_id).route(fixed).route(other_method).route(socket);
    assert!(app.check().is_ok());
}

#[test]
fn missing_state_is_named_with_its_argument() {
    let found = problems(App::new().route(needy));
    let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
    let [db, cache] = &texts[..] else { panic!("{texts:?}") };
    for part in ["`needy`", "Db>", "argument `db` at", "start.rs:", ".state("] {
        assert!(db.contains(part), "{part} is not in: {db}");
    }
    assert!(cache.contains("Cache>"), "{cache}");
    assert!(problems(App::new().route(needy).state(Db).state(Cache)).is_empty());
}

#[test]
fn bad_prefixes_are_named() {
    for prefix in ["api", "/<", "/<rest..>", "/<1>", "/a<b>"] {
        let found = problems(App::new().include_router(Router::prefix(prefix).route(fixed)));
        assert!(matches!(found[..], [Problem::BadPath { .. }]), "{prefix}: {found:?}");
    }
    let twice = Router::prefix("/<id>").route(by_id);
    let found = problems(App::new().include_router(twice));
    assert!(found[0].to_string().contains("two parameters of the name `id`"), "{found:?}");
}

#[test]
fn all_problems_come_at_once() {
    let app = App::new().route(by_id).route(by_name).route(needy).include_router(Router::prefix("x").route(fixed));
    assert_eq!(problems(app).len(), 4);
}

#[sockeye::test]
async fn a_server_of_such_an_app_ends_with_the_error() -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let error = App::new().route(by_id).route(by_name).serve(listener).await.unwrap_err();
    assert_eq!(error.kind(), sockeye::ErrorKind::Build);
    assert!(error.to_string().contains("`by_name`"), "{error}");
    Ok(())
}

#[sockeye::test]
#[should_panic(expected = "`by_name`")]
async fn a_test_client_of_such_an_app_panics() {
    TestClient::new(App::new().route(by_id).route(by_name));
}

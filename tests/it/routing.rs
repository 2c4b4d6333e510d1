//! Which request reaches which handler.

use sockeye::{Method, header, prelude::*};

#[get("/")]
async fn root() -> &'static str {
    "root"
}

#[get("/items/<id>")]
async fn item(id: String) -> String {
    format!("item {id}")
}

#[get("/items/special")]
async fn special() -> &'static str {
    "special"
}

#[get("/files/<rest..>")]
async fn file(rest: String) -> String {
    rest
}

#[get("/segments/<all..>")]
async fn segments(all: Vec<String>) -> Json<Vec<String>> {
    Json(all)
}

#[post("/items/<id>")]
async fn change(id: u32) -> String {
    format!("changed {id}")
}

#[get("/café/<name>")]
async fn unicode(name: String) -> String {
    name
}

#[get("/admin")]
async fn admin() -> &'static str {
    "admin"
}

#[websocket("/both")]
async fn both_socket(ws: WebSocket) -> Result<()> {
    ws.send_text("socket").await
}

#[get("/both")]
async fn both_page() -> &'static str {
    "page"
}

#[websocket("/socket")]
async fn socket(ws: WebSocket) -> Result<()> {
    ws.closed().await;
    Ok(())
}

#[get("/list")]
async fn list(tenant: String, page: Option<u32>) -> String {
    format!("{tenant} {page:?}")
}

#[get("/<id>")]
async fn numbered(tenant: u32, id: u32) -> String {
    format!("{tenant}/{id}")
}

fn client() -> TestClient {
    let tenants = Router::prefix("/tenants/<tenant>").route(list);
    let numbered = Router::prefix("/v2/").include_router(Router::prefix("/n/<tenant>").route(numbered));
    TestClient::new(
        App::new()
            .route(root)
            .route(item)
            .route(special)
            .route(file)
            .route(segments)
            .route(change)
            .route(unicode)
            .route(admin)
            .route(both_socket)
            .route(both_page)
            .route(socket)
            .include_router(tenants)
            .include_router(numbered),
    )
}

#[sockeye::test]
async fn paths_reach_their_handlers() -> Result<()> {
    let client = client();
    for (path, answer) in [
        ("/", "root"),
        ("/items/7", "item 7"),
        ("/items/special", "special"),
        ("/items/a%2Fb", "item a/b"),
        ("/items/%25", "item %"),
        ("/items/%7Bid%7D", "item {id}"),
        ("/items/a+b", "item a+b"),
        ("/files/a", "a"),
        ("/files/a/b/c.txt", "a/b/c.txt"),
        ("/files/a//b", "a//b"),
        ("/segments/a/b%2Fc", r#"["a","b/c"]"#),
        ("/caf%C3%A9/x", "x"),
        ("/caf%c3%a9/x", "x"),
        ("/%61dmin", "admin"),
        ("/tenants/acme/list", "acme None"),
        ("/tenants/acme/list?page=2&tenant=other", "acme Some(2)"),
        ("/v2/n/1/2", "1/2"),
    ] {
        let response = client.get(path).await?;
        assert_eq!((response.status().as_u16(), response.text().as_str()), (200, answer), "{path}");
    }
    Ok(())
}

#[sockeye::test]
async fn what_is_not_there_is_404() -> Result<()> {
    let client = client();
    for path in
        ["/nothing", "/items/", "/items/7/", "/items/7/8", "/files", "//admin", "/admin/", "/./admin", "/v2/n/x/2"]
    {
        assert_eq!(client.get(path).await?.status(), 404, "{path}");
    }
    for path in ["/items/%", "/items/%zz", "/items/%00", "/items/%ff", "/nothing/%ff"] {
        assert_eq!(client.get(path).await?.status(), 400, "{path}");
    }
    Ok(())
}

#[sockeye::test]
async fn other_methods_are_405_with_allow() -> Result<()> {
    let client = client();
    let response = client.put("/items/7").await?;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()[header::ALLOW], "GET, HEAD, OPTIONS, POST");
    assert_eq!(client.post("/items/7").await?.text(), "changed 7");
    let response = client.post("/socket").await?;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()[header::ALLOW], "GET, HEAD, OPTIONS");
    Ok(())
}

#[sockeye::test]
async fn head_is_get_without_a_body() -> Result<()> {
    let response = client().request(Method::HEAD, "/items/special").await?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_LENGTH], "7");
    assert!(response.bytes().is_empty());
    assert_eq!(client().request(Method::HEAD, "/socket").await?.status(), 426);
    Ok(())
}

#[sockeye::test]
async fn options_says_what_is_allowed() -> Result<()> {
    let response = client().request(Method::OPTIONS, "/items/7").await?;
    assert_eq!(response.status(), 204);
    assert_eq!(response.headers()[header::ALLOW], "GET, HEAD, OPTIONS, POST");
    assert_eq!(client().request(Method::OPTIONS, "/nothing").await?.status(), 404);
    Ok(())
}

#[sockeye::test]
async fn a_path_can_be_a_page_and_a_socket() -> Result<()> {
    let client = client();
    assert_eq!(client.get("/both").await?.text(), "page");
    let mut ws = client.websocket_connect("/both").await?;
    assert_eq!(ws.receive_text().await?, "socket");
    Ok(())
}

#[sockeye::test]
async fn a_plain_get_of_a_socket_says_what_is_missing() -> Result<()> {
    let client = client();
    let response = client.get("/socket").await?;
    assert_eq!(response.status(), 426);
    assert_eq!(response.headers()[header::UPGRADE], "websocket");
    let text = response.text();
    for part in
        ["`Upgrade: websocket`, `Connection: Upgrade`", "proxy_set_header Upgrade", "ProxyPass", "upgrade=websocket"]
    {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    // A proxy that strips one of the two.
    let stripped = client.get("/socket").header("upgrade", "websocket").header("sec-websocket-version", "13").await?;
    assert_eq!(stripped.status(), 426);
    assert!(stripped.text().contains("lacks: `Connection: Upgrade`"), "{}", stripped.text());
    Ok(())
}

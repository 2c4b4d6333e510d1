//! Tower services and layers inside, and the app as a service in another server.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use sockeye::{Body, HeaderValue, Response, prelude::*};
use tokio::net::TcpListener;
use tower_layer::Layer;
use tower_service::Service;

pub(super) type Request = axum::http::Request<Body>;

/// Counts itself in a header of the answer, and refuses what carries `x-stop`.
#[derive(Clone)]
pub(super) struct Stamp(pub(super) &'static str);

#[derive(Clone)]
pub(super) struct Stamped<S>(S, &'static str);

impl<S> Layer<S> for Stamp {
    type Service = Stamped<S>;

    fn layer(&self, inner: S) -> Stamped<S> {
        Stamped(inner, self.0)
    }
}

impl<S> Service<Request> for Stamped<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        request.extensions_mut().insert(self.1);
        let stop = request.headers().get("x-stop").is_some_and(|stop| stop == self.1);
        let (answer, stamp) = (self.0.call(request), HeaderValue::from_static(self.1));
        Box::pin(async move {
            let mut response = if stop { StatusCode::FORBIDDEN.into_response() } else { answer.await? };
            response.headers_mut().append("x-stamp", stamp);
            Ok(response)
        })
    }
}

/// Answers with the path it sees.
#[derive(Clone)]
pub(super) struct SaysPath;

impl Service<Request> for SaysPath {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        ready(Ok(format!("mounted {}", request.uri()).into_response()))
    }
}

#[get("/hello/<name>")]
async fn hello(name: String, stamp: Option<Extension<&'static str>>) -> String {
    format!("hello {name} {}", stamp.map_or("none", |stamp| stamp.0))
}

#[websocket("/echo/<room>")]
async fn echo(mut ws: WebSocket, room: String) -> Result<()> {
    while let Some(message) = ws.next().await {
        let message = message?;
        ws.send_text(format!("[{room}] {}", message.as_text().map_or("", |text| text))).await?;
    }
    Ok(())
}

#[get("/outside")]
async fn outside() {}

#[sockeye::test]
async fn layers_are_around_pages_and_sockets() -> Result<()> {
    let inside = Router::prefix("/in").route(hello).route(echo).layer(Stamp("inner")).layer(Stamp("outer"));
    let client = TestClient::new(App::new().include_router(inside).route(outside));
    let response = client.get("/in/hello/ann").await?;
    assert_eq!(response.text(), "hello ann inner");
    assert_eq!(response.headers().get_all("x-stamp").iter().collect::<Vec<_>>(), ["inner", "outer"]);
    assert!(client.get("/outside").await?.headers().get("x-stamp").is_none());

    let mut ws = client.websocket_connect("/in/echo/a").await?;
    assert_eq!(ws.headers().get_all("x-stamp").iter().count(), 2);
    ws.send_text("hi").await?;
    assert_eq!(ws.receive_text().await?, "[a] hi");
    client.websocket("/in/echo/a").header("x-stop", "outer").connect().await.expect_denied(403);
    Ok(())
}

#[sockeye::test]
async fn mounted_services_see_the_path_below() -> Result<()> {
    let app =
        App::new().route(hello).mount("/static", SaysPath).include_router(Router::prefix("/a").mount("/b/", SaysPath));
    let client = TestClient::new(app);
    for (path, answer) in [
        ("/static", "mounted /"),
        ("/static/", "mounted /"),
        ("/static/x/y%2Fz?q=1", "mounted /x/y%2Fz?q=1"),
        ("/a/b/c", "mounted /c"),
        ("/hello/ann", "hello ann none"),
    ] {
        assert_eq!(client.get(path).await?.text(), answer, "{path}");
    }
    assert_eq!(client.get("/staticx").await?.status(), 404);
    Ok(())
}

/// The whole app inside of axum: pages and sockets, nested and as the fallback.
#[sockeye::test]
async fn the_app_mounts_in_axum() -> Result<()> {
    let app = App::new().route(hello).route(echo);
    let router = axum::Router::new()
        .route("/axum", axum::routing::get(async || "axum"))
        .nest_service("/nested", app.clone())
        .fallback_service(app);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TestClient::connect_to(listener.local_addr()?);
    sockeye::spawn(async move { axum::serve(listener, router).await });
    assert_eq!(client.get("/axum").await?.text(), "axum");
    for prefix in ["", "/nested"] {
        assert_eq!(client.get(&format!("{prefix}/hello/ann")).await?.text(), "hello ann none");
        let mut ws = client.websocket_connect(&format!("{prefix}/echo/a%2Fb")).await?;
        for _ in 0..100 {
            ws.send_text("hi").await?;
            assert_eq!(ws.receive_text().await?, "[a/b] hi");
        }
        ws.close(1000).await?;
    }
    Ok(())
}
